# Everything happens in a virtual environment in this folder; PYTHON chooses what makes it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
EXTRAS := litert,onnx,cli,report,train-cpu
DEMO := artifacts/runs/demo

.PHONY: help demo test test-browser test-arm test-compat check format artifacts recipes peers clean

help: ## show this
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/.use ## the whole path on real MNIST: data, train, export, bench, report
	$(BIN)/mnist-edge train --recipe edge --epochs 3 --out $(DEMO) --resume
	$(BIN)/mnist-edge export $(DEMO) --int8
	$(BIN)/mnist-edge bench $(DEMO) --out $(DEMO)/bench.json --pictures $(DEMO)
	$(BIN)/mnist-edge report $(DEMO)
	@echo "Open it in a browser, and draw a digit: $(DEMO)/report.html"

test: $(VENV)/.develop $(VENV)/.bare $(VENV)/.sshd ## run the tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-browser: $(VENV)/.develop ## look at reports in a browser; needs chromium
	$(BIN)/python -m pytest tests/browser

test-arm: $(VENV)/.develop ## try the wheel as a Raspberry Pi would, emulated; needs qemu-user-static
	$(BIN)/python -m tools.arm

test-compat: $(VENV)/.develop ## try the wheel with every Python here, and old and new runtimes
	$(BIN)/python -m tools.compatibility

check: $(VENV)/.develop ## format, lint, import layers, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(VENV)/.develop ## put the code into form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

artifacts: $(VENV)/.develop ## train and export the shipped bundles anew
	$(BIN)/python -m tools.build_artifacts

recipes: $(VENV)/.develop ## train every recipe and write down what it reaches (over an hour)
	$(BIN)/python -m tools.measure_recipes

peers: $(VENV)/.develop ## time the shipped network beside other runtimes, each installed apart
	$(BIN)/python tools/bench_peers.py --json artifacts/peers.json

clean: ## remove what make made, but no runs
	rm -rf $(VENV) .venv-bare .venv-compat .venv-peers .arm .sshd build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

# The environment to use the package in, then the tools to work on it.
$(VENV)/.use: pyproject.toml constraints.txt
	@echo "Installing TensorFlow and the runtimes into $(VENV): a minute or two, once."
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable '.[$(EXTRAS)]'
	@touch $@

$(VENV)/.develop: $(VENV)/.use requirements-dev.txt
	@echo "Installing the tools for tests and checks."
	$(PIP) -r requirements-dev.txt
	@touch $@

# What a device has, nothing more: numpy and one runtime. The tests put the wheel into each.
$(VENV)/.bare: $(VENV)/.use tools/bare_environments.py
	$(BIN)/python tools/bare_environments.py
	@touch $@

# An SSH server on loopback for the tests of `bench --host`: the system's, or Debian's, unpacked.
$(VENV)/.sshd: $(VENV)/.use tools/loopback_sshd.py
	$(BIN)/python tools/loopback_sshd.py
	@touch $@

"""The parts of tools/compatibility that can go wrong unseen; `make test-compat` is the whole."""

import json
import re
import zipfile

import pytest

from tools.arm.steps import StepError
from tools.compatibility import __main__ as compatibility
from tools.compatibility.environments import ENVIRONMENTS, Environment
from tools.compatibility.making import PACKAGES, Python, find_python, pinned
from tools.tables import devices

PINS = "# words\nml-dtypes==0.6.0\nnumpy==2.2.6 ; python_full_version < '3.11'\nnumpy==2.4.6\n"


def numbers(version):
    """2.14 is 2.14.0."""
    return tuple(map(int, f"{version}.0.0".split(".")[:3]))


def test_an_environment_has_the_pinned_versions_but_its_own():
    assert pinned(Environment("3.11", "litert"), PINS) == PINS
    own = Environment("3.11", "litert", "1.1.1", "1.26.4")
    assert own.name == "3.11-litert-1.1.1-numpy-1.26.4"
    assert pinned(own, PINS).split("\n") == [
        "# words", "ai-edge-litert==1.1.1", "numpy==1.26.4", "",
    ]  # fmt: skip


def test_a_python_is_found_on_path_or_under_pyenv_if_it_is_one(tmp_path, monkeypatch):
    def script(path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    script(tmp_path / "bin" / "python3.77", "echo not this one; exit 1")
    script(tmp_path / "bin" / "python3.78", "echo 3.9.1 /somewhere")
    for version in ("3.77.2", "3.77.10", "3.77.11t", "3.77.11rc1"):
        script(tmp_path / "pyenv/versions" / version / "bin/python", f"echo {version} /a python")
    assert find_python("3.77") == ("3.77.10", "/a python")
    assert find_python("3.78") is None
    script(tmp_path / "bin" / "python3.77", "echo 3.77.0 /first")
    assert find_python("3.77") == ("3.77.0", "/first")


def test_an_absent_python_is_a_row_that_was_not_run(tmp_path):
    row = compatibility.try_one(Environment("3.77", "onnx"), None, tmp_path, tmp_path)
    assert (row["python"], row["result"], row["tests"]) == ("3.77", "not run", None)
    assert "python3.77 is neither on PATH nor under pyenv" in row["why"]


def test_an_environment_that_cannot_be_made_is_a_row_that_failed(tmp_path, monkeypatch):
    monkeypatch.setattr(compatibility, "HOME", tmp_path)
    wheel = tmp_path / "a.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("a.dist-info/METADATA", "Name: a")
    python = Python("3.11.7", str(tmp_path / "gone"))
    row = compatibility.try_one(Environment("3.11", "onnx"), python, wheel, tmp_path)
    assert (row["python"], row["result"], row["tests"]) == ("3.11.7", "failed", None)
    assert "gone is not installed" in row["why"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"unmet": ["typer is absent"]}, "lacks typer is absent"),
        ({"numpy": "2.4.6"}, "numpy 2.4.6 and .* are there; wanted"),
        ({"runtimes": {"litert": "2.3.0"}}, "are there; wanted"),
        ({"runtimes": {"litert": "1.1.1", "keras": "3.15"}}, "are there; wanted"),
        ({"runtimes": {}}, "are there; wanted"),
        ({"package": "/elsewhere/mnist_edge/__init__.py"}, "elsewhere/.* was imported"),
    ],
)
def test_what_is_in_an_environment_is_what_was_meant(tmp_path, monkeypatch, changed, said):
    inside = tmp_path / "bin" / "python"
    about = {
        "unmet": [],
        "numpy": "1.26.4",
        "runtimes": {"litert": "1.1.1"},
        "package": str(tmp_path / "lib" / "mnist_edge" / "__init__.py"),
    }
    environment = Environment("3.11", "litert", "1.1.1", "1.26.4")
    monkeypatch.setattr(compatibility, "run", lambda *_command: json.dumps(about))
    found = compatibility.packages(environment, inside)
    assert found == {"numpy": "1.26.4", "runtime_version": "1.1.1"}
    about |= changed
    with pytest.raises(StepError, match=said):
        compatibility.packages(environment, inside)


def test_the_oldest_that_pyproject_takes_are_tried(root):
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    (oldest,) = re.findall(r'requires-python = ">=([\d.]+)"', text)
    assert min((each.python for each in ENVIRONMENTS), key=numbers) == oldest
    for extra, package in PACKAGES.items():
        (least,) = re.findall(rf'^{extra} = \["{package}>=([\d.]+)', text, re.MULTILINE)
        tried = [each.version for each in ENVIRONMENTS if each.extra == extra and each.version]
        assert numbers(min(tried, key=numbers)) == numbers(least)


def test_the_record_has_every_environment_and_none_that_failed():
    rows = json.loads(compatibility.RECORD.read_text(encoding="utf-8"))
    assert len(rows) == len(ENVIRONMENTS)
    for row, wanted in zip(rows, ENVIRONMENTS, strict=True):
        assert row["python"].startswith(wanted.python)
        assert row["runtime"] == wanted.runtime
        assert wanted.version in (None, row["runtime_version"])
        assert wanted.numpy in (None, row["numpy"])
        assert row["result"] in ("passed", "not run")
        assert (row["verify"] == "holds") == (row["result"] == "passed")


def test_the_readme_gets_a_line_a_machine_and_runtime(tmp_path, monkeypatch):
    ours = {"platform": "x86_64", "runtime": "litert", "runtime_version": "2.3.0"}
    passed = {**ours, "result": "passed", "worst": {"shipped/a": 0.0, "tests/b": 0.0039}}
    arm = {"platform": "aarch64 cortex-a53 (emulated)", "boards": "Raspberry Pi 3", **passed}
    arm |= {"platform": "aarch64 cortex-a53 (emulated)", "python": "3.11.2", "numpy": "2.4.6"}
    records = [
        [
            {**passed, "python": "3.10.13", "numpy": "2.2.6", "tests": 700},
            {**passed, "python": "3.11.7", "numpy": "2.4.6", "tests": 701},
            {**passed, "python": "3.12.1", "numpy": "2.4.6", "tests": 701, "worst": {"a": 1e-7}},
            {**ours, "python": "3.13", "numpy": None, "runtime_version": None,
             "result": "not run", "tests": None, "worst": {}},
        ],
        [
            {**arm, "tests": 300},
            {**arm, "boards": "Raspberry Pi 4", "tests": None},
        ],
    ]  # fmt: skip
    paths = [tmp_path / "ours.json", tmp_path / "arm.json"]
    for path, rows in zip(paths, records, strict=True):
        path.write_text(json.dumps(rows))
    monkeypatch.setattr(devices, "TRIED", paths)
    assert devices.platforms_table().splitlines()[2:] == [
        "| x86_64 | litert newest | 3.13 with the newest | not run | – |",
        "| x86_64 | litert 2.3.0 | 3.10 with 2.2.6; 3.11, 3.12 with 2.4.6 | 700–701 | 0.0039 |",
        "| aarch64, emulated: Raspberry Pi 3, 4 | litert 2.3.0 | 3.11 with 2.4.6 "
        "| 300 (as Raspberry Pi 3) | 0.0039 |",
    ]

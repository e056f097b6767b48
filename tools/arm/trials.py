"""What is tried on a device: its packages, verify, predict, and the tests."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.arm.steps import StepError, call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.arm.boards import Device
    from tools.arm.inputs import Inputs

ROOT = Path(__file__).parents[2]
TESTS = [f"backends/test_{name}.py" for name in (
    "batches", "choosing", "conformance", "ladder", "needs", "threads", "wheels",
)]  # fmt: skip
TESTS += [f"test_{name}.py" for name in (
    "bundle", "classifier", "digest", "image_file", "interpreter", "machine",
    "model_file", "preprocess", "quantize", "verify",
)]  # fmt: skip
COUNT = re.compile(r"(\d+) (\w+)")


def write_python(device: Device, root: Path, site: Path, folder: Path) -> Path:
    """Write the device's `python`: a script, so that the tests may start it by sys.executable."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "python"
    arguments = ["-cpu", device.processor.name, "-L", str(root)]
    (python,) = (root / "usr" / "bin").glob("python3.*")
    path.write_text(
        f"#!/bin/sh\nexport PYTHONHOME={shlex.quote(str(root / 'usr'))} "
        f"PYTHONPATH={shlex.quote(str(site))} PYTHONNOUSERSITE=1 PYTHONSAFEPATH=1\n"
        f'exec {device.processor.machine.qemu} {shlex.join(arguments)} -0 "$0" '
        f'{shlex.quote(str(python))} "$@"\n'
    )
    path.chmod(0o755)
    return path


def try_device(
    device: Device, python: Path, site: Path, inputs: Inputs, say: Callable[[str], None]
) -> dict[str, Any]:
    """Try all of it on one device; return its row for platforms.json, `tests` None without them.

    Raises:
        StepError: the first thing that did not hold.
    """
    about = json.loads(run(python, ROOT / "tools/arm/on_device.py", device.extra, "cli"))
    check_packages(device, site, about)
    say(f"{about['requirements']} requirements met, {device.runtime} alone is there")
    worst: dict[str, float] = {}
    for name, folder in inputs.bundles.items():
        command = ["-m", "mnist_edge", "verify", "--json", *([folder] if folder else [])]
        found = differences(json.loads(run(python, *command)), device.runtime)
        worst |= {f"{name}/{file}": value for file, value in found.items()}
    say(f"verify holds for {len(worst)} models in {len(inputs.bundles)} bundles")
    answers = json.loads(run(python, "-m", "mnist_edge", "predict", "--json", *inputs.images))
    labels = {Path(each["image"]): each["label"] for each in answers}
    if labels != inputs.images:
        raise StepError(f"predict says {labels}; wanted {inputs.images}")
    say(f"predict names {len(labels)} of {len(inputs.images)} images rightly")
    counts = None
    if device.runs_tests:
        counts = run_tests(device.runtime, python, inputs.tests_bundle)
        say(f"{counts['passed']} tests passed, {counts['deselected']} are for other runtimes")
    return {
        "platform": device.platform,
        "boards": device.processor.boards,
        "python": about["python"],
        "numpy": about["numpy"],
        "runtime": device.runtime,
        "runtime_version": about["runtimes"][device.runtime],
        "tests": counts["passed"] if counts else None,
        "tests_left_out": counts["deselected"] if counts else None,
        "predict": "right",
        "verify": "holds",
        "worst": worst,
    }


def run(python: Path, *arguments: str | Path, **environment: str) -> str:
    """Run the device's Python where nothing of this repository is found by accident."""
    command = [str(python), *map(str, arguments)]
    return call(command, cwd=python.parent, env={**os.environ, **environment})


def check_packages(device: Device, site: Path, about: dict[str, Any]) -> None:
    """Hold what on_device.py found against what was meant.

    Raises:
        StepError: another machine, package or runtime, or a requirement that is not met.
    """
    if about["unmet"]:
        raise StepError(f"mnist-edge[{device.extra},cli] is not met: {'; '.join(about['unmet'])}")
    wanted = (device.processor.machine.name, [device.runtime], str(site))
    package = Path(about["package"])
    came = (about["machine"], list(about["runtimes"]), str(package.parents[1]))
    if came != wanted:
        raise StepError(f"machine, runtimes and package are {came}; wanted {wanted}")


def differences(findings: list[dict[str, Any]], runtime: str) -> dict[str, float]:
    """Return how far each model that `verify --json` ran was from its golden answers.

    Raises:
        StepError: a model does not hold, or none was run.
    """
    bad = [finding for finding in findings if not finding["holds"]]
    ran = [finding for finding in findings if finding["runtime"] == runtime]
    if bad or not ran:
        raise StepError(f"verify with {runtime} says {bad or findings}")
    return {finding["file"]: float(f"{finding['worst']:.2g}") for finding in ran}


def run_tests(
    runtime: str, python: Path, bundle: Path, more: tuple[str, ...] = ()
) -> dict[str, int]:
    """Run the tests where there is one runtime; return how many passed and were left out.

    Args:
        runtime: its name.
        python: which has it.
        bundle: with every model that the tests ask for.
        more: tests to run beside TESTS.

    Raises:
        StepError: one did not pass, or was skipped: a skip can never pass for a test.
    """
    options = ["-q", "--tb=short", "-c", ROOT / "pyproject.toml", "--rootdir", ROOT]
    options += ["-p", "no:cacheprovider", "--basetemp", python.parent / "tests"]
    said = run(
        python, "-m", "pytest", *options, *(ROOT / "tests" / name for name in (*TESTS, *more)),
        MNIST_EDGE_TEST_BUNDLE=str(bundle), MNIST_EDGE_TEST_RUNTIMES=runtime,
    )  # fmt: skip
    return counted(said)


def counted(said: str) -> dict[str, int]:
    """Return the counts in the last line of what pytest said, `passed` and `deselected`.

    Raises:
        StepError: there is another, such as `skipped`.
    """
    last = said.strip().splitlines()[-1].partition(" in ")[0]
    counts = {what: int(number) for number, what in COUNT.findall(last)}
    if not counts.get("passed") or set(counts) - {"passed", "deselected"}:
        raise StepError(f"wanted tests that pass, and none that is skipped:\n{said}")
    return {"passed": counts["passed"], "deselected": counts.get("deselected", 0)}

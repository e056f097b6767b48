"""Try the wheel in every environment, and write down what came of it.

    python -m tools.compatibility [NAME ...]

An environment is called as .venv-compat/ has it; with some named, nothing is written down.
One whose Python is not here is not run, and the record says so.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_edge.atomic import write_file
from tools.arm.inputs import make_tests_bundle
from tools.arm.sites import make_wheel
from tools.arm.steps import StepError
from tools.arm.trials import differences, run, run_tests
from tools.compatibility.environments import ENVIRONMENTS
from tools.compatibility.making import find_python, make_environment

if TYPE_CHECKING:
    from tools.compatibility.environments import Environment
    from tools.compatibility.making import Python

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".venv-compat"  # ignored by git; what is in it is used again while its pins hold
RECORD = ROOT / "artifacts" / "compatibility.json"
AT_ONCE = 2
# Beside those that emulated processors run: these have to do with Python only, and take a while.
MORE_TESTS = ("structure", "test_atomic.py", "test_board.py", "test_errors.py")


def main() -> int:
    """Do it; return the exit code, 1 where something that was run did not hold."""
    known = {environment.name: environment for environment in ENVIRONMENTS}
    names = sys.argv[1:] or list(known)
    if unknown := set(names) - set(known):
        print(f"error: {unknown.pop()} is no environment; wanted some of {', '.join(known)}")
        return 2
    pythons = {minor: find_python(minor) for minor in {known[name].python for name in names}}
    try:
        wheel, bundle = make_wheel(HOME / "wheel"), make_tests_bundle(HOME / "bundle")
    except StepError as failed:
        print(f"error: {failed}", file=sys.stderr)
        return 1
    os.environ.pop("PYTHONPATH", None)  # an environment has what is installed in it

    def attempt(name: str) -> dict[str, Any]:
        row = try_one(known[name], pythons[known[name].python], wheel, bundle)
        came = f"{row['tests']} tests" if row["result"] == "passed" else row["why"]
        print(f"{name}: {row['result']}, {came}", flush=True)
        return row

    with ThreadPoolExecutor(AT_ONCE) as pool:
        rows = list(pool.map(attempt, names))
    if not sys.argv[1:]:
        write_file(RECORD, json.dumps(rows, indent=1) + "\n")
    return int(any(row["result"] == "failed" for row in rows))


def try_one(
    environment: Environment, python: Python | None, wheel: Path, bundle: Path
) -> dict[str, Any]:
    """Return the row of one environment for compatibility.json; what fails is in it."""
    row = {
        "platform": platform.machine(),
        "python": python.version if python else environment.python,
        "numpy": environment.numpy,
        "runtime": environment.runtime,
        "runtime_version": environment.version,
        "tests": None,
        "tests_left_out": None,
        "verify": None,
        "worst": {},
        "result": "not run",
        "why": None,
    }
    if python is None:
        return {**row, "why": f"python{environment.python} is neither on PATH nor under pyenv"}
    try:
        inside = make_environment(environment, python, wheel, HOME)
        row |= packages(environment, inside)
        for name, folder in {"shipped": None, "tests": bundle}.items():
            command = ["-m", "mnist_edge", "verify", "--json", *([folder] if folder else [])]
            found = differences(json.loads(run(inside, *command)), environment.runtime)
            row["worst"] |= {f"{name}/{file}": value for file, value in found.items()}
        row["verify"] = "holds"
        counts = run_tests(environment.runtime, inside, bundle, MORE_TESTS)
    except StepError as failed:
        return {**row, "result": "failed", "why": str(failed)}
    row |= {"tests": counts["passed"], "tests_left_out": counts["deselected"]}
    return {**row, "result": "passed"}


def packages(environment: Environment, inside: Path) -> dict[str, str]:
    """Return the versions of numpy and the runtime that are in an environment.

    Raises:
        StepError: another package, runtime or version than meant, or a requirement is not met.
    """
    about = json.loads(run(inside, ROOT / "tools/arm/on_device.py", environment.extra, "cli"))
    if about["unmet"]:
        raise StepError(f"mnist-edge[{environment.extra},cli] lacks {'; '.join(about['unmet'])}")
    numpy, version = about["numpy"], about["runtimes"].get(environment.runtime)
    wanted = (environment.numpy or numpy, {environment.runtime: environment.version or version})
    if (numpy, about["runtimes"]) != wanted:
        raise StepError(f"numpy {numpy} and {about['runtimes']} are there; wanted {wanted}")
    if not Path(about["package"]).is_relative_to(inside.parents[1]):
        raise StepError(f"{about['package']} was imported; wanted the one in {inside.parents[1]}")
    return {"numpy": numpy, "runtime_version": version}


if __name__ == "__main__":
    sys.exit(main())

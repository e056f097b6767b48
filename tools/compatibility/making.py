"""Finding Pythons, and making environments with the wheel in them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mnist_edge.backends.wheels import SMALL
from tools.arm.sites import TESTS_NEED, constraints, requirements
from tools.arm.steps import StepError, call, is_made, set_made, stamp
from tools.compatibility.environments import NUMPY_1

if TYPE_CHECKING:
    from tools.compatibility.environments import Environment

ROOT = Path(__file__).parents[2]
PACKAGES = {extra: package for package, extra in SMALL.items()}
SAYS = "import ensurepip, platform, sys; print(platform.python_version(), sys.executable)"


class Python(NamedTuple):
    """An interpreter of this machine."""

    version: str
    path: str


def find_python(minor: str) -> Python | None:
    """Return a Python that can make environments; None where there is none.

    It is looked for on PATH, then among those of pyenv, the latest first.

    Args:
        minor: such as 3.11.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    patches = [path.name.removeprefix(f"{minor}.") for path in pyenv.glob(f"versions/{minor}.*")]
    released = sorted((int(patch) for patch in patches if patch.isdigit()), reverse=True)
    theirs = [pyenv / "versions" / f"{minor}.{patch}" / "bin" / "python" for patch in released]
    for path in (shutil.which(f"python{minor}"), *theirs):
        if path is None:
            continue
        try:
            version, itself = call([str(path), "-c", SAYS]).split(maxsplit=1)
        except (StepError, OSError):  # pyenv's stand-in for one that is off; one without ensurepip
            continue
        if version.startswith(f"{minor}."):
            return Python(version, itself.strip())
    return None


def make_environment(environment: Environment, python: Python, wheel: Path, home: Path) -> Path:
    """Return the Python of an environment with the wheel, its extra and what the tests need.

    Raises:
        StepError: it cannot be made.
    """
    folder = home / environment.name
    inside = folder / "bin" / "python"
    pins = pinned(environment, (ROOT / "constraints.txt").read_text(encoding="utf-8"))
    mark = stamp(python, pins, requirements(wheel), TESTS_NEED)
    pip = [str(inside), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if is_made(folder, mark):  # the dependencies; the wheel itself may be another every time
        call([*pip, "--force-reinstall", "--no-deps", "--no-index", str(wheel)])
        return inside
    call([python.path, "-m", "venv", "--clear", str(folder)])
    (folder / "constraints.txt").write_text(pins, encoding="utf-8")
    pip += ["--only-binary=:all:", "--constraint", str(folder / "constraints.txt")]
    call([*pip, f"{wheel}[{environment.extra},cli]", *TESTS_NEED])
    set_made(folder, mark)
    return inside


def pinned(environment: Environment, text: str) -> str:
    """Return constraints.txt, which `text` is, with the environment's own versions in it."""
    own = {PACKAGES[environment.extra]: environment.version, "numpy": environment.numpy}
    if environment.numpy == NUMPY_1:  # the pinned ml-dtypes needs numpy 2: pip finds an older one
        text = "\n".join(line for line in text.splitlines() if not line.startswith("ml-dtypes=="))
    named = {package: version for package, version in own.items() if version}
    return constraints(text, environment.extra, named)

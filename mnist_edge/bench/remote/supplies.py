"""Wheels for a board that reaches no package index, fetched by the desk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_edge.data.sources import cache_folder
from mnist_edge.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnist_edge.interpreter import Interpreter

LIMIT_S = 1800
OLDEST_GLIBC = 5  # 2.5, manylinux1
_one_at_a_time = threading.Lock()  # boards of a kind want the same


def fetch_wheels(
    requirements: Sequence[str], board: Interpreter, pip: bytes, *, whole: bool = True
) -> list[Path]:
    """Return wheels for another machine, from the index or else from those fetched before.

    Args:
        requirements: for pip.
        board: the Python that they are for.
        pip: as a zip, where this Python has none.
        whole: with what they need themselves.

    Raises:
        HostError: there are none, or no index is reached here either.
    """
    kept = cache_folder() / "wheels" / f"{board.tag}-{board.machine}"
    with _one_at_a_time, tempfile.TemporaryDirectory() as folder:
        new = Path(folder) / "new"
        environment = dict(os.environ)
        if find_spec("pip") is None:
            (Path(folder) / "pip.zip").write_bytes(pip)
            environment["PYTHONPATH"] = str(Path(folder) / "pip.zip")
        kept.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(new)]
        command += ["--disable-pip-version-check", "--retries", "1", "--timeout", "15"]
        command += ["--find-links", str(kept), *target(board), *([] if whole else ["--no-deps"])]
        said = ""
        for only in ([], ["--no-index"]):
            ended = _run([*command, *only, *requirements], environment)
            if ended.returncode == 0:
                break
            said = said or last_error(ended.stdout.splitlines())
        else:
            raise HostError(f"no wheels for it on this machine either: {said}")
        for wheel in new.iterdir():
            shutil.copy(wheel, kept)
        return [kept / wheel.name for wheel in sorted(new.iterdir())]


def target(board: Interpreter) -> list[str]:
    """Return what makes pip choose wheels for another machine.

    Markers are still those of this Python: what a board of another Python lacks, it says.
    """
    _, minor = board.libc_version or (2, 17)
    tags = [f"manylinux_2_{each}" for each in range(minor, OLDEST_GLIBC - 1, -1)]
    tags += ["manylinux2014", "manylinux2010", "manylinux1", "linux"]
    options = ["--only-binary=:all:", "--implementation", board.tag[:2]]
    options += ["--python-version", ".".join(board.python.split(".")[:2])]
    for abi in (board.tag, "abi3", "none"):
        options += ["--abi", abi]
    return options + [part for tag in tags for part in ("--platform", f"{tag}_{board.machine}")]


def last_error(lines: Sequence[str]) -> str:
    """Return the line in which pip says best why it failed."""
    told = [line.strip() for line in lines if line.strip()]
    errors = [line for line in told if line.startswith("ERROR:")] or told
    errors = [line for line in errors if "ResolutionImpossible" not in line] or errors
    return errors[-1].removeprefix("ERROR:").strip() if errors else "pip said nothing"


def _run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=LIMIT_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HostError(f"no wheels from this machine: {error}") from None

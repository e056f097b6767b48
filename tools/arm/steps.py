"""Running programs, remembering what is finished, and saying what failed."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_S = 600  # of one program; the slowest takes a minute
SHOWN = 100  # lines of what a failed program said


class StepError(Exception):
    """A step did not do what it should; the message says it all."""


def call(command: list[str], **settings: object) -> str:
    """Run a program; return what it printed, its complaints included.

    Raises:
        StepError: it ended with another code than 0, or not in time, or is not there.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as output:  # a pipe waits for grandchildren
        try:
            ended = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                check=False, timeout=LIMIT_S, **settings,
            )  # fmt: skip
            how = f"ended with code {ended.returncode}"
        except subprocess.TimeoutExpired:
            how = f"was ended after {LIMIT_S} s"
        except FileNotFoundError:
            raise StepError(f"{command[0]} is not installed") from None
        output.seek(0)
        said = output.read()
    if how != "ended with code 0":
        last = "\n".join(said.splitlines()[-SHOWN:])
        raise StepError(f"{' '.join(command)}\n{how}:\n{last}")
    return said


def stamp(*parts: object) -> str:
    """Return a short text that is another when one of the parts is."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def is_made(folder: Path, mark: str) -> bool:
    """Say whether `folder` was finished, and with this mark."""
    file = folder.with_name(f"{folder.name}.made")
    return folder.is_dir() and file.is_file() and file.read_text() == mark


def set_made(folder: Path, mark: str) -> None:
    """Remember that `folder` is finished."""
    folder.with_name(f"{folder.name}.made").write_text(mark)

"""A terminal to run commands on: a pty, and what a person would see on it."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from typing import NamedTuple

import pyte
import pytest

HIGH = 300
TOLD = (
    "NO_COLOR",
    "FORCE_COLOR",
    "COLUMNS",
    "TTY_COMPATIBLE",
    "PYTHONIOENCODING",
    "PYTHONUTF8",
    "PYTHONUNBUFFERED",
)


class Shown(NamedTuple):
    """What came of a command: the screen's rows, the bytes that were written, the exit code."""

    rows: list[str]
    written: bytes
    code: int


def environment(**changes):
    """The environment of the tests, without what would tell a program how to write."""
    kept = {name: value for name, value in os.environ.items() if name not in TOLD}
    return {**kept, "TERM": "xterm-256color", **changes}


def show(width, *words, stdout=None, **changes):
    """Run Python with `words` on a terminal; its stdout elsewhere, where that is said."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", HIGH, width, 0, 0))
    child = subprocess.Popen(
        [sys.executable, *words],
        stdin=its, stdout=stdout or its, stderr=its, env=environment(**changes),
    )  # fmt: skip
    os.close(its)
    written = b""
    while True:
        try:
            came = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not came:
            break
        written += came
    os.close(ours)
    screen = pyte.Screen(width, HIGH)
    pyte.ByteStream(screen).feed(written)
    rows = [row.rstrip() for row in screen.display]
    while rows and not rows[-1]:
        rows.pop()
    return Shown(rows, written, child.wait())


def run_piped(*words, **changes):
    """Run Python with `words` as a CI does: no terminal anywhere."""
    return subprocess.run(
        [sys.executable, *words],
        capture_output=True, check=False, stdin=subprocess.DEVNULL, env=environment(**changes),
    )  # fmt: skip


@pytest.fixture
def on_terminal():
    return show


@pytest.fixture
def piped():
    return run_piped


@pytest.fixture
def untold():
    """The environment of the tests, without what would tell a program how to write."""
    return environment()

"""An environment of its own on a board: Python's venv, this package, numpy, the runtimes.

pip is the desk's, sent along: Debian's Python has none without python3-venv, and making it anew
takes half a minute on a small board. What it downloads is kept nowhere on the board.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from mnist_edge.bench.remote.parcel import PIP, WHEEL
from mnist_edge.bench.remote.supplies import fetch_wheels, last_error
from mnist_edge.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_edge.bench.remote.choice import Choice
    from mnist_edge.bench.remote.connection import Connection
    from mnist_edge.bench.remote.parcel import Parcel
    from mnist_edge.interpreter import Interpreter

PYTHON = "{folder}/venv/bin/python"
QUIET_S = 900  # a slow card, a slow network
NEED_MB = 400  # of disk: wheels, and what they become
PINS = "pins.txt"
WHEELS = "wheels"
ROUNDS = 5  # of sending what a board still lacks
LACKS = re.compile(r"No matching distribution found for ([\w.\[\]-]+)")


@dataclass(frozen=True)
class Installed:
    """How it was done.

    Attributes:
        offline: the wheels came from the desk.
        notes: what a reader of the results should know, one line each.
    """

    offline: bool
    notes: tuple[str, ...]


def install(
    board: Connection,
    python: Interpreter,
    parcel: Parcel,
    choice: Choice,
    say: Callable[[str], None],
) -> Installed:
    """Make the environment.

    Raises:
        HostError: no room, no venv, or no wheels, there and here.
    """
    _unpack(board, choice)
    pins = _pins(choice)
    board.put(PINS, "".join(f"{pin}\n" for pin in pins).encode())
    reached = ["--timeout", "15", "--retries", "1"]
    wanted = [f"{{folder}}/{WHEEL}", *choice.requirements]
    lines = _pip(board, [*reached, "--constraint", PINS, *wanted], say)
    notes = choice.left_out
    if lines and pins and not _unreached(lines):
        notes += (f"the index there does not have the desk's {', '.join(pins)}",)
        lines = _pip(board, [*reached, *wanted], say)
    if not lines:
        return Installed(False, notes)
    say("no index there: sending wheels")
    try:
        _bring(board, python, parcel, choice, pins)
        _install_brought(board, python, parcel, choice, say)
    except HostError as error:
        why = "it reaches no package index" if _unreached(lines) else last_error(lines)
        raise HostError(f"{board.host}: {why}; {error}") from None
    return Installed(True, notes)


def _unreached(lines: list[str]) -> bool:
    return any("Retrying (" in line for line in lines)


def _unpack(board: Connection, choice: Choice) -> None:
    if not board.about["has"]["venv"]:
        raise HostError(f"{board.host}: its Python has no venv: sudo apt install python3-venv")
    if choice.system_numpy and not board.about["has"]["numpy"]:
        raise HostError(
            f"{board.host}: there are no wheels of numpy for 32 bits, and its system has none: "
            "sudo apt install python3-numpy"
        )
    python = [board.about["executable"], "-I", "-m"]
    system = ["--system-site-packages"] if choice.system_numpy else []
    for words in (["zipfile", "-e", PIP, "pip"], ["venv", "--without-pip", *system, "venv"]):
        code, lines = board.run([*python, *words], QUIET_S)
        if code:
            raise HostError(f"{board.host}: python -m {words[0]}: {_why(lines)}")


def _pins(choice: Choice) -> list[str]:
    """Return the desk's versions of the runtimes: the same ones are to be compared."""
    found = []
    for package in choice.requirements:
        try:
            found.append(f"{package}=={version(package)}")
        except (PackageNotFoundError, ValueError):  # not here, or a bound and not a name
            continue
    return found


def _pip(board: Connection, words: list[str], say: Callable[[str], None]) -> list[str]:
    """Install; return nothing if that was done, or else what pip said last.

    Raises:
        HostError: the disk is full.
    """

    def hear(line: str) -> None:
        if line.startswith(("Collecting ", "Installing ", "Processing ")):
            say(line.split(" (")[0].replace("{folder}/", ""))

    command = [PYTHON, "{folder}/pip/pip", "install", "--only-binary=:all:", "--no-color"]
    code, lines = board.run([*command, "--progress-bar=off", *words], QUIET_S, hear)
    if code and full("\n".join(lines)):
        raise HostError(f"{board.host}: {no_room(board.about)}")
    return lines or [f"ended with code {code}"] if code else []


def _bring(
    board: Connection, python: Interpreter, parcel: Parcel, choice: Choice, pins: list[str]
) -> None:
    named = {pin.partition("==")[0]: pin for pin in pins}
    exact = [named.get(each, each) for each in choice.requirements]
    brought = list(exact) if choice.system_numpy else [*exact, "numpy"]
    whole = not choice.system_numpy
    try:
        wheels = fetch_wheels(brought, python, parcel.files[PIP], whole=whole)
    except HostError:
        brought = [*choice.requirements, *([] if choice.system_numpy else ["numpy"])]
        wheels = fetch_wheels(brought, python, parcel.files[PIP], whole=whole)
    for wheel in wheels:
        board.put(f"{WHEELS}/{wheel.name}", wheel)


def _install_brought(
    board: Connection,
    python: Interpreter,
    parcel: Parcel,
    choice: Choice,
    say: Callable[[str], None],
) -> None:
    """Install from what was sent, and send what pip there says that it still lacks."""
    words = ["--no-index", "--find-links", WHEELS, f"{{folder}}/{WHEEL}", *choice.requirements]
    lines: list[str] = []
    for _again in range(ROUNDS):
        lines = _pip(board, words, say)
        lacks = LACKS.search("\n".join(lines))
        if lacks is None:
            break
        for wheel in fetch_wheels([lacks[1]], python, parcel.files[PIP], whole=False):
            board.put(f"{WHEELS}/{wheel.name}", wheel)
    if lines:
        raise HostError(last_error(lines))


def full(said: str) -> bool:
    """Return whether a program says that the disk is full."""
    return "No space left on device" in said or "Disk quota exceeded" in said


def no_room(about: dict[str, object]) -> str:
    """Say that the disk is full, and what to do."""
    return (
        f"the disk is full there ({about.get('base')}): make room, or set TMPDIR there to "
        "another place"
    )


def _why(lines: list[str]) -> str:
    return lines[-1] if lines else "it said nothing"

"""Environments of peers, each apart, in .venv-peers/ (ignored by git)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.arm.steps import call, is_made, set_made, stamp

if TYPE_CHECKING:
    from tools.peers.contenders import Environment

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".venv-peers"


def make(name: str, wanted: Environment, home: Path = HOME) -> Path:
    """Return the Python of an environment with what is wanted in it; made once.

    Raises:
        StepError: pip does not install it.
    """
    folder = home / name
    inside = folder / "bin" / "python"
    pins = pinned((ROOT / "constraints.txt").read_text(encoding="utf-8"), wanted.pins)
    mark = stamp(sys.version, wanted, [line for line in pins.splitlines() if named(line, wanted)])
    if is_made(folder, mark) and inside.exists():
        return inside
    print(f"Installing {name} into {folder}: once", file=sys.stderr, flush=True)
    call([sys.executable, "-m", "venv", "--clear", str(folder)])
    (folder / "constraints.txt").write_text(pins, encoding="utf-8")
    pip = [str(inside), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--constraint", str(folder / "constraints.txt")]
    call([*pip, *wanted.packages])
    if wanted.alone:
        call([*pip, "--no-deps", *wanted.alone])
    set_made(folder, mark)
    return inside


def pinned(text: str, pins: tuple[str, ...]) -> str:
    """Return constraints.txt, which `text` is, with other versions of what `pins` names."""
    others = {pin.partition("==")[0] for pin in pins}
    lines = [line for line in text.splitlines() if line.partition("==")[0] not in others]
    return "\n".join([*lines, *pins, ""])


def named(line: str, wanted: Environment) -> bool:
    """Return whether a line of constraints.txt is of a package that is asked for."""
    return line.partition("==")[0] in (*wanted.packages, *wanted.alone)

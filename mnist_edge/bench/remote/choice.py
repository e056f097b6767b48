"""Which runtimes a board gets: those with a wheel for it that open what is to be benched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_edge.backends.wheels import has_wheel, why_none
from mnist_edge.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mnist_edge.interpreter import Interpreter

PACKAGES = {
    "litert": "ai-edge-litert",
    "tflite-runtime": "tflite-runtime",
    "onnxruntime": "onnxruntime",
}
OPENS = {
    "tflite": ("litert", "tflite-runtime"),  # the second only where the first has no wheel
    "onnx": ("onnxruntime",),
}
TFLITE_NUMPY = "numpy<2"  # tflite-runtime was built against numpy 1


@dataclass(frozen=True)
class Choice:
    """What is installed on a board.

    Attributes:
        runtimes: their names, one or more.
        requirements: for pip.
        system_numpy: numpy is the system's own: there are no wheels of it for 32 bits.
        left_out: why others are not there, one line each.
    """

    runtimes: tuple[str, ...]
    requirements: tuple[str, ...]
    system_numpy: bool
    left_out: tuple[str, ...] = ()


def choose(
    board: Interpreter, formats: Collection[str], asked: Sequence[str] = (), host: str = "the board"
) -> Choice:
    """Return what to install.

    Args:
        board: its Python.
        formats: of the models, `tflite`, `onnx` or both.
        asked: names of runtimes; empty for the best one of each format.
        host: what errors call it.

    Raises:
        HostError: there is no wheel of any that would do.
    """
    chosen: list[str] = []
    left_out: list[str] = []
    for form in OPENS:
        if form not in formats:
            continue
        names = [name for name in OPENS[form] if not asked or name in asked]
        able = [name for name in names if has_wheel(PACKAGES[name], board)]
        chosen += able if asked else able[:1]
        lacking = names if asked or not able else ()
        left_out += [
            ": ".join(why_none(PACKAGES[name], board)) for name in lacking if name not in able
        ]
    if not chosen:
        fits = ", ".join(name for form in OPENS if form in formats for name in OPENS[form])
        why = left_out[0] if left_out else f"of {', '.join(asked)} none opens the models: {fits} do"
        raise HostError(f"{host}: no runtime can be had there: {why}")
    requirements = [PACKAGES[name] for name in chosen]
    if "tflite-runtime" in chosen:
        requirements.append(TFLITE_NUMPY)
    return Choice(tuple(chosen), tuple(requirements), board.bits == 32, tuple(left_out))

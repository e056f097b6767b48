"""What a model file says of itself, and how a fault in it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from mnist_edge.errors import ModelError

MOST_BYTES = 1 << 30  # of one tensor, and of all that a model computes for one image
MOST_ITEMS = 4_000_000  # numbers that a file may hold, a second of reading
MOST_SHOWN = 80  # signs of a name in a message
TABLE = 40  # as many numbers are read in the time of a table or message


@dataclass(frozen=True, slots=True)
class Op:
    """An operator that a runtime must know to run the model.

    Attributes:
        name: `CONV_2D` in TensorFlow Lite, `Conv` in ONNX.
        version: that a runtime must have: of the operator in TensorFlow Lite, of the domain's
            operator set in ONNX.
        domain: the operator set; empty for TensorFlow Lite's own and for ONNX's own.
    """

    name: str
    version: int
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Port:
    """A tensor that goes into a model or comes out of it, as the file states it.

    Attributes:
        name: as in the file.
        shape: one entry a dimension; None where any size is taken.
        dtype: numpy's name for it, such as `float32`.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Structure:
    """A model file whose parts were found whole and in agreement.

    Attributes:
        format: `tflite` or `onnx`.
        ops: the operators that a runtime must know, each once, sorted.
        inputs: what the model takes.
        outputs: what it gives.
        any_batch: whether it can be given several images at once.
        ir_version: of the file's form, which a runtime must know as well; ONNX only.
        opset: of ONNX's own operators; ONNX only.
    """

    format: str
    ops: tuple[Op, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    any_batch: bool
    ir_version: int | None = None
    opset: int | None = None


class Reader:
    """A file that is read with a limit on how many parts it may have.

    A subclass sets `_where`, what messages call the file, and `_left`, from MOST_ITEMS down.
    """

    _where: str
    _left: int

    def _fail(self, what: str) -> NoReturn:
        raise damaged(self._where, what)

    def _count(self, items: int) -> None:
        self._left -= items
        if self._left < 0:
            self._fail(f"it holds more than {MOST_ITEMS} parts")


def damaged(where: str, what: str) -> ModelError:
    """Return the error for a file that no exporter would have written so."""
    return ModelError(f"{where} is damaged: {what}: export or copy it anew")


def unfit(where: str, what: str, remedy: str) -> ModelError:
    """Return the error for a file that may be whole and is nothing for this package."""
    return ModelError(f"{where} {what}: {remedy}")


def named(text: bytes | memoryview | None) -> str:
    """Return a name from a file whole, so that two are equal only where their bytes are."""
    return bytes(text or b"").decode("utf-8", "surrogateescape")


def shown(name: str) -> str:
    """Return a name as messages have it: on one line, of bounded length."""
    short = (
        name
        if len(name) <= MOST_SHOWN
        else f"{name[: MOST_SHOWN // 2]}...{name[-MOST_SHOWN // 2 :]}"
    )
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in short)

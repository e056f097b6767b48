"""Numbers that an ONNX file computes from the shapes of its tensors, worked out for one image.

Exporters have a model compute the shapes that it gives to Expand, Tile or Reshape: Shape, Gather,
Concat and some arithmetic. Such numbers are few and integers; all others stay unknown (None).
The formulas are those of the operators' public description (Operators.md of ONNX).
"""

from __future__ import annotations

import operator
from math import prod
from typing import TYPE_CHECKING

from mnist_edge.structure.onnx_tensors import TYPES, Constant
from mnist_edge.structure.tensors import MOST_VALUES, Shape, Wrong

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_edge.structure.onnx_tensors import Taken

CODES = {"bool": "?", "int32": "i", "int64": "q"}
AS_THEY_ARE = ("Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze")


def worked_out(name: str, taken: Taken, shape: Shape | None) -> Constant | None:
    """Return the numbers that a node gives, where they are integers and few.

    Args:
        name: of an operator of ONNX's own.
        taken: what the node takes; found right by `shape_given`.
        shape: that it gives.

    Raises:
        Wrong: it divides by 0, over which a runtime ends the process.
    """
    stated = _stated(name, taken)
    if stated is not None:
        return stated
    if shape is None or prod(shape) > MOST_VALUES or not taken.constants:
        return None
    rows = [_integers(row) for row in taken.constants]
    known = [row for row in rows if row is not None]
    if len(known) < len(rows):
        return None
    numbers = _numbers(name, taken, known, shape)
    if numbers is None or len(numbers) != prod(shape):
        return None
    dtype = _dtype(name, taken)
    if dtype not in CODES:
        return None
    return Constant(shape, dtype, None, [_wrapped(number, dtype) for number in numbers])


def _stated(name: str, taken: Taken) -> Constant | None:
    """Return what is known without any number that goes in."""
    settings, sides = taken.settings, taken.shape(0)
    if name == "Shape" and sides is not None:
        listed = list(sides[settings.get("start", 0) : settings.get("end")])
        return Constant((len(listed),), "int64", None, listed)
    if name == "Constant" and "value_int" in settings:
        return Constant((), "int64", None, [settings["value_int"]])
    if name == "Constant" and "value_ints" in settings:
        return Constant((len(settings["value_ints"]),), "int64", None, settings["value_ints"])
    return None


def _numbers(name: str, taken: Taken, rows: list[list[int]], shape: Shape) -> list[int] | None:
    """Return the numbers that a node gives for known ones; None where there is no rule."""
    first, flat = rows[0], len(shape) < 2 and len(taken.shape(0) or ()) < 2
    if name in AS_THEY_ARE:
        return first
    if not flat:
        return None
    if name == "Concat":
        return [number for row in rows for number in row]
    if name == "Gather" and all(-len(first) <= place < len(first) for place in rows[1]):
        return [first[place] for place in rows[1]]
    if name == "Slice" and len(rows) > 2 and all(len(row) == 1 for row in rows[1:]):
        return first[rows[1][0] : rows[2][0] : rows[4][0] if len(rows) > 4 else 1]
    if name == "ReduceProd":
        return [prod(first)]  # along its one dimension
    if name == "ConstantOfShape":
        value = _integers(taken.settings.get("value"))
        return value and value * prod(shape)
    if name == "Expand":
        return _spread(first, prod(shape))
    wanted, rule = ELEMENTWISE.get(name, (0, sum))
    spread = [_spread(row, prod(shape)) for row in rows]
    if wanted != len(rows) or None in spread:
        return None
    return [rule(*numbers) for numbers in zip(*(row or [] for row in spread), strict=True)]


def _dtype(name: str, taken: Taken) -> str:
    """Return the type of what a node gives."""
    if name == "Cast":
        kind = TYPES.get(taken.settings.get("to", 0))
        return kind.name if kind else ""
    if name in ("Equal", "Greater", "Less"):
        return "bool"
    row = taken.constants[1 if name == "Where" else 0]
    if name == "ConstantOfShape":
        row = taken.settings["value"]
    return row.dtype if row else ""


def _integers(row: Constant | None) -> list[int] | None:
    """Return a constant's numbers; None where they are no integers, or many."""
    if not isinstance(row, Constant) or row.dtype not in CODES or prod(row.shape) > MOST_VALUES:
        return None
    return [int(number) for number in row.values(CODES)]


def _spread(row: list[int], count: int) -> list[int] | None:
    return row if len(row) == count else row * count if len(row) == 1 else None


def _wrapped(number: int, dtype: str) -> int:
    """Return a number as a runtime has it after it went beyond what its type holds."""
    if dtype == "bool":
        return int(number != 0)
    half = 1 << (31 if dtype == "int32" else 63)
    return (number + half) % (2 * half) - half


def _divided(number: int, by: int) -> int:
    """As C++ does: towards 0, and never where the processor has no answer."""
    if by == 0 or (by == -1 and number in (-1 << 31, -1 << 63)):
        raise Wrong(f"divides {number} by {by}")
    quotient = abs(number) // abs(by)
    return quotient if (number < 0) == (by < 0) else -quotient


# By name: how many numbers it takes, and what it makes of them.
ELEMENTWISE: dict[str, tuple[int, Callable[..., int]]] = {
    "Add": (2, operator.add),
    "Sub": (2, operator.sub),
    "Mul": (2, operator.mul),
    "Div": (2, _divided),
    "Max": (2, max),
    "Min": (2, min),
    "Equal": (2, operator.eq),
    "Greater": (2, operator.gt),
    "Less": (2, operator.lt),
    "Where": (3, lambda chosen, yes, no: yes if chosen else no),
}

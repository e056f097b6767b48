"""What tensors have in common in every file format: shapes, and words for what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_DIMENSIONS = 6  # that the runtimes' broadcasting follows; image classifiers have 4 or 5
MOST_STEPS = 1 << 15  # of a stride, dilation, window or padding: a side of an image
MOST_RANK = 8  # that a tensor may have at all: each check looks at every dimension
MOST_VALUES = 2 * MOST_RANK  # of a constant that says a shape, axes, an order or pads
MOST_LINKS = 100_000  # inputs and outputs of all operators; a file can share one list of them

Shape = tuple[int, ...]


class Wrong(Exception):  # noqa: N818 - caught and told where the place in the file is known
    """A part of a file contradicts itself; the text says how."""


class Unfollowed(Wrong):
    """A part may be sound, and cannot be checked; `remedy` says what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.remedy = remedy


def said(shape: Sequence[int]) -> str:
    """Return a shape as messages have it; of one with more dimensions than any, the first."""
    short = ",".join(map(str, shape[:MOST_VALUES]))
    return f"[{short}]" if len(shape) <= MOST_VALUES else f"[{short},...]"


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """Return the shape that all `shapes` can be spread over.

    Raises:
        Wrong: there is none.
    """
    rank = max(map(len, shapes))
    found = [1] * rank
    for shape in shapes:
        for place, side in enumerate(shape, rank - len(shape)):
            if side not in (1, found[place]) and found[place] != 1:
                raise Wrong(f"takes {' and '.join(map(said, shapes))}")
            found[place] = side if found[place] == 1 else found[place]
    return tuple(found)


def axes(values: Sequence[int], rank: int) -> list[int]:
    """Return dimensions counted from the front.

    Raises:
        Wrong: one that a tensor of `rank` dimensions does not have.
    """
    if not all(-rank <= value < rank for value in values):
        raise Wrong(f"works along dimensions {said(values)} of {rank}")
    return [value % rank for value in values]

"""ONNX's operators that reduce, join, cut, pad or turn.

The formulas are those of the operators' public description (Operators.md of ONNX). A size that is
not known before running is left unknown (None).
"""

from __future__ import annotations

from math import ceil, floor, isfinite, prod
from typing import TYPE_CHECKING

from mnist_edge.structure.tensors import (
    MOST_DIMENSIONS,
    MOST_STEPS,
    Unfollowed,
    Wrong,
    axes,
    broadcast,
    said,
)

if TYPE_CHECKING:
    from mnist_edge.structure.onnx_tensors import Taken
    from mnist_edge.structure.tensors import Shape


def as_is(taken: Taken) -> Shape | None:
    """The first input's."""
    return taken.shape(0)


def together(taken: Taken) -> Shape | None:
    """What all inputs spread over."""
    known = [shape for shape in taken.shapes if shape is not None]
    return broadcast(known) if len(known) == len(taken.shapes) and known else None


def reshaped(taken: Taken) -> Shape | None:
    """A tensor, and the shape to give."""
    sides, wanted = taken.shape(0), taken.numbers(1, "shape")
    if sides is None or wanted is None:
        return None
    if len(wanted) > MOST_DIMENSIONS or wanted.count(-1) > 1 or min(wanted, default=0) < -1:
        raise Wrong(f"turns {said(sides)} into {said(wanted)}")
    keep = not taken.settings.get("allowzero")
    shape = [
        sides[place] if side == 0 and keep and place < len(sides) else side
        for place, side in enumerate(wanted)
    ]
    others = prod(side for side in shape if side != -1)
    shape = [prod(sides) // max(others, 1) if side == -1 else side for side in shape]
    if prod(shape) != prod(sides):
        raise Wrong(f"turns {said(sides)} into {said(wanted)}")
    return tuple(shape)


def flattened(taken: Taken) -> Shape | None:
    """A tensor as a matrix."""
    sides, axis = taken.shape(0), taken.settings.get("axis", 1)
    if sides is None:
        return None
    if not -len(sides) <= axis <= len(sides):
        raise Wrong(f"works along dimension {axis} of {len(sides)}")
    return (prod(sides[:axis]), prod(sides[axis:]))


def turned(taken: Taken) -> Shape | None:
    """A tensor with its dimensions in another order."""
    sides = taken.shape(0)
    if sides is None:
        return None
    order = taken.settings.get("perm") or range(len(sides))[::-1]
    if sorted(order) != list(range(len(sides))):
        raise Wrong(f"puts {said(sides)} in the order {said(order)}")
    return tuple(sides[place] for place in order)


def squeezed(taken: Taken) -> Shape | None:
    """A tensor without some dimensions of 1."""
    sides, gone = taken.shape(0), taken.numbers(1, "axes")
    if sides is None:
        return None
    if gone is None and len(taken.shapes) > 1:
        return None
    dropped = (
        axes(gone, len(sides))
        if gone is not None
        else [place for place, side in enumerate(sides) if side == 1]
    )
    if any(sides[place] != 1 for place in dropped):
        raise Wrong(f"drops dimensions {said(dropped)} of {said(sides)}")
    return tuple(side for place, side in enumerate(sides) if place not in dropped)


def unsqueezed(taken: Taken) -> Shape | None:
    """A tensor with more dimensions of 1."""
    sides, added = taken.shape(0), taken.numbers(1, "axes")
    if sides is None or added is None:
        return None
    places = axes(added, len(sides) + len(added))
    rest = iter(sides)
    return tuple(
        1 if place in places else next(rest, 1) for place in range(len(sides) + len(added))
    )


def reduced(taken: Taken) -> Shape | None:
    """A tensor with some dimensions summed up."""
    sides, values = taken.shape(0), taken.numbers(1, "axes")
    if sides is None or (values is None and len(taken.shapes) > 1):
        return None
    gone = axes(values, len(sides)) if values else list(range(len(sides)))
    if not values and taken.settings.get("noop_with_empty_axes"):
        return sides
    if taken.settings.get("keepdims", 1):
        return tuple(1 if place in gone else side for place, side in enumerate(sides))
    return tuple(side for place, side in enumerate(sides) if place not in gone)


def joined(taken: Taken) -> Shape | None:
    """Tensors that differ along one dimension."""
    known = [shape for shape in taken.shapes if shape is not None]
    if len(known) < len(taken.shapes) or not known:
        return None
    (axis,) = axes([taken.settings.get("axis") or 0], len(known[0]))
    if any(len(shape) != len(known[0]) for shape in known):
        raise Wrong(f"joins {' and '.join(map(said, known[:4]))}")
    return (*known[0][:axis], sum(shape[axis] for shape in known), *known[0][axis + 1 :])


def padded(taken: Taken) -> Shape | None:
    """A tensor, and how much to add before and after each dimension."""
    sides, added = taken.shape(0), taken.numbers(1, "pads")
    if added is None:
        raise Unfollowed("computes its padding", "export it with a fixed one")
    if not all(abs(count) <= MOST_STEPS for count in added):
        raise Wrong(f"pads by {said(added[:16])}")
    if sides is None or len(added) != 2 * len(sides):
        return None
    pairs = zip(sides, added, added[len(sides) :], strict=False)
    return tuple(side + before + after for side, before, after in pairs)


def resized(taken: Taken) -> Shape | None:
    """An image, and its new sizes or their ratio to the old."""
    sides = taken.shape(0)
    ratio = taken.ratios(1 if taken.opset < 11 else 2, "scales")
    wanted = taken.numbers(3) if taken.opset > 10 else None
    if not ratio and not wanted:
        raise Unfollowed("computes its size", "export it with a fixed one")
    if wanted and not all(1 <= side <= MOST_STEPS for side in wanted):
        raise Wrong(f"resizes to {said(wanted)}")
    if ratio and not all(isfinite(value) and 0 < value <= MOST_STEPS for value in ratio):
        raise Wrong(f"resizes by {list(ratio)}")
    if sides is None or {"axes", "keep_aspect_ratio_policy"} & taken.settings.keys():
        return None
    if wanted:
        return wanted if len(wanted) == len(sides) else None
    return tuple(floor(side * by) for side, by in zip(sides, ratio or (), strict=False))


def tiled(taken: Taken) -> Shape | None:
    """A tensor, and how many times to have it along each dimension."""
    sides, times = taken.shape(0), taken.numbers(1)
    if times is None:
        return None
    if not all(0 <= count <= MOST_STEPS for count in times):
        raise Wrong(f"repeats its input too often, {said(times)} times")
    if sides is None or len(times) != len(sides):
        return None
    return tuple(side * count for side, count in zip(sides, times, strict=True))


def spread(taken: Taken) -> Shape | None:
    """A tensor, and a shape to spread it over."""
    sides, wanted = taken.shape(0), taken.numbers(1)
    return broadcast([sides, wanted]) if sides is not None and wanted is not None else wanted


def filled(taken: Taken) -> Shape | None:
    """The shape to give."""
    return taken.numbers(0)


def counted(taken: Taken) -> Shape | None:
    """Where to start and to stop, and by what steps: numbers in a row."""
    kinds = {row.dtype if row else "" for row in taken.constants}
    if len(taken.constants) != 3 or kinds not in ({"float32"}, {"int32"}, {"int64"}):
        return None
    read = taken.ratios if kinds == {"float32"} else taken.numbers
    rows = [read(place) or () for place in range(3)]
    if not all(len(row) == 1 and isfinite(row[0]) for row in rows) or rows[2][0] == 0:
        raise Wrong(f"counts from, to and by {rows}")
    (start,), (stop,), (step,) = rows
    return (max(0, ceil((stop - start) / step)),)


def cut(taken: Taken) -> Shape | None:
    """A tensor, where to start and to stop, along which dimensions and by what steps."""
    sides = taken.shape(0)
    starts, stops = taken.numbers(1, "starts"), taken.numbers(2, "ends")
    along, steps = taken.numbers(3, "axes"), taken.numbers(4)
    if sides is None or starts is None or stops is None or len(starts) != len(stops):
        return None
    if (len(taken.shapes) > 4 and steps is None) or (len(taken.shapes) > 3 and along is None):
        return None
    along = tuple(range(len(starts))) if along is None else along
    steps = (1,) * len(starts) if steps is None else steps
    if 0 in steps or not len(steps) == len(along) == len(starts):
        raise Wrong(f"cuts {said(sides)} from {said(starts)} to {said(stops)} by {said(steps)}")
    shape = list(sides)
    for place, start, stop, step in zip(axes(along, len(sides)), starts, stops, steps, strict=True):
        shape[place] = len(range(*slice(start, stop, step).indices(sides[place])))
    return tuple(shape)


def measured(taken: Taken) -> Shape | None:
    """A tensor whose shape becomes numbers."""
    sides, settings = taken.shape(0), taken.settings
    return None if sides is None else (len(sides[settings.get("start", 0) : settings.get("end")]),)


def gathered(taken: Taken) -> Shape | None:
    """A tensor, and which parts of it to take along one dimension."""
    sides, places = taken.shape(0), taken.shape(1)
    if sides is None or places is None:
        return None
    (axis,) = axes([taken.settings.get("axis", 0)], len(sides))
    return (*sides[:axis], *places, *sides[axis + 1 :])

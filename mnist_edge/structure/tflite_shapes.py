"""TensorFlow Lite's operators that reduce, join, cut, pad or turn, after TensorFlow's words."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from mnist_edge.structure.tensors import MOST_STEPS, MOST_VALUES, Wrong, axes, broadcast, said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnist_edge.structure.tensors import Shape
    from mnist_edge.structure.tflite_tensors import Tensor


def as_is(_settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """One tensor, element by element."""
    return taken[0].shape


def together(_settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """Several tensors, element by element."""
    return broadcast([tensor.shape for tensor in taken])


def reduced(settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape | None:
    """A tensor, and the dimensions to reduce."""
    sides, values = taken[0].shape, taken[1].values()
    if values is None:
        return None
    gone = axes(values, len(sides))
    if 0 in sides:
        raise Wrong(f"takes {said(sides)}, which is empty")
    if settings.get("keep_dims"):
        return tuple(1 if place in gone else side for place, side in enumerate(sides))
    return tuple(side for place, side in enumerate(sides) if place not in gone)


def joined(settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """Tensors that differ along one dimension."""
    first = taken[0].shape
    (axis,) = axes([settings["axis"]], len(first))
    for shape in (tensor.shape for tensor in taken):
        if len(shape) != len(first) or any(
            place != axis and a != b for place, (a, b) in enumerate(zip(shape, first, strict=True))
        ):
            raise Wrong(f"joins {said(first)} and {said(shape)} along dimension {axis}")
    return (*first[:axis], sum(tensor.shape[axis] for tensor in taken), *first[axis + 1 :])


def packed(settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """Tensors of one shape."""
    first = taken[0].shape
    if settings["values_count"] != len(taken) or any(row.shape != first for row in taken):
        raise Wrong(f"packs {len(taken)} tensors of {said(first)} as {settings['values_count']}")
    (axis,) = axes([settings["axis"]], len(first) + 1)
    return (*first[:axis], len(taken), *first[axis:])


def reshaped(settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape | None:
    """A tensor, and the shape to give, where that is not among the settings."""
    wanted = taken[1].values() if len(taken) > 1 else settings.get("new_shape")
    if wanted is None:
        return None
    if len(wanted) > MOST_VALUES:
        raise Wrong(f"turns {said(taken[0].shape)} into {len(wanted)} dimensions")
    count, shape = prod(taken[0].shape), tuple(wanted)
    if shape.count(-1) == 1 and (others := prod(side for side in shape if side != -1)):
        shape = tuple(count // others if side == -1 else side for side in shape)
    if min(shape, default=1) < 0 or prod(shape) != count:
        raise Wrong(f"turns {said(taken[0].shape)} into {said(tuple(wanted))}")
    return shape


def squeezed(settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """A tensor, some of whose dimensions are 1."""
    sides = taken[0].shape
    stated = settings.get("squeeze_dims") or ()
    if len(stated) > MOST_VALUES:
        raise Wrong(f"drops {len(stated)} dimensions of {said(sides)}")
    gone = axes(stated, len(sides))
    gone = gone or [place for place, side in enumerate(sides) if side == 1]
    if any(sides[place] != 1 for place in gone):
        raise Wrong(f"drops dimensions {said(tuple(gone))} of {said(sides)}")
    return tuple(side for place, side in enumerate(sides) if place not in gone)


def expanded(_settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """A tensor, and where to add a dimension."""
    sides, values = taken[0].shape, taken[1].values()
    if values is None or len(values) != 1:
        raise Wrong("adds a dimension at no fixed place")
    (axis,) = axes(values, len(sides) + 1)
    return (*sides[:axis], 1, *sides[axis:])


def padded(_settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """A tensor, and how much to add before and after each dimension."""
    sides = taken[0].shape
    added = _constant(taken[1], (len(sides), 2), "padding")
    pairs = zip(sides, added[::2], added[1::2], strict=True)
    return tuple(side + before + after for side, before, after in pairs)


def mirrored(settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """The same, where what is added is a mirror's picture; mode 0 leaves out the edge."""
    shape, sides = padded(settings, taken), taken[0].shape
    added = taken[1].values() or ()
    less = 1 if settings["mode"] == 0 else 0
    if any(count > sides[place // 2] - less for place, count in enumerate(added)):
        raise Wrong(f"mirrors {said(added)} of {said(sides)}")
    return shape


def resized(_settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """An image [N,H,W,C], and the height and width to give."""
    sides = taken[0].shape
    if len(sides) != 4 or 0 in sides:
        raise Wrong(f"takes {said(sides)}; wanted an image in 4 dimensions")
    return (sides[0], *_constant(taken[1], (2,), "size", 1), sides[3])


def turned(_settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """A tensor, and the order of its dimensions."""
    sides = taken[0].shape
    order = _constant(taken[1], (len(sides),), "order")
    if sorted(order) != list(range(len(sides))):
        raise Wrong(f"puts {said(sides)} in the order {said(order)}")
    return tuple(sides[place] for place in order)


def tiled(_settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """A tensor, and how many times to have it along each dimension."""
    sides = taken[0].shape
    times = _constant(taken[1], (len(sides),), "count of tiles")
    return tuple(side * count for side, count in zip(sides, times, strict=True))


def spread(_settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape | None:
    """A tensor, and the shape to spread it over."""
    values = taken[1].values()
    if values is not None and broadcast([taken[0].shape, values]) != values:
        raise Wrong(f"spreads {said(taken[0].shape)} over {said(values)}")
    return values


def filled(_settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape | None:
    """The shape to give, and a number to fill it with."""
    return taken[0].values()


def cut(settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape | None:
    """A tensor, and where to start and to stop and by what steps, as Python's slices."""
    sides = taken[0].shape
    if settings["offset"] or settings["ellipsis_mask"] or settings["new_axis_mask"]:
        raise Wrong("cuts by an offset, an ellipsis or a new dimension")
    starts, stops, steps = (row.values() for row in taken[1:])
    if starts is None or stops is None or steps is None:
        return None
    if not len(starts) == len(stops) == len(steps) <= len(sides) or 0 in steps:
        raise Wrong(f"cuts {said(sides)} from {said(starts)} to {said(stops)} by {said(steps)}")
    shape = []
    for place, side in enumerate(sides):
        bit = 1 << place
        if place >= len(starts):
            shape.append(side)
        elif not settings["shrink_axis_mask"] & bit:
            start = None if settings["begin_mask"] & bit else starts[place]
            stop = None if settings["end_mask"] & bit else stops[place]
            shape.append(len(range(*slice(start, stop, steps[place]).indices(side))))
        elif not -side <= starts[place] < side:
            raise Wrong(f"takes number {starts[place]} of {side}")
    return tuple(shape)


def sliced(_settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape | None:
    """A tensor, where to start, and how much to take; -1 for all there is."""
    sides = taken[0].shape
    starts, sizes = (row.values() for row in taken[1:])
    if starts is None or sizes is None:
        return None
    if not len(starts) == len(sizes) == len(sides) or any(
        not (0 <= start <= side and -1 <= size <= side - start)
        for side, start, size in zip(sides, starts, sizes, strict=True)
    ):
        raise Wrong(f"cuts {said(sides)} from {said(starts)}, {said(sizes)} long")
    rows = zip(sides, starts, sizes, strict=True)
    return tuple(side - start if size == -1 else size for side, start, size in rows)


def parted(settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """The dimension to part, and a tensor."""
    sides, values, count = taken[1].shape, taken[0].values(), settings["num_splits"]
    if values is None or len(values) != 1:
        raise Wrong("parts its input along no fixed dimension")
    (axis,) = axes(values, len(sides))
    if count < 1 or sides[axis] % count:
        raise Wrong(f"parts {said(sides)} into {count}")
    return (*sides[:axis], sides[axis] // count, *sides[axis + 1 :])


def unpacked(settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """A tensor that becomes as many as it is long."""
    sides = taken[0].shape
    (axis,) = axes([settings["axis"]], len(sides))
    if settings["num"] != sides[axis]:
        raise Wrong(f"unpacks {settings['num']} from {said(sides)}")
    return (*sides[:axis], *sides[axis + 1 :])


def measured(_settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """A tensor whose shape becomes numbers."""
    return (len(taken[0].shape),)


def blocks_to_depth(settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """An image [N,H,W,C] whose blocks become channels."""
    sides, block = taken[0].shape, settings["block_size"]
    if len(sides) != 4 or not 1 <= block <= MOST_STEPS or sides[1] % block or sides[2] % block:
        raise Wrong(f"makes channels of blocks of {block} of {said(sides)}")
    return (sides[0], sides[1] // block, sides[2] // block, sides[3] * block * block)


def depth_to_blocks(settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """An image [N,H,W,C] whose channels become blocks."""
    sides, block = taken[0].shape, settings["block_size"]
    if len(sides) != 4 or not 1 <= block <= MOST_STEPS or sides[3] % (block * block):
        raise Wrong(f"makes blocks of {block} of the channels of {said(sides)}")
    return (sides[0], sides[1] * block, sides[2] * block, sides[3] // (block * block))


def _constant(tensor: Tensor, shape: Shape, what: str, low: int = 0) -> Shape:
    """Return the numbers of a constant that states sizes."""
    values = tensor.values()
    if values is None:
        raise Wrong(f"computes its {what}: export it with a fixed one")
    if tensor.shape != shape or not all(low <= value <= MOST_STEPS for value in values):
        raise Wrong(f"has {what} {said(values[:8])}; wanted {prod(shape)} from {low} up")
    return values

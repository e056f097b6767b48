"""ONNX's operators that sum: windows over images, and matrices.

The formulas are those of the operators' public description (Operators.md of ONNX). A size that is
not known before running is left unknown (None).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_edge.structure.tensors import MOST_STEPS, Wrong, broadcast, said

if TYPE_CHECKING:
    from mnist_edge.structure.onnx_tensors import Taken
    from mnist_edge.structure.tensors import Shape


def convolved(taken: Taken) -> Shape | None:
    """Images [N,C,...] and filters [out,C / groups,...]."""
    filters, image, group = taken.shape(1), taken.shape(0), taken.settings.get("group", 1)
    if filters is None:
        return None
    if len(filters) < 3 or 0 in filters or filters[0] % group:
        raise Wrong(f"has filters {said(filters)} in {group} groups")
    if tuple(taken.settings.get("kernel_shape") or filters[2:]) != filters[2:]:
        raise Wrong(f"has kernel_shape {taken.settings['kernel_shape']}, not {said(filters[2:])}")
    sides = _slid(taken, filters[2:])
    if image is None or sides is None:
        return None
    if image[1] != filters[1] * group:
        raise Wrong(f"takes {said(image)} with filters {said(filters)} in {group} groups")
    return (image[0], filters[0], *sides)


def convolved_back(taken: Taken) -> Shape | None:
    """Images [N,C,...] and filters [C,out / groups,...]."""
    filters, image = taken.shape(1), taken.shape(0)
    if filters is None:
        return None
    if len(filters) < 3 or 0 in filters:
        raise Wrong(f"has filters {said(filters)}")
    rank, settings = len(filters) - 2, taken.settings
    strides, dilations, pads = _steps(taken, rank)
    extra = settings.get("output_padding") or [0] * rank
    stated = settings.get("output_shape") or [1] * rank
    if len(extra) != rank or not all(0 <= side <= MOST_STEPS for side in (*extra, *stated)):
        raise Wrong(f"gives {said(stated)} with {said(extra)} more")
    if image is None:
        return None
    if len(image) != rank + 2 or image[1] != filters[0]:
        raise Wrong(f"takes {said(image)} with filters {said(filters)}")
    if "output_shape" in settings or _auto(taken) != b"NOTSET":
        stated = (
            stated
            if "output_shape" in settings
            else [side * stride for side, stride in zip(image[2:], strides, strict=True)]
        )
        return (image[0], filters[1] * settings.get("group", 1), *stated[-rank:])
    sides = [
        (image[place + 2] - 1) * strides[place]
        + extra[place]
        + (filters[place + 2] - 1) * dilations[place]
        + 1
        - pads[place]
        - pads[place + rank]
        for place in range(rank)
    ]
    return (image[0], filters[1] * settings.get("group", 1), *sides)


def pooled(taken: Taken) -> Shape | None:
    """Images [N,C,...]."""
    image, window = taken.shape(0), taken.settings.get("kernel_shape")
    if not window:
        raise Wrong("has no kernel_shape")
    sides = _slid(taken, tuple(window), tuple(window))
    return None if image is None or sides is None else (*image[:2], *sides)


def pooled_whole(taken: Taken) -> Shape | None:
    """Images [N,C,...], each channel as one number."""
    image = taken.shape(0)
    if image is not None and len(image) < 3:
        raise Wrong(f"takes {said(image)}; wanted an image")
    return image and (*image[:2], *(1 for _ in image[2:]))


def multiplied(taken: Taken) -> Shape | None:
    """Two stacks of matrices."""
    left, right = taken.shape(0), taken.shape(1)
    if left is None or right is None:
        return None
    if len(left) < 2 or len(right) < 2:
        return None
    if left[-1] != right[-2]:
        raise Wrong(f"multiplies {said(left)} by {said(right)}")
    stacks = broadcast([(1, *left[:-2]), (1, *right[:-2])])[1:]
    return (*stacks, left[-2], right[-1])


def dense(taken: Taken) -> Shape | None:
    """Two matrices, either of them turned."""
    left, right = taken.shape(0), taken.shape(1)
    if left is None or right is None:
        return None
    left = left[::-1] if taken.settings.get("transA") else left
    right = right[::-1] if taken.settings.get("transB") else right
    if len(left) != 2 or len(right) != 2 or left[1] != right[0]:
        raise Wrong(f"multiplies {said(left)} by {said(right)}")
    return (left[0], right[1])


def _steps(taken: Taken, rank: int) -> tuple[list[int], list[int], list[int]]:
    """Return the strides, dilations and pads of a window of `rank` dimensions."""
    strides, dilations = (
        taken.settings.get(name) or [1] * rank for name in ("strides", "dilations")
    )
    pads = taken.settings.get("pads") or [0] * (2 * rank)
    if not len(strides) == len(dilations) == rank or len(pads) != 2 * rank:
        raise Wrong(f"has {len(strides)} strides and {len(pads)} pads for {rank} dimensions")
    if not all(0 <= pad <= MOST_STEPS for pad in pads):
        raise Wrong(f"pads by {said(pads)}; wanted 0..{MOST_STEPS}")
    return strides, dilations, pads


def _slid(taken: Taken, window: Shape, most_pad: Shape | None = None) -> Shape | None:
    """Return the sides after a window has slid over an image [N,C,...].

    Args:
        taken: what the node takes, the image first.
        window: its sides.
        most_pad: bounds of the pads; None for none where the image is known.
    """
    rank, shape = len(window), taken.shape(0)
    strides, dilations, pads = _steps(taken, rank)
    covered = [(size - 1) * step + 1 for size, step in zip(window, dilations, strict=True)]
    most = most_pad or (window if shape is None else (MOST_STEPS + 1,) * rank)
    if any(pad >= most[place % rank] for place, pad in enumerate(pads)):
        raise Wrong(f"pads by {said(pads)} for a window of {said(window)}")
    if shape is None:
        return None
    if len(shape) != rank + 2:
        raise Wrong(f"slides a window {said(window)} over {said(shape)}")
    if _auto(taken).startswith(b"SAME"):
        return tuple(-(-side // step) for side, step in zip(shape[2:], strides, strict=True))
    sides = []
    for place, side in enumerate(shape[2:]):
        room = side + pads[place] + pads[place + rank] - covered[place]
        if room < 0:
            raise Wrong(f"slides a window of {covered[place]} over {side} pixels")
        if taken.settings.get("ceil_mode") and room % strides[place]:
            return None  # runtimes differ in whether the last window counts
        sides.append(room // strides[place] + 1)
    return tuple(sides)


def _auto(taken: Taken) -> bytes:
    """Return how a window is padded without numbers."""
    text = taken.settings.get("auto_pad")
    return bytes(text) if isinstance(text, memoryview) else b"NOTSET"

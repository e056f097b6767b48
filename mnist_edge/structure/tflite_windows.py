"""TensorFlow Lite's operators that sum: windows over images, and dense layers.

The shapes are those of TensorFlow's documentation (tf.nn.convolution): padding SAME gives
ceil(side / stride), VALID gives floor((side - covered) / stride) + 1.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from mnist_edge.structure.parts import MOST_BYTES
from mnist_edge.structure.tensors import MOST_STEPS, Shape, Wrong, broadcast, said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnist_edge.structure.tflite_tensors import Tensor


SAME, VALID = 0, 1


def convolved(settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """Image [N,H,W,C], filters [out,h,w,C / groups], bias."""
    image, filters = _ranks(taken, 4, 4)
    groups = image[3] // filters[3] if filters[3] else 0
    if groups < 1 or image[3] % filters[3] or filters[0] % groups:
        raise Wrong(f"takes {said(image)} with filters {said(filters)}")
    _weighted(taken[1], taken[2:], filters[0], 0)
    high, wide = _slid(settings, image, filters[1:3])
    _unfolded(image[0] * high * wide * prod(filters[1:]))
    return (image[0], high, wide, filters[0])


def convolved_by_channel(settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """Image [N,H,W,C], filters [1,h,w,C * multiplier], bias."""
    image, filters = _ranks(taken, 4, 4)
    if not image[3] or filters[0] != 1 or filters[3] < 1 or filters[3] % image[3]:
        raise Wrong(f"takes {said(image)} with filters {said(filters)}")
    if settings["depth_multiplier"] not in (0, filters[3] // image[3]):
        raise Wrong(f"has depth_multiplier {settings['depth_multiplier']}")
    _weighted(taken[1], taken[2:], filters[3], 3)
    return (image[0], *_slid(settings, image, filters[1:3]), filters[3])


def convolved_back(settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape | None:
    """Shape to give, filters [out,h,w,C], image [N,H,W,C], bias: a convolution's way back."""
    filters, image = _ranks(taken[1:], 4, 4)
    shape = taken[0].values()
    _weighted(taken[1], taken[3:], filters[0], 0)
    _unfolded(prod(image[:3]) * prod(filters[:3]))
    if shape is None:
        _slid(settings, image, (1, 1))
        return None
    fits = len(shape) == 4 and (shape[0], shape[3], image[3]) == (image[0], filters[0], filters[3])
    if not fits or _slid(settings, shape, filters[1:3]) != image[1:3]:
        raise Wrong(f"takes {said(image)} with filters {said(filters)} for {said(shape)}")
    return shape


def pooled(settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """Image [N,H,W,C]."""
    (image,) = _ranks(taken, 4)
    window = _steps(settings, "filter_height", "filter_width")
    return (image[0], *_slid(settings, image, window), image[3])


def dense(settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """Rows [...,in], weights [out,in], bias."""
    (weights,) = _ranks(taken[1:], 2)
    rows = taken[0].shape
    if settings.get("weights_format"):
        raise Wrong("has shuffled weights, which small runtimes lack")
    kept = settings.get("keep_num_dims")
    if not rows or not weights[1] or (rows[-1] if kept else prod(rows)) % weights[1]:
        raise Wrong(f"takes {said(rows)} with weights {said(weights)}")
    _weighted(taken[1], taken[2:], weights[0], 0)
    if kept and rows[-1] == weights[1]:
        return (*rows[:-1], weights[0])
    return (prod(rows) // weights[1], weights[0])


def multiplied(settings: dict[str, Any], taken: Sequence[Tensor]) -> Shape:
    """Two stacks of matrices, [...,rows,inner] and [...,inner,columns]."""
    left, right = (row.shape for row in taken)
    if len(left) < 2 or len(right) < 2:
        raise Wrong(f"multiplies {said(left)} by {said(right)}")
    rows, inner = left[:-3:-1] if settings.get("adj_x") else left[-2:]
    again, columns = right[:-3:-1] if settings.get("adj_y") else right[-2:]
    if inner != again:
        raise Wrong(f"multiplies {said(left)} by {said(right)}")
    return (*broadcast([left[:-2], right[:-2]]), rows, columns)


def _ranks(tensors: Sequence[Tensor], *ranks: int) -> list[Shape]:
    """Return the tensors' shapes after their numbers of dimensions were found right."""
    for tensor, rank in zip(tensors, ranks, strict=False):
        if len(tensor.shape) != rank:
            raise Wrong(f"takes {said(tensor.shape)}; wanted {rank} dimensions")
    return [tensor.shape for tensor, _ in zip(tensors, ranks, strict=False)]


def _steps(settings: dict[str, Any], *names: str) -> list[int]:
    """Return settings that count pixels."""
    for name in names:
        if not 1 <= settings[name] <= MOST_STEPS:
            raise Wrong(f"has {name} {settings[name]}; wanted 1..{MOST_STEPS}")
    return [settings[name] for name in names]


def _slid(settings: dict[str, Any], shape: Shape, window: Sequence[int]) -> Shape:
    """Return height and width after a window has slid over an image [N,H,W,C]."""
    padding = settings["padding"]
    if padding not in (SAME, VALID):
        raise Wrong(f"has padding {padding}; wanted 0 or 1")
    strides, dilations = _steps(settings, "stride_h", "stride_w"), [1, 1]
    if "dilation_h_factor" in settings:
        dilations = _steps(settings, "dilation_h_factor", "dilation_w_factor")
    sides = []
    for side, size, stride, dilation in zip(shape[1:3], window, strides, dilations, strict=True):
        covered = 1 if padding == SAME else (size - 1) * dilation + 1
        if size < 1 or covered > side:
            raise Wrong(f"slides a window of {covered} over {side} pixels")
        sides.append((side - covered) // stride + 1)
    return tuple(sides)


def _weighted(weights: Tensor, bias: Sequence[Tensor], channels: int, axis: int) -> None:
    """Check the bias of `channels` sums, and that weights have their scales along `axis`."""
    for tensor in bias:
        if prod(tensor.shape) != channels:
            raise Wrong(f"has a bias of {said(tensor.shape)} for {channels} channels")
    for tensor, along in ((weights, axis), *((row, 0) for row in bias)):
        if len(tensor.scales) > 1 and tensor.axis != along:
            raise Wrong(f"has weights with scales along dimension {tensor.axis}; wanted {along}")


def _unfolded(numbers: int) -> None:
    """Refuse what a kernel may copy into one matrix if that would be too much."""
    if numbers * 4 > MOST_BYTES:
        raise Wrong(f"needs {numbers * 4 / 2**30:.0f} GiB to unfold its input")

"""Does a model of one's own fit its pixels and its answers? Found out before it is adopted."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.errors import DataError, ModelError, SettingError
from mnist_edge.export.front import RANGES, likely_range, normalization
from mnist_edge.export.refusals import explain
from mnist_edge.preprocess import to_unit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from mnist_edge.data import Split
    from mnist_edge.export.own_model import OwnModel

UNIT = (0.0, 1.0)
BATCH = 32
FEW_RIGHT = 5  # images more that another range must have right
SUM_TOLERANCE = 1e-3  # of probabilities


def input_range_of(own: OwnModel, asked: tuple[float, float] | None) -> tuple[float, float]:
    """Return the range of pixels that a model was trained on: what was asked for, or 0..1.

    Raises:
        SettingError: no range; or none was asked for, and the model scales its input itself.
    """
    if asked is not None:
        low, high = asked
        if not (np.isfinite(asked).all() and low < high):
            raise SettingError(f"input-range is {low:g} {high:g}; wanted low high, such as 0 255")
        return low, high
    steps = normalization(own.network)
    if steps:
        low, high = likely_range(steps)
        raise SettingError(
            f"{own.path} begins with {' and '.join(step.words for step in steps)}, which looks "
            f"made for pixels in {low:g}..{high:g}: say --input-range {low:g} {high:g}, or what "
            "else it was trained on"
        )
    return UNIT


def answers(network: Any, images: NDArray[np.uint8], path: Path) -> NDArray[np.float32]:
    """Return what a Keras model that takes 0..1 gives for images [N,H,W] or [N,H,W,C], [N,K].

    Args:
        network: the Keras model.
        images: uint8.
        path: what the message calls it.

    Raises:
        ModelError: it cannot be run on any number of images.
    """
    whole = images if images.ndim == 4 else images[..., None]
    found: list[NDArray[np.float32]] = []
    for start in range(0, len(whole), BATCH):
        batch = to_unit(whole[start : start + BATCH])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Keras': one input may be saved as a list of one
                found.append(np.array(network(batch, training=False)))
        except Exception as error:  # TensorFlow has exceptions of its own
            raise ModelError(
                f"{path} cannot be run on {len(batch)} images: {explain(error)[:200]}: build it "
                "for any number of them, without batch_shape, and save it anew"
            ) from error
        if len(found[-1]) != len(batch):
            raise ModelError(
                f"{path} gives {len(found[-1])} answers for {len(batch)} images: build it for any "
                "number of them, without batch_shape, and save it anew"
            )
    return np.concatenate(found)


def check_bright(seen: Split, name: str) -> None:
    """Make sure that images use the range of bytes.

    Raises:
        DataError: they do not: they were 0 and 1, or were divided by 255 and made bytes.
    """
    if seen.images.max() <= 1:
        raise DataError(
            f"{name}: images are uint8 from 0 to {seen.images.max()}; wanted 0..255: multiply by "
            "255, or give float32 in 0..1"
        )


def check_probabilities(own: OwnModel, given: NDArray[np.float32], softmax: bool) -> None:
    """Make sure that what a model gave, [N,K], are probabilities.

    Args:
        own: the model, for its last layer and the messages.
        given: its answers, after a softmax where one is appended.
        softmax: one is appended.

    Raises:
        ModelError: they are not.
        SettingError: a softmax was to be appended to one that is there.
    """
    if not np.isfinite(given).all():
        raise ModelError(f"{own.path} gives NaN or infinity: train it anew")
    if softmax and own.ending == "softmax":
        raise SettingError(f"{own.path} ends in a softmax already: leave --softmax out")
    sums = given.sum(1)
    if np.abs(sums - 1).max() <= SUM_TOLERANCE and given.min() >= 0:
        return
    if own.ending == "sigmoid":
        raise ModelError(
            f"{own.path} ends in a sigmoid for each class, which may be several or none; wanted "
            "one class an image: train it with a softmax"
        )
    raise ModelError(
        f"{own.path} gives numbers from {given.min():.3g} to {given.max():.3g} that sum to "
        f"{sums.min():.3g} at least and {sums.max():.3g} at most; wanted probabilities: if these "
        "are logits, add --softmax"
    )


def check_range(
    own: OwnModel,
    seen: Split,
    pixels: tuple[float, float],
    asked: bool,
    note: Callable[[str], None],
) -> None:
    """Hold the range of pixels against other usual ones by the labels, where there are any.

    Args:
        own: the model.
        seen: images to try it on.
        pixels: the range that it is adopted with.
        asked: somebody said so; then a better one is only noted.
        note: takes that.

    Raises:
        SettingError: another range names clearly more images rightly, and none was asked for.
    """
    if seen.truth is None:
        return
    right = {}
    for each in dict.fromkeys((pixels, *RANGES)):
        found = answers(own.wrapped(each, softmax=False), seen.images, own.path).argmax(1)
        right[each] = int((found == seen.truth).sum())
    most = max(right.values())
    if most - right[pixels] <= max(FEW_RIGHT, len(seen) // 10):
        return
    better = [each for each in right if most - right[each] <= FEW_RIGHT]
    said = (
        f"{own.path} names {right[pixels]} of {len(seen)} images rightly with pixels in "
        f"{_shown(pixels)}, and "
        f"{', '.join(f'{right[each]} with pixels in {_shown(each)}' for each in better)}"
    )
    if not asked:
        options = " or ".join(f"--input-range {low:g} {high:g}" for low, high in better)
        raise SettingError(f"{said}: say {options}, as it was trained")
    note(f"{said}: is --input-range right?")


def _shown(pixels: tuple[float, float]) -> str:
    return f"{pixels[0]:g}..{pixels[1]:g}"

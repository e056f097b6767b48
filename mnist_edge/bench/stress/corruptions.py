"""What may happen to an image before a model sees it: each a function of images and an amount.

The idea of naming kinds and severities is Hendrycks and Dietterich's (2019, "Benchmarking neural
network robustness to common corruptions and perturbations"), and so is the formula of contrast;
amounts are in natural units and were chosen before any model was run. Ink is bright on dark; what
moves in from beyond the edge is dark.
"""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mnist_edge.errors import InputError, SettingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    Images = NDArray[np.float32]  # [N,H,W,C], 0..255

BRIGHTEST = 255
PART_VALUES = 1 << 22  # of images that are worked on at a time
REACH = 4  # standard deviations beyond which a blur does not look


class Corruption(NamedTuple):
    """A kind of corruption.

    Attributes:
        name: what tables call it.
        unit: of its amounts.
        amounts: three, the mildest first.
        apply: takes images, an amount and a source of chance; gives images, not yet rounded.
    """

    name: str
    unit: str
    amounts: tuple[float, float, float]
    apply: Callable[[Images, float, Generator], Images]


def corrupt(
    images: NDArray[np.uint8], kind: Corruption, amount: float, seed: int = 0
) -> NDArray[np.uint8]:
    """Return images corrupted by an amount; the same of the same, with the same seed.

    Chance does not depend on the amount, so that severities differ in nothing else, and an image
    becomes the same whatever comes after it.

    Args:
        images: uint8 [N,H,W] or [N,H,W,C]; they stay as they are.
        kind: one of CORRUPTIONS.
        amount: in the unit of the kind.
        seed: of what is chance in it: noise, directions.

    Raises:
        InputError: other than such images.
    """
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or 0 in images.shape[1:]:
        raise InputError(
            f"images are {images.dtype} {list(images.shape)}; wanted uint8 [N,H,W] or [N,H,W,C]"
        )
    chance = np.random.default_rng([seed, zlib.crc32(kind.name.encode())])
    whole = images[..., None] if images.ndim == 3 else images
    found = np.empty_like(whole)
    size = max(1, PART_VALUES // math.prod(whole.shape[1:]))
    for start in range(0, len(whole), size):
        part = whole[start : start + size].astype(np.float32)
        changed = kind.apply(part, amount, chance)
        found[start : start + size] = np.rint(changed).clip(0, BRIGHTEST)
    return found.reshape(images.shape)


def noise(images: Images, sigma: float, chance: Generator) -> Images:
    """Add Gaussian noise with a standard deviation of `sigma` grey levels."""
    return images + np.float32(sigma) * chance.standard_normal(images.shape, np.float32)


def blur(images: Images, sigma: float, _chance: Generator) -> Images:
    """Blur by a Gaussian with a standard deviation of `sigma` pixels; edges are repeated."""
    down, across = (_blurring(side, sigma) for side in images.shape[1:3])
    found: Images = np.einsum("yi,nijc,xj->nyxc", down, images, across, optimize=True)
    return found


def erode(images: Images, pixels: float, _chance: Generator) -> Images:
    """Take `pixels`, 0..1, off each side of bright strokes."""
    return _morphed(images, pixels, np.minimum)


def dilate(images: Images, pixels: float, _chance: Generator) -> Images:
    """Put `pixels`, 0..1, on each side of bright strokes."""
    return _morphed(images, pixels, np.maximum)


def lower_contrast(images: Images, percent: float, _chance: Generator) -> Images:
    """Leave `percent` of each image's distance from its own mean."""
    mean: Images = images.mean((1, 2, 3), keepdims=True)
    return mean + (images - mean) * np.float32(percent / 100)


def shift(images: Images, pixels: float, chance: Generator) -> Images:
    """Move each image by `pixels`, a whole number, up, down, left or right, by chance."""
    side = int(pixels)
    found = np.empty_like(images)
    way = chance.integers(0, 4, len(images))
    for which, (down, right) in enumerate(((-side, 0), (side, 0), (0, -side), (0, side))):
        found[way == which] = _moved(images[way == which], down, right)
    return found


def rotate(images: Images, degrees: float, chance: Generator) -> Images:
    """Turn each image about its middle by `degrees`, this way or that by chance."""
    found = np.empty_like(images)
    way = chance.integers(0, 2, len(images))
    for which, angle in enumerate((math.radians(degrees), -math.radians(degrees))):
        sine, cosine = math.sin(angle), math.cos(angle)
        turned = np.array([[cosine, sine], [-sine, cosine]])
        found[way == which] = _looked_up(images[way == which], turned)
    return found


def scale(images: Images, percent: float, _chance: Generator) -> Images:
    """Scale each image about its middle to `percent` of its width and height."""
    return _looked_up(images, np.eye(2) * (100 / percent))


CORRUPTIONS = (
    Corruption("noise", "levels", (25, 50, 75), noise),
    Corruption("blur", "px", (0.5, 1, 1.5), blur),
    Corruption("thin strokes", "px a side", (0.25, 0.5, 0.75), erode),
    Corruption("thick strokes", "px a side", (0.5, 0.75, 1), dilate),
    Corruption("low contrast", "% left", (50, 30, 15), lower_contrast),
    Corruption("shift", "px", (2, 4, 6), shift),
    Corruption("rotation", "°", (10, 20, 30), rotate),
    Corruption("smaller", "%", (85, 70, 55), scale),
    Corruption("larger", "%", (115, 130, 145), scale),
)


def find(name: str) -> Corruption:
    """Return the corruption of a name.

    Raises:
        SettingError: there is none.
    """
    for each in CORRUPTIONS:
        if each.name == name:
            return each
    known = ", ".join(each.name for each in CORRUPTIONS)
    raise SettingError(f"no corruption {name!r}; wanted one of {known}")


def _blurring(side: int, sigma: float) -> NDArray[np.float32]:
    """Return the matrix [side,side] that blurs a line of so many pixels."""
    if not sigma:
        return np.eye(side, dtype=np.float32)
    reach = math.ceil(REACH * sigma)
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-(offsets**2) / (2 * sigma**2))
    found = np.zeros((side, side))
    rows = np.arange(side)
    for offset, weight in zip(offsets, weights / weights.sum(), strict=True):
        found[rows, (rows + offset).clip(0, side - 1)] += weight
    return found.astype(np.float32)


def _morphed(images: Images, pixels: float, choose: Callable[[Images, Images], Images]) -> Images:
    """Return grey erosion (`choose` is minimum) or dilation (maximum) by a square.

    The square reaches `pixels` to each side. A pixel is taken for a little square of even
    brightness: within it, a share of places reaches the neighbour before, another the one after,
    and in the middle both or none. What becomes of a pixel is the mean over these places (grey
    morphology: Serra 1982; measured so, a whole pixel is the usual 3x3 window).
    """
    one = min(pixels, 1 - pixels)  # share of places that reach one neighbour only, each of two
    between = (0, 0) if pixels <= 0.5 else (-1, 1)
    windows = [((-1, 0), one), (between, 1 - 2 * one), ((0, 1), one)]
    found = np.zeros_like(images)
    for down, height in windows:
        rows = _windowed(images, down, 1, choose)
        for across, width in windows:
            if height * width:
                found += np.float32(height * width) * _windowed(rows, across, 2, choose)
    return found


def _windowed(
    images: Images,
    window: tuple[int, int],
    axis: int,
    choose: Callable[[Images, Images], Images],
) -> Images:
    """Return the least or greatest of the neighbours from one offset to another on an axis."""
    found = images
    last = images.shape[axis] - 1
    for offset in window:
        if offset:
            places = (np.arange(last + 1) + offset).clip(0, last)
            found = choose(found, images.take(places, axis))
    return found


def _moved(images: Images, down: int, right: int) -> Images:
    """Return images moved by whole pixels, with dark where nothing came."""
    found = np.zeros_like(images)
    height, width = images.shape[1:3]
    into = [_overlap(down, height), _overlap(right, width)]
    out_of = [_overlap(-down, height), _overlap(-right, width)]
    found[:, into[0], into[1]] = images[:, out_of[0], out_of[1]]
    return found


def _overlap(offset: int, side: int) -> slice:
    return slice(min(side, max(0, offset)), max(0, side + min(0, offset)))


def _looked_up(images: Images, matrix: NDArray[np.float64]) -> Images:
    """Return images whose pixel at p, from the middle, is what was at `matrix` p: bilinear."""
    height, width = images.shape[1:3]
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    grid = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), -1)
    # Rounded: a turn by 0 must land on pixels, whatever the last bit says.
    places = np.round((grid - middle) @ matrix.T + middle, 9)
    corner = np.floor(places).astype(np.int64)
    beyond = (places - corner).astype(np.float32)
    found = np.zeros_like(images)
    for down in (0, 1):
        for right in (0, 1):
            rows, columns = corner[..., 0] + down, corner[..., 1] + right
            inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
            weight = np.abs(1 - down - beyond[..., 0]) * np.abs(1 - right - beyond[..., 1])
            weight = np.where(inside, weight, np.float32(0))
            seen = images[:, rows.clip(0, height - 1), columns.clip(0, width - 1)]
            found += weight[..., None] * seen
    return found

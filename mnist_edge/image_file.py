"""From a picture to the image that a model knows, saying what was done.

A photograph or a scan of a digit is brought into MNIST's form as its makers did (LeCun et al. 1998,
"Gradient-based learning applied to document recognition", section III): ink bright on dark,
scaled into 20x20 pixels with its proportions kept, its centre of mass in the middle of 28x28.
For a model of any other shape the middle of the picture is scaled to it (`picture.fit`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from mnist_edge.errors import InputError, MissingExtraError
from mnist_edge.picture import DOUBT as DOUBT
from mnist_edge.picture import ImageReading, fit, read_pixels
from mnist_edge.preprocess import DIGIT_SHAPE, IMAGE_SIZE

if TYPE_CHECKING:
    from numpy.typing import NDArray

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif")
INK_BOX = 20  # pixels a side that the ink is scaled into
INK_FLOOR = 0.25  # of the contrast; fainter pixels are paper when the ink's box is sought


def read_image(
    source: str | Path | BinaryIO,
    name: str | None = None,
    *,
    shape: tuple[int, int, int] = DIGIT_SHAPE,
) -> ImageReading:
    """Read an image file (PNG, JPEG and others that Pillow knows).

    Args:
        source: where the file is, or the open file itself: `io.BytesIO(content)` for one that
            came by a network. It stays open.
        name: what errors call the picture; None for its path.
        shape: height, width and channels that the model takes, such as `Backend.image_shape`.
            28x28 in one channel is read as a digit on paper, and must be 28x28 pixels or larger.

    Raises:
        InputError: no such file, not an image, channels that no picture has; of a digit, smaller
            than 28x28 or nothing drawn on it.
        MissingExtraError: Pillow is not installed.
    """
    if isinstance(source, str | Path):
        source = Path(source)
        name = name or str(source)
    name = name or "the picture"
    return _reading(*read_pixels(source, name, shape[2]), name, shape)


def read_array(
    pixels: NDArray[np.uint8],
    name: str = "the picture",
    *,
    shape: tuple[int, int, int] = DIGIT_SHAPE,
) -> ImageReading:
    """Read a picture that is in memory as pixels, such as one frame of a camera.

    Args:
        pixels: uint8 [H,W], or [H,W,3] where the model takes three channels. Of a digit, 28x28
            or larger; ink on paper, either of them the brighter. They stay as they are.
        name: what errors call the picture.
        shape: as for `read_image`.

    Raises:
        InputError: another shape or dtype; of a digit, smaller than 28x28 or nothing drawn on it.
        MissingExtraError: Pillow is not installed.
    """
    rank = 2 if shape[2] == 1 else 3
    fits = pixels.ndim == rank and pixels.shape[2:] in ((), shape[2:]) and min(pixels.shape) > 0
    if pixels.dtype != np.uint8 or not fits or shape[2] not in (1, 3):
        wanted = "grey pixels, uint8 [H,W]" if rank == 2 else f"pixels, uint8 [H,W,{shape[2]}]"
        raise InputError(f"{name} is {pixels.dtype} {list(pixels.shape)}; wanted {wanted}")
    return _reading(pixels, [], name, shape)


def _reading(
    pixels: NDArray[np.uint8], steps: list[str], name: str, shape: tuple[int, int, int]
) -> ImageReading:
    if shape != DIGIT_SHAPE:
        return ImageReading(fit(pixels, shape, steps), tuple(steps))
    height, width = pixels.shape
    if min(height, width) < IMAGE_SIZE:
        raise InputError(f"{name} is {width}x{height}; wanted {IMAGE_SIZE}x{IMAGE_SIZE} or larger")
    if pixels.min() == pixels.max():
        raise InputError(f"{name} is blank: nothing is drawn on it")
    if _paper(pixels) > 127:
        pixels = 255 - pixels
        steps.append("turned dark-on-bright into bright-on-dark")
    if (height, width) == (IMAGE_SIZE, IMAGE_SIZE):
        return ImageReading(pixels.copy(), tuple(steps))
    return ImageReading(_centred(pixels, name, steps), tuple(steps))


def _paper(pixels: NDArray[np.uint8]) -> float:
    """Return how bright the paper is: the median along the four edges."""
    edge = np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])
    return float(np.median(edge))


def _centred(pixels: NDArray[np.uint8], name: str, steps: list[str]) -> NDArray[np.uint8]:
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError("Pillow", "cli") from None

    paper = _paper(pixels)
    contrast = float(pixels.max()) - paper
    if contrast < 16:
        raise InputError(f"{name} is blank: nothing is drawn on it")
    drawn = pixels > paper + INK_FLOOR * contrast
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    height, width = drawn.shape
    touched = (rows[0] == 0, columns[0] == 0, rows[-1] == height - 1, columns[-1] == width - 1)
    if sum(touched) >= 3:
        steps.append(f"{DOUBT}ink reaches the edges; uneven light reads as ink, so crop closer")
    # Floats take eight times the memory of bytes: only the ink's box becomes floats.
    box = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    ink = np.clip((box - paper) / contrast, 0, 1)
    scale = INK_BOX / max(ink.shape)
    size = tuple(max(1, round(side * scale)) for side in reversed(ink.shape))
    small = Image.fromarray(ink.astype(np.float32)).resize(size, Image.Resampling.LANCZOS)
    digit = np.clip(np.asarray(small), 0, 1)
    steps.append(f"scaled the ink from {ink.shape[1]}x{ink.shape[0]} to {size[0]}x{size[1]} pixels")
    steps.append("centred it by its mass")
    return _place(digit / digit.max())


def _place(digit: NDArray[Any]) -> NDArray[np.uint8]:
    """Put `digit` on 28x28 so that its centre of mass is in the middle, never over the edge."""
    canvas = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    corner = []
    for axis, side in enumerate(digit.shape):
        weights = digit.sum(1 - axis)
        centre = float((weights * (np.arange(side) + 0.5)).sum() / weights.sum())
        corner.append(min(max(round(IMAGE_SIZE / 2 - centre), 0), IMAGE_SIZE - side))
    top, left = corner
    height, width = digit.shape
    canvas[top : top + height, left : left + width] = np.rint(digit * 255)
    return canvas

"""From a picture to the 28x28 image that a model knows, saying what was done.

A photograph or a scan is brought into MNIST's form as its makers did (LeCun et al. 1998,
"Gradient-based learning applied to document recognition", section III): ink bright on dark,
scaled into 20x20 pixels with its proportions kept, its centre of mass in the middle of 28x28.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from mnist_edge.errors import InputError, MissingExtraError
from mnist_edge.preprocess import IMAGE_SIZE

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif")
# Pillow knows others, some of which run programs (EPS) or take any memory that a file asks for.
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF", "PPM")
MOST_PIXELS = 50_000_000  # 8165x6124; four bytes each, and as many again where it is turned
INK_BOX = 20  # pixels a side that the ink is scaled into
INK_FLOOR = 0.25  # of the contrast; fainter pixels are paper when the ink's box is sought
DOUBT = "NOT SURE: "  # what a step begins with that says why the reading may be wrong


@dataclass(frozen=True, slots=True)
class ImageReading:
    """One picture as a model takes it.

    Attributes:
        image: uint8 [28,28], bright on dark.
        steps: what was done to get there, in words, in order; empty where nothing was.
    """

    image: NDArray[np.uint8]
    steps: tuple[str, ...]

    @property
    def sure(self) -> bool:
        """False where a step says why the reading may be wrong: ask for a better picture."""
        return not any(step.startswith(DOUBT) for step in self.steps)


def read_image(source: str | Path | BinaryIO, name: str | None = None) -> ImageReading:
    """Read an image file (PNG, JPEG and others that Pillow knows; 28x28 pixels or larger).

    Args:
        source: where the file is, or the open file itself: `io.BytesIO(content)` for one that
            came by a network. It stays open.
        name: what errors call the picture; None for its path.

    Raises:
        InputError: no such file, not an image, smaller than 28x28, or nothing drawn on it.
        MissingExtraError: Pillow is not installed.
    """
    if isinstance(source, str | Path):
        source = Path(source)
        name = name or str(source)
    name = name or "the picture"
    return _reading(*_grey(source, name), name)


def read_array(pixels: NDArray[np.uint8], name: str = "the picture") -> ImageReading:
    """Read a picture that is in memory as grey pixels, such as one frame of a camera.

    Args:
        pixels: uint8 [H,W], 28x28 or larger; ink on paper, either of them the brighter. They
            stay as they are.
        name: what errors call the picture.

    Raises:
        InputError: another shape or dtype, smaller than 28x28, or nothing drawn on it.
        MissingExtraError: Pillow is not installed.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 2:
        raise InputError(
            f"{name} is {pixels.dtype} {list(pixels.shape)}; wanted grey pixels, uint8 [H,W]"
        )
    return _reading(pixels, [], name)


def _reading(pixels: NDArray[np.uint8], steps: list[str], name: str) -> ImageReading:
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


def _grey(source: Path | BinaryIO, name: str) -> tuple[NDArray[np.uint8], list[str]]:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise MissingExtraError("Pillow", "cli") from None
    if isinstance(source, Path) and not source.is_file():
        raise InputError(f"no image at {source}: check the name")
    try:
        with warnings.catch_warnings():  # of sizes, which are checked here, and of damaged tags
            warnings.simplefilter("ignore")
            with Image.open(source, formats=FORMATS) as file:
                if file.width * file.height > MOST_PIXELS:
                    raise InputError(
                        f"{name} is {file.width}x{file.height}; wanted at most {MOST_PIXELS:,} "
                        "pixels: make it smaller"
                    )
                return _upright_grey(file)
    except InputError:
        raise
    except (UnidentifiedImageError, Image.DecompressionBombError):
        raise InputError(
            f"{name} is not an image that Pillow can read; wanted {', '.join(FORMATS)}"
        ) from None
    except Exception as error:  # a damaged image brings Pillow to raise all sorts
        raise InputError(
            f"{name} is a damaged image: {str(error) or type(error).__name__}"
        ) from None


def _upright_grey(file: ImageFile) -> tuple[NDArray[np.uint8], list[str]]:
    from PIL import Image, ImageOps

    steps = []
    picture = ImageOps.exif_transpose(file)
    if _may_be_transparent(picture):
        picture = picture.convert("RGBA")
        ink, alpha = picture.convert("L"), picture.getchannel("A")
        ground = "white" if _has_dark_ink(np.asarray(ink), np.asarray(alpha)) else "black"
        picture = Image.composite(ink, Image.new("L", picture.size, ground), alpha)
        return np.asarray(picture), [f"laid on {ground} where transparent", "made grey"]
    # 16-bit grey, which Pillow would clip and not scale; Pillow 9 has a PNG's as I.
    if picture.mode.startswith("I;16") or (picture.mode, file.format) == ("I", "PNG"):
        return (np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8), ["made 8-bit"]
    if picture.mode != "L":
        steps.append("made grey")
    return np.asarray(picture.convert("L")), steps


def _may_be_transparent(picture: Image) -> bool:
    """Say what Pillow 10 calls `has_transparency_data`: Debian 12 has Pillow 9."""
    modes = (picture.mode, picture.palette.mode if picture.palette else "")
    return "transparency" in picture.info or any(mode.endswith(("A", "a")) for mode in modes)


def _has_dark_ink(grey: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> bool:
    """Say whether what is drawn on a transparent ground, both [H,W], is rather dark."""
    # einsum makes floats a piece at a time, not of the whole picture
    brightness = np.einsum("ij,ij->", grey, alpha, dtype=np.float64)
    return float(brightness) <= 127 * max(float(alpha.sum()), 1.0)


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

"""Opening a picture that anybody may have made, and bringing it to a model's size and channels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from mnist_edge.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

# Pillow knows others, some of which run programs (EPS) or take any memory that a file asks for.
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF", "PPM")
MOST_PIXELS = 50_000_000  # 8165x6124; four bytes each, and as many again where it is turned
MODES = {1: "L", 3: "RGB"}  # Pillow's name for so many channels
DOUBT = "NOT SURE: "  # what a step begins with that says why the reading may be wrong


@dataclass(frozen=True, slots=True)
class ImageReading:
    """One picture as a model takes it.

    Attributes:
        image: uint8 [H,W], or [H,W,C] where there is more than one channel; digits bright on dark.
        steps: what was done to get there, in words, in order; empty where nothing was.
    """

    image: NDArray[np.uint8]
    steps: tuple[str, ...]

    @property
    def sure(self) -> bool:
        """False where a step says why the reading may be wrong: ask for a better picture."""
        return not any(step.startswith(DOUBT) for step in self.steps)


def read_pixels(
    source: Path | BinaryIO, name: str, channels: int
) -> tuple[NDArray[np.uint8], list[str]]:
    """Return a picture file upright, uint8 [H,W] or [H,W,3], and what was done to it, in words.

    Args:
        source: where the file is, or the open file itself.
        name: what errors call the picture.
        channels: 1 for grey, 3 for red, green and blue.

    Raises:
        InputError: no such file, or not an image, or channels that no picture has.
        MissingExtraError: Pillow is not installed.
    """
    mode = _mode(channels, name)
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
                return _upright(file, mode)
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


def _mode(channels: int, name: str) -> str:
    if channels not in MODES:
        raise InputError(
            f"{name} cannot become {channels} channels; a picture has 1 or 3: give arrays to "
            "Classifier instead"
        )
    return MODES[channels]


def _upright(file: ImageFile, mode: str) -> tuple[NDArray[np.uint8], list[str]]:
    from PIL import Image, ImageOps

    steps = []
    made = {"L": "made grey", "RGB": "made RGB"}[mode]
    picture = ImageOps.exif_transpose(file)
    if _may_be_transparent(picture):
        picture = picture.convert("RGBA")
        ink, alpha = picture.convert("L"), picture.getchannel("A")
        ground = "white" if _has_dark_ink(np.asarray(ink), np.asarray(alpha)) else "black"
        laid = Image.composite(picture.convert(mode), Image.new(mode, ink.size, ground), alpha)
        return np.asarray(laid), [f"laid on {ground} where transparent", made]
    # 16-bit grey, which Pillow would clip and not scale; Pillow 9 has a PNG's as I.
    if picture.mode.startswith("I;16") or (picture.mode, file.format) == ("I", "PNG"):
        grey = (np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8)
        return np.asarray(Image.fromarray(grey).convert(mode)), ["made 8-bit"]
    if picture.mode != mode:
        steps.append(made)
    return np.asarray(picture.convert(mode)), steps


def _may_be_transparent(picture: Image) -> bool:
    """Say what Pillow 10 calls `has_transparency_data`: Debian 12 has Pillow 9."""
    modes = (picture.mode, picture.palette.mode if picture.palette else "")
    return "transparency" in picture.info or any(mode.endswith(("A", "a")) for mode in modes)


def _has_dark_ink(grey: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> bool:
    """Say whether what is drawn on a transparent ground, both [H,W], is rather dark."""
    # einsum makes floats a piece at a time, not of the whole picture
    brightness = np.einsum("ij,ij->", grey, alpha, dtype=np.float64)
    return float(brightness) <= 127 * max(float(alpha.sum()), 1.0)


def fit(
    pixels: NDArray[np.uint8], shape: tuple[int, int, int], steps: list[str]
) -> NDArray[np.uint8]:
    """Return a picture at a model's size, its proportions kept: the middle of it, scaled.

    Args:
        pixels: uint8 [H,W] or [H,W,3], as `shape` has channels.
        shape: height, width and channels that are wanted.
        steps: takes what was done, in words.

    Raises:
        MissingExtraError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError("Pillow", "cli") from None

    height, width = pixels.shape[:2]
    tall, wide = shape[:2]
    kept = (
        max(1, min(height, round(width * tall / wide))),
        max(1, min(width, round(height * wide / tall))),
    )
    top, left = (height - kept[0]) // 2, (width - kept[1]) // 2
    pixels = pixels[top : top + kept[0], left : left + kept[1]]
    if kept != (height, width):
        steps.append(f"cropped the middle {kept[1]}x{kept[0]} of {width}x{height} pixels")
    if kept == (tall, wide):
        return pixels.copy()
    if kept[0] < tall or kept[1] < wide:
        steps.append(f"{DOUBT}enlarged from {kept[1]}x{kept[0]} to {wide}x{tall} pixels")
    else:
        steps.append(f"scaled from {kept[1]}x{kept[0]} to {wide}x{tall} pixels")
    # Pillow's bilinear filter takes in every pixel of what it makes smaller.
    scaled = Image.fromarray(pixels).resize((wide, tall), Image.Resampling.BILINEAR)
    return np.asarray(scaled).copy()

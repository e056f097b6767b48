"""Images that are no digit, which a model should not be sure of: noise, letters, fashion items."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mnist_edge.data import load
from mnist_edge.data.public import FASHION_MNIST
from mnist_edge.errors import DataError, MissingExtraError, MnistEdgeError
from mnist_edge.image_file import read_array
from mnist_edge.preprocess import DIGIT_SHAPE

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mnist_edge.data import Dataset

NOISE_IMAGES = 1000
# None that can be taken for a digit, as O, I, S, Z, B, G, Q, T, Y, L, J, D, b, g, i, l, o, q, y, z
# can, and none that is another of them made smaller, as v is of V.
LETTERS = "AEFHKMNRUVWXaekmn"
FONTS = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSansMono-Bold",
    "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic",
)  # fmt: skip
SIZES_PX = (28, 48, 96)  # of the font, before the ink is scaled into 20x20


class Strangers(NamedTuple):
    """A kind of image that is of none of a model's classes.

    Attributes:
        name: what tables call it.
        images: uint8 [N,H,W] or [N,H,W,C]; None where there are none.
        missing: why there are none, in a line; None where there are some.
    """

    name: str
    images: NDArray[np.uint8] | None
    missing: str | None = None


def uniform_noise(
    shape: tuple[int, ...], count: int = NOISE_IMAGES, seed: int = 0
) -> NDArray[np.uint8]:
    """Return `count` images of a shape in which every value is 0..255 by chance."""
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def letters() -> NDArray[np.uint8]:
    """Return printed letters in MNIST's form, uint8 [N,28,28]: every letter, font and size.

    They are drawn white on black and read as `mnist-edge predict` reads a picture.

    Raises:
        MissingExtraError: Pillow, or matplotlib, which brings the fonts, is not installed.
        DataError: one of them is, without what letters take: a Linux distribution's matplotlib may
            have no fonts, and a Pillow that was built by hand no FreeType.
    """
    folder = _fonts()
    found = []
    for font in FONTS:
        for size in SIZES_PX:
            found += [_drawn(letter, folder / f"{font}.ttf", size) for letter in LETTERS]
    return np.stack(found)


def fashion(say: Callable[[str], None]) -> NDArray[np.uint8]:
    """Return the test images of Fashion-MNIST, uint8 [10000,28,28].

    Raises:
        DataError: they are not here and cannot be fetched.
    """
    return load(FASHION_MNIST.name, say=say).test.images


NAMES = ("uniform noise", "letters", "fashion items")


def strangers(name: str, dataset: Dataset, say: Callable[[str], None]) -> Strangers:
    """Return the images of a name, made for those who take the images of a dataset.

    Args:
        name: one of NAMES.
        dataset: what the models are for.
        say: takes a line on what is going on.
    """
    shape = dataset.test.images.shape[1:]
    missing = None if name == NAMES[0] else _unfit(name, shape, dataset)
    if missing is not None:
        return Strangers(name, None, missing)
    try:
        if name == NAMES[0]:
            return Strangers(name, uniform_noise(shape))
        return Strangers(name, letters() if name == NAMES[1] else fashion(say))
    except MnistEdgeError as error:
        return Strangers(name, None, str(error))


def _unfit(name: str, shape: tuple[int, ...], dataset: Dataset) -> str | None:
    """Say why letters or fashion items are nothing to try these models with; None if they are."""
    if shape != DIGIT_SHAPE[:2]:
        return f"they are of 28x28 grey pixels, and the models take {list(shape)}"
    own = LETTERS if name == NAMES[1] else FASHION_MNIST.labels
    known = [label for label in dataset.labels if label in own]
    return f"{known[0]} is a class of the models" if known else None


def _fonts() -> Path:
    try:
        import matplotlib
    except ImportError:
        raise MissingExtraError("matplotlib, which brings the fonts,", "report") from None
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def _drawn(letter: str, font: Path, size: int) -> NDArray[np.uint8]:
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError:
        raise MissingExtraError("Pillow", "cli") from None
    paper = Image.new("L", (2 * size, 2 * size))
    try:
        with font.open("rb") as file:
            drawing = ImageFont.truetype(file, size)
            ImageDraw.Draw(paper).text((size, size), letter, fill=255, font=drawing, anchor="mm")
    except (ImportError, OSError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise DataError(
            f"cannot draw in {font}: {why}; matplotlib and Pillow as pip installs them can"
        ) from None
    return read_array(np.asarray(paper), letter).image

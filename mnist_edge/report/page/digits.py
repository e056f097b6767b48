"""Test images as small PNG files within the page."""

from __future__ import annotations

import io
from base64 import b64encode
from typing import TYPE_CHECKING

from mnist_edge.errors import MissingExtraError
from mnist_edge.report.images_of import drawable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_SIDE = 64  # pixels; larger images are scaled down


def data_uri(image: NDArray[np.uint8]) -> str:
    """Return an image, uint8 [H,W] or [H,W,C], as the address of a PNG that it holds itself.

    Pixels are as the model sees them; images beyond MOST_SIDE are scaled down. Of channels that are
    neither grey nor colours, the first is shown.

    Raises:
        MissingExtraError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError("Pillow", "report") from None
    picture = Image.fromarray(drawable(image))
    if max(picture.size) > MOST_SIDE:
        picture.thumbnail((MOST_SIDE, MOST_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"


def inked(images: NDArray[np.uint8]) -> bool:
    """Return whether images, [N,H,W] or [N,H,W,C], are grey: shown as ink on a light page."""
    return drawable(images[0]).ndim == 2

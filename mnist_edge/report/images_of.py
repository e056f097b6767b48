"""The images that a bench record is of, to be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnist_edge.digest import sha256_hex
from mnist_edge.errors import InputError
from mnist_edge.report.style import FAINT

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


def check_count(record: Mapping[str, Any], images: NDArray[np.uint8]) -> None:
    """Make sure that images, uint8 [N,...], are as many as a record is of.

    Raises:
        InputError: they are not.
    """
    wanted = record["dataset"]["samples"]
    if len(images) != wanted:
        raise InputError(
            f"{len(images):,} images; the record is of {wanted:,}: name those that were benched"
        )


def check_images(record: Mapping[str, Any], images: NDArray[np.uint8]) -> None:
    """Make sure that images, uint8 [N,...] in order, are those of a record, where it tells.

    Raises:
        InputError: they are not.
    """
    check_count(record, images)
    known = record["dataset"].get("images_sha256")
    if known is not None and known != sha256_hex(images.tobytes()):
        raise InputError(
            "these are other images than those of the record: name the same with --data"
        )


def draw_image(axes: Any, image: NDArray[np.uint8]) -> None:
    """Draw an image, [H,W] or [H,W,C], as ink on paper in a thin frame.

    Args:
        axes: of matplotlib; all of it is taken.
        image: uint8, or float32 in 0..255.
    """
    shown = drawable(image)
    axes.imshow(shown, cmap="gray_r" if shown.ndim == 2 else None, vmin=0, vmax=255)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=FAINT)


def drawable(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image, [H,W] or [H,W,C], as matplotlib draws it: [H,W], or colours [H,W,3 or 4]."""
    return image[:, :, 0] if image.ndim == 3 and image.shape[2] not in (3, 4) else image

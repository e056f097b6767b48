"""Pictures of images: several with words above each, and what of one a network looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.report.images_of import draw_image
from mnist_edge.report.style import INK, caption, headline, in_style, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

COLUMNS = 8


@in_style
def digits(
    images: NDArray[Any],
    words: Sequence[str],
    title: str,
    *,
    colours: Sequence[str] = (),
    columns: int = COLUMNS,
) -> Any:
    """Draw images in a grid, each with its words above it.

    Args:
        images: uint8 [N,H,W] or [N,H,W,C], ink bright.
        words: for each.
        title: over all of them.
        colours: of the words, for each; without them all are black.
        columns: of the grid.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    rows = max(1, -(-len(images) // columns))
    figure = new_figure(columns * 1.2, rows * 1.5 + 0.5)
    headline(figure, title)
    for cell, image in enumerate(images):
        axes = figure.add_subplot(rows, columns, cell + 1)
        draw_image(axes, image)
        caption(axes, words[cell], colours[cell] if colours else INK)
    return figure


@in_style
def field_picture(field: NDArray[Any], sides: Sequence[int], title: str) -> Any:
    """Draw which pixels one number of a layer depends on.

    Args:
        field: bool or numbers [H,W]; above 0 where it depends on a pixel.
        sides: of the receptive field, height and width in pixels, as it should be.
        title: what it is of.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure = new_figure(3.6, 3.8)
    headline(figure, title)
    axes = figure.add_subplot()
    axes.imshow(np.asarray(field) > 0, cmap="Blues", vmin=0, vmax=2)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(True)
    axes.set_xlabel(f"{sides[0]}x{sides[1]} of {field.shape[0]}x{field.shape[1]} pixels")
    return figure

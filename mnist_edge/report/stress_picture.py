"""What each corruption does to a digit, and what is left of the accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.bench.stress.corruptions import CORRUPTIONS, corrupt
from mnist_edge.report.images_of import check_images, draw_image
from mnist_edge.report.layout import cut
from mnist_edge.report.stress_table import amount, tried
from mnist_edge.report.style import INK, RED, SMALL, TEXT, headline, in_style, new_figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mnist_edge.data import Split

BAD = 0.9  # accuracy below which it is written in red and bold
TALLEST = 2.0  # height of an image over its width: more is drawn smaller
LONGEST = 40  # characters of the dataset's name


@in_style
def stress_picture(record: Mapping[str, Any], split: Split) -> Any:
    """Draw a row for each corruption: a test image as it is, and at each severity.

    Below it is the accuracy on all test images that are so corrupted, the lowest and the highest of
    the models. Rows show the classes in turn.

    Args:
        record: of a bench.
        split: the images that it is of, in order.

    Returns:
        A matplotlib Figure; None where the record has no stress, or the images no labels.

    Raises:
        InputError: they are not the images of the record.
        MissingExtraError: matplotlib is not installed.
    """
    every = [found for _number, found in tried(record)]
    if not every or split.truth is None:
        return None
    check_images(record, split.images)
    known = {each.name: each for each in CORRUPTIONS}  # a later version may have others
    kinds = [each["corruptions"] for each in every]
    shown = [place for place, kind in enumerate(kinds[0]) if kind["name"] in known]
    columns = 1 + max(len(kind["levels"]) for kind in kinds[0])
    height = 0.42 + 0.95 * min(TALLEST, split.images.shape[1] / split.images.shape[2])
    figure = new_figure(1.7 + 1.2 * columns, 0.9 + height * len(shown))
    grid = figure.subplots(len(shown), columns, squeeze=False)
    for line, place in enumerate(shown):
        index = example(split.truth, line)
        kind = known[kinds[0][place]["name"]]
        row = grid[line]
        _draw(row[0], split.images[index], "as it is", [each["clean"] for each in every])
        row[0].set_ylabel(kind.name, rotation=0, ha="right", va="center", fontsize=TEXT)
        for axes in row[1:]:
            axes.set_axis_off()
        levels = zip(*(each[place]["levels"] for each in kinds), strict=True)
        for axes, level in zip(row[1:], levels, strict=False):
            axes.set_axis_on()
            # Chance comes image by image: those after it change nothing.
            worse = corrupt(split.images[: index + 1], kind, level[0]["amount"])[index]
            _draw(axes, worse, amount(level[0], kind.unit), level)
    dataset = record["dataset"]
    models = "1 model" if len(every) == 1 else f"{len(every)} models, lowest–highest"
    headline(
        figure,
        f"Accuracy on {dataset['samples']:,} corrupted test images of "
        f"{cut(dataset['name'], LONGEST)}",
        f"{models}; red and bold: below {100 * BAD:.0f} %",
    )
    return figure


def example(truth: NDArray[Any], row: int) -> int:
    """Return the first image of the class that a row shows."""
    classes = np.unique(truth)
    return int(np.flatnonzero(truth == classes[row % len(classes)])[0])


def _draw(
    axes: Any, image: NDArray[np.uint8], what: str, scores: Sequence[Mapping[str, Any]]
) -> None:
    draw_image(axes, image)
    shares = [100 * each["accuracy"] for each in scores]
    low, high = f"{min(shares):.1f}", f"{max(shares):.1f}"
    said = f"{low} %" if low == high else f"{low}–{high} %"
    colour, weight = (RED, "bold") if min(shares) < 100 * BAD else (INK, "normal")
    axes.set_xlabel(f"{what}\n{said}", fontsize=SMALL, color=colour, fontweight=weight)

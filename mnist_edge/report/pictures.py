"""Pictures of a training run, each a function from a record to a matplotlib Figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.atomic import write_file
from mnist_edge.report.curves import draw_curves
from mnist_edge.report.digits_picture import digits
from mnist_edge.report.style import (
    BLUE,
    GREEN,
    INK,
    RED,
    SMALL,
    headline,
    in_style,
    new_figure,
    png,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mnist_edge.data import Split

GRID = (4, 8)  # rows and columns of the image grids


def save_run_pictures(
    folder: Path,
    history: Sequence[dict[str, float]],
    split: Split,
    probabilities: NDArray[np.float32],
    labels: Sequence[str],
) -> list[Path]:
    """Write curves, confusion matrix, samples and mistakes as PNG; return their paths.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OutputError: the folder cannot be written to.
    """
    figures = {
        "curves.png": curves(history),
        "confusion.png": confusion(split.labels, probabilities.argmax(1), labels),
        "samples.png": samples(split, probabilities, labels),
        "mistakes.png": mistakes(split, probabilities, labels),
    }
    paths = []
    for name, figure in figures.items():
        write_file(folder / name, png(figure))
        paths.append(folder / name)
    return paths


@in_style
def curves(history: Sequence[dict[str, float]]) -> Any:
    """Draw loss and accuracy of training and validation over the epochs of a history."""
    figure = new_figure(9.6, 3.6)
    loss, accuracy = figure.subplots(1, 2)
    draw_curves(loss, accuracy, history)
    for axes in (loss, accuracy):
        axes.legend()
    return figure


@in_style
def confusion(truth: NDArray[Any], found: NDArray[Any], labels: Sequence[str]) -> Any:
    """Draw how often each true class was given each label; mistakes are what is coloured."""
    count = len(labels)
    matrix = np.zeros((count, count), np.int64)
    np.add.at(matrix, (truth, found), 1)
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    size = max(4.8, 0.5 * count + 1.2)
    figure = new_figure(size, size)
    headline(figure, f"{int(wrong.sum()):,} of {len(truth):,} test images named wrongly")
    axes = figure.add_subplot()
    # Not to the darkest: numbers stay legible.
    axes.imshow(np.ma.masked_equal(wrong, 0), cmap="Oranges", vmin=0, vmax=1.6 * wrong.max())
    for row, column in zip(*np.nonzero(matrix), strict=True):
        axes.text(
            column,
            row,
            f"{matrix[row, column]}",
            ha="center",
            va="center",
            fontsize=SMALL,
            color=BLUE if row == column else INK,
            fontweight="bold" if row == column else "normal",
        )
    long = max(len(label) for label in labels) > 3
    axes.set_xticks(range(count), labels, rotation=90 if long else 0)
    axes.set_yticks(range(count), labels)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(np.arange(count + 1) - 0.5, minor=True)
    axes.grid(which="minor")
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("Named")
    axes.set_ylabel("True")
    return figure


@in_style
def samples(split: Split, probabilities: NDArray[np.float32], labels: Sequence[str]) -> Any:
    """Draw the first test images with what each is named and how sure the model is."""
    places = np.arange(min(len(split), GRID[0] * GRID[1]))
    return _grid(split, probabilities, labels, places, "The first test images")


@in_style
def mistakes(split: Split, probabilities: NDArray[np.float32], labels: Sequence[str]) -> Any:
    """Draw the mistakes of which the model was surest, the worst first."""
    found = probabilities.argmax(1)
    wrong = np.flatnonzero(found != split.labels)
    worst = wrong[np.argsort(-probabilities[wrong, found[wrong]], kind="stable")]
    title = f"The worst of {len(wrong)} mistakes" if len(wrong) else "No mistakes"
    return _grid(split, probabilities, labels, worst[: GRID[0] * GRID[1]], title)


def _grid(
    split: Split,
    probabilities: NDArray[np.float32],
    labels: Sequence[str],
    places: NDArray[Any],
    title: str,
) -> Any:
    words, colours = [], []
    for place in places:
        truth, found = int(split.labels[place]), int(probabilities[place].argmax())
        said = f"{labels[found]}, {100 * probabilities[place, found]:.0f} %"
        words.append(said if truth == found else f"{said}\ntrue: {labels[truth]}")
        colours.append(GREEN if truth == found else RED)
    return digits(split.images[places], words, title, colours=colours)

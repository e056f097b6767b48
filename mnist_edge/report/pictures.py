"""Pictures of a training run, each a function from a record to a matplotlib Figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.atomic import write_file
from mnist_edge.report.style import BLUE, GREEN, ORANGE, RED, new_figure, png

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


def curves(history: Sequence[dict[str, float]]) -> Any:
    """Draw loss and accuracy of training and validation over the epochs of a history."""
    figure = new_figure(9.6, 3.6)
    epochs = [row["epoch"] for row in history]
    for place, (key, title) in enumerate((("loss", "Loss"), ("accuracy", "Accuracy, %"))):
        axes = figure.add_subplot(1, 2, place + 1)
        factor = 100 if key == "accuracy" else 1
        axes.plot(
            epochs,
            [factor * row[key] for row in history],
            color=BLUE,
            marker="o",
            markersize=3,
            label="training",
        )
        if f"val_{key}" in history[0]:
            axes.plot(
                epochs,
                [factor * row[f"val_{key}"] for row in history],
                color=ORANGE,
                marker="s",
                markersize=3,
                linestyle="--",
                label="validation",
            )
        axes.set_title(title)
        axes.set_xlabel("Epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def confusion(truth: NDArray[Any], found: NDArray[Any], labels: Sequence[str]) -> Any:
    """Draw how often each true class was given each label; mistakes are what is coloured."""
    count = len(labels)
    matrix = np.zeros((count, count), np.int64)
    np.add.at(matrix, (truth, found), 1)
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    size = max(4.8, 0.55 * count + 1.2)
    figure = new_figure(size, size)
    axes = figure.add_subplot()
    axes.imshow(wrong, cmap="Oranges", vmax=max(1, wrong.max()))
    for row, column in zip(*np.nonzero(matrix), strict=True):
        axes.text(
            column,
            row,
            str(matrix[row, column]),
            ha="center",
            va="center",
            fontsize=8,
            color=BLUE if row == column else "black",
            fontweight="bold" if row == column else "normal",
        )
    long = max(len(label) for label in labels) > 3
    axes.set_xticks(range(count), labels, rotation=90 if long else 0)
    axes.set_yticks(range(count), labels)
    axes.set_xlabel("Named")
    axes.set_ylabel("True")
    axes.set_title(f"{int(wrong.sum())} of {len(truth)} test images named wrongly")
    return figure


def samples(split: Split, probabilities: NDArray[np.float32], labels: Sequence[str]) -> Any:
    """Draw the first test images with what each is named and how sure the model is."""
    places = np.arange(min(len(split), GRID[0] * GRID[1]))
    return _grid(split, probabilities, labels, places, "The first test images")


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
    rows, columns = GRID
    figure = new_figure(columns * 1.2, rows * 1.5 + 0.5)
    figure.suptitle(title)
    for cell, place in enumerate(places):
        axes = figure.add_subplot(rows, columns, cell + 1)
        axes.imshow(split.images[place], cmap="gray_r", vmin=0, vmax=255)
        axes.set_axis_off()
        truth, found = int(split.labels[place]), int(probabilities[place].argmax())
        sure = f"{100 * probabilities[place, found]:.0f} %"
        right = truth == found
        text = (
            f"{labels[found]} {sure}" if right else f"{labels[found]} {sure}\ntrue: {labels[truth]}"
        )
        axes.set_title(text, fontsize=8, color=GREEN if right else RED)
    return figure

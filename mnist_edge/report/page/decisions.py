"""How often each class was given each name, and which images are behind each number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnist_edge.report.page.answers import Answers, deciding_alike, embedded, names_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mnist_edge.report.page.material import Material

MOST_CLASSES = 40  # of a matrix that is shown whole
MOST_PAIRS = 6  # confusions that are named in words
MOST_IMAGES = 40  # that a cell lists


@dataclass(frozen=True)
class Cell:
    """One number of a matrix.

    Attributes:
        truth: class index of what the images show.
        named: class index of what they were named.
        count: images.
        share: of all images of that truth, 0..1.
        images: their indices, MOST_IMAGES at most; none for right answers.
    """

    truth: int
    named: int
    count: int
    share: float
    images: tuple[int, ...]


@dataclass(frozen=True)
class Matrix:
    """The confusions of models that decide alike.

    Attributes:
        title: the models, in words.
        cells: a row for each true class; empty where there are more than MOST_CLASSES.
        recall: share of each true class that was named rightly, 0..1; None where it has no image.
        wrong: images named wrongly.
        total: images.
        pairs: the most frequent confusions, the most frequent first.
        most: the largest number of a confusion.
    """

    title: str
    cells: tuple[tuple[Cell, ...], ...]
    recall: tuple[float | None, ...]
    wrong: int
    total: int
    pairs: tuple[Cell, ...]
    most: int


def matrices(material: Material) -> list[Matrix]:
    """Return a matrix for each set of models that decide alike, that of the embedded one first."""
    if material.test is None or material.test.truth is None:
        return []
    chosen = embedded(material.answers)
    groups = sorted(deciding_alike(material.answers), key=lambda group: chosen not in group)
    return [
        _matrix(group, material.test.truth.astype(np.int64), len(material.bundle.labels))
        for group in groups
    ]


def _matrix(group: Sequence[Answers], truth: NDArray[np.int64], classes: int) -> Matrix:
    named = group[0].named
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (truth, named), 1)
    totals = counts.sum(1)
    confused = counts.copy()
    np.fill_diagonal(confused, 0)
    places = sorted(zip(*np.nonzero(confused), strict=True), key=lambda at: (-confused[at], at))

    def cell(row: int, column: int) -> Cell:
        found = np.flatnonzero((truth == row) & (named == column)) if row != column else ()
        count, total = int(counts[row, column]), int(totals[row])
        images = tuple(int(each) for each in found[:MOST_IMAGES])
        return Cell(row, column, count, count / total if total else 0.0, images)

    numbers = range(classes if classes <= MOST_CLASSES else 0)
    return Matrix(
        title=names_of(group),
        cells=tuple(tuple(cell(row, column) for column in numbers) for row in numbers),
        recall=tuple(
            float(counts[each, each] / totals[each]) if totals[each] else None
            for each in range(classes)
        ),
        wrong=int(confused.sum()),
        total=len(truth),
        pairs=tuple(cell(int(row), int(column)) for row, column in places[:MOST_PAIRS]),
        most=int(confused.max()),
    )

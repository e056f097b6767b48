"""What a conversion costs each class: a mean over all images can hide the loss of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.bench.intervals import paired_drop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ClassLoss:
    """What became of the images of one class.

    Attributes:
        index: of the class.
        samples: images of it.
        to_wrong: those that only the reference has right.
        to_right: those that only the model has right.
    """

    index: int
    samples: int
    to_wrong: int
    to_right: int

    @property
    def lost(self) -> int:
        """Images lost, less those won."""
        return self.to_wrong - self.to_right

    @property
    def drop(self) -> float:
        """Accuracy lost, percentage points; below 0 where it won."""
        return 100 * self.lost / self.samples


@dataclass(frozen=True, slots=True)
class WorstClass:
    """The class that suffers most.

    Attributes:
        index: of the class.
        label: what it is called; its index where nobody said.
        change: of its accuracy, percentage points, below 0.
    """

    index: int
    label: str
    change: float


def accuracies(
    right: NDArray[np.bool_], labels: NDArray[Any], classes: int
) -> tuple[float | None, ...]:
    """Return the accuracy on each class, 0..1; None where a class has no image.

    Args:
        right: whether each image is named rightly, [N].
        labels: class index of what it shows, [N].
        classes: how many there are.
    """
    count = np.bincount(labels, minlength=classes).tolist()
    hits = np.bincount(labels[right], minlength=classes).tolist()
    return tuple(hit / of if of else None for hit, of in zip(hits, count, strict=True))


def losses(
    before: NDArray[np.bool_], after: NDArray[np.bool_], labels: NDArray[Any], classes: int
) -> tuple[ClassLoss, ...]:
    """Return what became of each class that has images.

    Args:
        before: whether the reference names each image rightly, [N].
        after: whether the model does, [N].
        labels: class index of what it shows, [N].
        classes: how many there are.
    """
    chosen = (labels, labels[before & ~after], labels[~before & after])
    counts = np.stack([np.bincount(each, minlength=classes) for each in chosen], 1)
    return tuple(ClassLoss(index, *row) for index, row in enumerate(counts.tolist()) if row[0])


def changes(found: Sequence[ClassLoss], classes: int) -> tuple[float | None, ...]:
    """Return the accuracy won on each class, percentage points; None where it has no image."""
    change: list[float | None] = [None] * classes
    for each in found:
        change[each.index] = 0.0 - each.drop
    return tuple(change)


def worst(found: Sequence[ClassLoss], names: Sequence[str]) -> WorstClass | None:
    """Return the class whose loss is surest: with the greatest lower end of its drop's interval.

    One image lost of two is half a class, and may be chance; 300 of 1,000 is not.

    Args:
        found: of each class.
        names: what classes are called, by index; may be empty.
    """
    lost = [each for each in found if each.lost > 0]
    if not lost:
        return None
    most = max(lost, key=lambda each: paired_drop(each.to_wrong, each.to_right, each.samples))
    label = names[most.index] if names else str(most.index)
    return WorstClass(most.index, label, 0.0 - most.drop)

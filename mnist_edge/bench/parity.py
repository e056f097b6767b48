"""How a model compares with the reference, decision by decision.

Vectorised: 10,000 images take milliseconds.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Z_95 = 1.959963984540054  # 97.5 % quantile of the standard normal distribution


@dataclass(frozen=True)
class Parity:
    """A model beside the reference on the same images. Shares are 0..1.

    What needs the reference's answers is None where there were none (`alone`), and what needs to
    know what the images show is None where nobody said.

    Attributes:
        samples: images compared.
        accuracy: share named rightly by the model.
        accuracy_ci95: Wilson 95 % interval of it.
        reference_accuracy: share named rightly by the reference.
        agreement: share on which both name the same class, right or wrong.
        flips_to_wrong: images that the reference has right and the model wrong.
        flips_to_right: images that the reference has wrong and the model right.
        mcnemar_p: exact two-sided p of those two counts under "no difference".
        max_abs_diff: largest difference between two probabilities.
        mean_abs_diff: mean difference between two probabilities.
        per_class: accuracy of the model on each class; None where a class has no image.
    """

    samples: int
    accuracy: float | None
    accuracy_ci95: tuple[float, float] | None
    reference_accuracy: float | None
    agreement: float | None
    flips_to_wrong: int | None
    flips_to_right: int | None
    mcnemar_p: float | None
    max_abs_diff: float | None
    mean_abs_diff: float | None
    per_class: tuple[float | None, ...] | None

    @property
    def lost(self) -> int | None:
        """Images that the reference has right, less those that the model has right."""
        if self.reference_accuracy is None or self.accuracy is None:
            return None
        return round((self.reference_accuracy - self.accuracy) * self.samples)

    @property
    def drop(self) -> float | None:
        """Accuracy lost against the reference, in percentage points; below 0 where it won."""
        return None if self.lost is None else 100 * self.lost / self.samples

    def as_dict(self) -> dict[str, Any]:
        """Return the parity as records and manifests write it."""
        found = asdict(self)
        return {key: list(each) if isinstance(each, tuple) else each for key, each in found.items()}


def compare(
    reference: NDArray[np.float32], candidate: NDArray[np.float32], labels: NDArray[Any] | None
) -> Parity:
    """Compare probabilities [N,K] of a model with those of the reference.

    Args:
        reference: of the reference, float32 [N,K].
        candidate: of the model, for the same images in the same order.
        labels: true class index of each, [N]; None where nobody said.

    Raises:
        InputError: shapes that differ, no image, labels of classes that the model does not have,
            or probabilities that are not finite.
    """
    rows = len(reference) if labels is None else len(labels)
    if reference.shape != candidate.shape or rows != len(reference) or not rows:
        raise InputError(
            f"reference {list(reference.shape)}, model {list(candidate.shape)}, "
            f"{rows} labels; wanted as many rows in each, one or more"
        )
    if not (np.isfinite(reference).all() and np.isfinite(candidate).all()):
        raise InputError("probabilities that are not finite; the model is broken: export it anew")
    if labels is not None and labels.max() >= reference.shape[1]:
        raise InputError(
            f"labels up to {labels.max()}, and the model has {reference.shape[1]} classes, counted "
            "from 0: name the images that it is for"
        )
    expected, found = reference.argmax(1), candidate.argmax(1)
    difference = np.abs(candidate - reference)
    parity = Parity(
        samples=rows,
        accuracy=None,
        accuracy_ci95=None,
        reference_accuracy=None,
        agreement=float((expected == found).mean()),
        flips_to_wrong=None,
        flips_to_right=None,
        mcnemar_p=None,
        max_abs_diff=float(difference.max()),
        mean_abs_diff=float(difference.mean()),
        per_class=None,
    )
    return (
        parity if labels is None else _judged(parity, expected, found, labels, reference.shape[1])
    )


def _judged(
    parity: Parity,
    expected: NDArray[np.int64],
    found: NDArray[np.int64],
    labels: NDArray[Any],
    classes: int,
) -> Parity:
    """Return a parity with what the labels say of the decisions [N] of reference and model."""
    before, after = expected == labels, found == labels
    to_wrong, to_right = int((before & ~after).sum()), int((~before & after).sum())
    return replace(
        parity,
        accuracy=float(after.mean()),
        accuracy_ci95=wilson(int(after.sum()), parity.samples),
        reference_accuracy=float(before.mean()),
        flips_to_wrong=to_wrong,
        flips_to_right=to_right,
        mcnemar_p=mcnemar_exact(to_wrong, to_right),
        per_class=tuple(_share(after[labels == index]) for index in range(classes)),
    )


def alone(
    candidate: NDArray[np.float32], labels: NDArray[Any] | None, reference_accuracy: float | None
) -> Parity:
    """Return how a model does without the reference's answers.

    Args:
        candidate: probabilities of the model, float32 [N,K].
        labels: true class index of each image, [N]; None where nobody said.
        reference_accuracy: of the reference on these images where it is known, 0..1.

    Raises:
        InputError: as `compare`.
    """
    with_itself = compare(candidate, candidate, labels)
    return replace(
        with_itself,
        reference_accuracy=reference_accuracy,
        agreement=None,
        flips_to_wrong=None,
        flips_to_right=None,
        mcnemar_p=None,
        max_abs_diff=None,
        mean_abs_diff=None,
    )


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share (Wilson 1927, eq. 4), both ends in 0..1."""
    share, z2 = successes / trials, Z_95**2
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z_95 * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    half /= 1 + z2 / trials
    return max(0.0, middle - half), min(1.0, middle + half)


def paired_drop(to_wrong: int, to_right: int, samples: int) -> tuple[float, float]:
    """Return the 95 % interval of a drop in accuracy on the same images, both ends in -1..1.

    The difference of two paired shares with one flip each way added to what was counted (Bonett
    and Price 2012; recommended by Fagerland et al. 2014 over Wald's, which is 0 wide where
    no decision flipped).

    Args:
        to_wrong: images that only the reference has right.
        to_right: images that only the model has right.
        samples: all images.
    """
    lost, won = (to_wrong + 1) / (samples + 2), (to_right + 1) / (samples + 2)
    half = Z_95 * math.sqrt((lost + won - (lost - won) ** 2) / (samples + 2))
    return max(-1.0, lost - won - half), min(1.0, lost - won + half)


def mcnemar_exact(one: int, other: int) -> float:
    """Return the two-sided exact p of McNemar's test: a fair coin splitting the flips so.

    Twice the binomial tail of the rarer flip, at most 1 (McNemar 1947; exact form, e.g. Fagerland
    et al. 2013, eq. 4).
    """
    flips = one + other
    tail = sum(math.comb(flips, k) for k in range(min(one, other) + 1))
    return min(1.0, float(2 * tail / 2**flips))


def _share(right: NDArray[np.bool_]) -> float | None:
    return float(right.mean()) if len(right) else None

"""How a model compares with the reference, decision by decision.

Vectorised: 10,000 images take milliseconds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.bench.by_class import accuracies, changes, losses, worst
from mnist_edge.bench.calibration import calibration_error
from mnist_edge.bench.flips import flips_of
from mnist_edge.bench.intervals import mcnemar_exact, paired_drop, points, wilson
from mnist_edge.errors import InputError
from mnist_edge.invariants import USUAL, findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mnist_edge.bench.by_class import ClassLoss, WorstClass
    from mnist_edge.bench.flips import Flips

NOT_IN_MANIFESTS = ("flips", "invariants", "class_change", "reference_per_class")


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
        drop: accuracy lost against the reference, percentage points; below 0 where it won.
        drop_ci95: 95 % interval of it (`intervals.paired_drop`), percentage points. Where the
            reference's answers are not known, but its accuracy is, every mistake is taken for a
            flip: the widest that the interval can be.
        reference_per_class: accuracy of the reference on each class; as `per_class`.
        class_change: accuracy won on each class, percentage points, below 0 where it was lost;
            as `per_class`.
        worst_class: of the classes that lost, the one whose loss is surest: with the greatest
            lower end of the interval of its drop; None where none lost.
        calibration_error: how far the model's sureness is from its accuracy, 0..1
            (`calibration.calibration_error`).
        reference_calibration_error: the same of the reference.
        flips: the images behind the counts of flips.
        invariants: what the output of any classifier must be and this is not, a line each
            (`invariants.findings`).
        classes: what became of each class that has images.
    """

    samples: int
    accuracy: float | None = None
    accuracy_ci95: tuple[float, float] | None = None
    reference_accuracy: float | None = None
    agreement: float | None = None
    flips_to_wrong: int | None = None
    flips_to_right: int | None = None
    mcnemar_p: float | None = None
    max_abs_diff: float | None = None
    mean_abs_diff: float | None = None
    per_class: tuple[float | None, ...] | None = None
    drop: float | None = None
    drop_ci95: tuple[float, float] | None = None
    reference_per_class: tuple[float | None, ...] | None = None
    class_change: tuple[float | None, ...] | None = None
    worst_class: WorstClass | None = None
    calibration_error: float | None = None
    reference_calibration_error: float | None = None
    flips: Flips | None = None
    invariants: tuple[str, ...] = ()
    classes: tuple[ClassLoss, ...] | None = None

    @property
    def lost(self) -> int | None:
        """Images that the reference has right, less those that the model has right."""
        return None if self.drop is None else round(self.drop * self.samples / 100)

    def as_dict(self) -> dict[str, Any]:
        """Return the parity as a bench record writes it."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        del found["classes"]
        for name in ("flips", "worst_class"):
            found[name] = None if found[name] is None else asdict(found[name])
        return {name: _listed(value) for name, value in found.items()}

    def summary(self) -> dict[str, Any]:
        """Return what a manifest has of it: not image by image, and nothing said twice."""
        left_out = NOT_IN_MANIFESTS
        return {key: value for key, value in self.as_dict().items() if key not in left_out}


def compare(
    reference: NDArray[np.float32],
    candidate: NDArray[np.float32],
    labels: NDArray[Any] | None,
    *,
    quantization: str = "int8",
    names: Sequence[str] = (),
) -> Parity:
    """Compare probabilities [N,K] of a model with those of the reference.

    Args:
        reference: of the reference, float32 [N,K].
        candidate: of the model, for the same images in the same order.
        labels: true class index of each, [N]; None where nobody said.
        quantization: of the model: how exact its probabilities can be. The coarsest unless told.
        names: what the classes are called, by index.

    Raises:
        InputError: shapes that differ, no image, labels of classes that the model does not have,
            or probabilities that are not finite.
    """
    _check(reference, candidate, labels)
    expected, found = reference.argmax(1), candidate.argmax(1)
    difference = np.abs(candidate - reference)
    parity = Parity(
        samples=len(reference),
        agreement=float((expected == found).mean()),
        max_abs_diff=float(difference.max()),
        mean_abs_diff=float(difference.mean()),
        flips=flips_of(expected, found, labels),
        invariants=_broken(candidate, reference, labels, quantization, names),
    )
    if labels is None:
        return parity
    before, after = expected == labels, found == labels
    to_wrong, to_right = int((before & ~after).sum()), int((~before & after).sum())
    drop = points(to_wrong, to_right, parity.samples)
    classes = losses(before, after, labels, reference.shape[1])
    reference_per_class = accuracies(before, labels, reference.shape[1])
    return replace(
        parity,
        **_accuracy(candidate, after, labels),
        reference_accuracy=float(before.mean()),
        reference_per_class=reference_per_class,
        flips_to_wrong=to_wrong,
        flips_to_right=to_right,
        mcnemar_p=mcnemar_exact(to_wrong, to_right),
        drop=drop.value,
        drop_ci95=(drop.low, drop.high),
        classes=classes,
        class_change=changes(classes, reference.shape[1]),
        worst_class=worst(classes, names),
        reference_calibration_error=calibration_error(reference, before),
    )


def alone(
    candidate: NDArray[np.float32],
    labels: NDArray[Any] | None,
    reference_accuracy: float | None,
    *,
    quantization: str = "int8",
    names: Sequence[str] = (),
) -> Parity:
    """Return how a model does without the reference's answers.

    Args:
        candidate: probabilities of the model, float32 [N,K].
        labels: true class index of each image, [N]; None where nobody said.
        reference_accuracy: of the reference on these images where it is known, 0..1.
        quantization: of the model.
        names: what the classes are called, by index.

    Raises:
        InputError: as `compare`.
    """
    _check(candidate, candidate, labels)
    samples = len(candidate)
    parity = Parity(
        samples=samples,
        reference_accuracy=reference_accuracy,
        invariants=_broken(candidate, None, labels, quantization, names),
    )
    if labels is None:
        return parity
    right = candidate.argmax(1) == labels
    parity = replace(parity, **_accuracy(candidate, right, labels))
    if reference_accuracy is None:
        return parity
    lost = round(reference_accuracy * samples) - int(right.sum())
    to_right = max(0, samples - round(reference_accuracy * samples))
    low, high = paired_drop(min(samples, lost + to_right), to_right, samples)
    return replace(parity, drop=100 * lost / samples, drop_ci95=(100 * low, 100 * high))


def _check(
    reference: NDArray[np.float32], candidate: NDArray[np.float32], labels: NDArray[Any] | None
) -> None:
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


def _broken(
    candidate: NDArray[np.float32],
    reference: NDArray[np.float32] | None,
    labels: NDArray[Any] | None,
    quantization: str,
    names: Sequence[str],
) -> tuple[str, ...]:
    asked = findings(candidate, reference, USUAL.get(quantization), quantization, labels, names)
    return tuple(f"{each.name}: {each.detail}" for each in asked if not each)


def _accuracy(
    candidate: NDArray[np.float32], right: NDArray[np.bool_], labels: NDArray[Any]
) -> dict[str, Any]:
    """Return what labels say of a model by itself."""
    return {
        "accuracy": float(right.mean()),
        "accuracy_ci95": wilson(int(right.sum()), len(right)),
        "per_class": accuracies(right, labels, candidate.shape[1]),
        "calibration_error": calibration_error(candidate, right),
    }


def _listed(value: Any) -> Any:
    """Return a value with lists for tuples, as JSON has them."""
    if isinstance(value, dict):
        return {key: _listed(each) for key, each in value.items()}
    return [_listed(each) for each in value] if isinstance(value, tuple) else value

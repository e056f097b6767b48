"""What probabilities say of images that are worse, and of images that are no digit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.bench.calibration import calibration_error
from mnist_edge.bench.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Of confidence, 0..1, below which an answer is refused. Fixed, and not chosen by any image.
THRESHOLDS = (0.5, 0.9, 0.99)


def on_images(probabilities: NDArray[np.float32], truth: NDArray[Any]) -> dict[str, Any]:
    """Return accuracy, its Wilson 95 % interval and the calibration error, all 0..1.

    Args:
        probabilities: float32 [N,K].
        truth: class index of each image, [N].
    """
    right = probabilities.argmax(1) == truth
    return {
        "accuracy": float(right.mean()),
        "accuracy_ci95": list(wilson(int(right.sum()), len(right))),
        "calibration_error": calibration_error(probabilities, right),
    }


def over_all(clean: dict[str, Any], kinds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what a record has of a model under all corruptions.

    Args:
        clean: `on_images` of the images as they are.
        kinds: of each corruption `name`, `unit` and `levels`: `on_images` with the `amount`.
    """
    kinds = [{**kind, "mean_accuracy": _mean(kind["levels"], "accuracy")} for kind in kinds]
    levels = [
        {"name": kind["name"], "unit": kind["unit"], **level}
        for kind in kinds
        for level in kind["levels"]
    ]
    worst = min(levels, key=lambda level: float(level["accuracy"]))
    return {
        "clean": clean,
        "corruptions": kinds,
        "mean_accuracy": _mean(levels, "accuracy"),
        "mean_calibration_error": _mean(levels, "calibration_error"),
        "worst": {key: worst[key] for key in ("name", "unit", "amount", "accuracy")},
    }


def below(probabilities: NDArray[np.float32]) -> list[float]:
    """Return the share of images, 0..1, whose confidence is below each of THRESHOLDS.

    Args:
        probabilities: float32 [N,K].
    """
    sure = probabilities.max(1)
    return [float((sure < np.float32(threshold)).mean()) for threshold in THRESHOLDS]


def auroc(digits: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    """Return how well confidence tells digits from others, 0..1: 0.5 is not at all.

    It is the probability that a digit has more confidence than another image, where equal ones
    count half (Mann and Whitney 1947; the area under the ROC curve, Hanley and McNeil 1982).

    Args:
        digits: probabilities of digits, float32 [N,K].
        others: probabilities of images that are none, float32 [M,K].
    """
    sure, strange = digits.max(1), np.sort(others.max(1))
    less = np.searchsorted(strange, sure, "left")
    not_more = np.searchsorted(strange, sure, "right")
    return float((less + not_more).mean() / (2 * len(strange)))


def _mean(levels: Sequence[dict[str, Any]], key: str) -> float:
    return float(np.mean([level[key] for level in levels]))

import numpy as np
import pytest

from mnist_edge.bench.intervals import wilson
from mnist_edge.bench.stress.measures import THRESHOLDS, auroc, below, on_images, over_all


def sure(confidences):
    """Probabilities of three classes with these confidences in the first."""
    found = np.empty((len(confidences), 3), np.float32)
    found[:, 0] = confidences
    found[:, 1:] = ((1 - found[:, 0]) / 2)[:, None]
    return found


def test_accuracy_interval_and_calibration_are_of_the_images():
    found = on_images(sure([0.8] * 10), np.array([0] * 7 + [1] * 3))
    assert found["accuracy"] == 0.7
    assert found["accuracy_ci95"] == list(wilson(7, 10))
    assert found["calibration_error"] == pytest.approx(0.1, abs=1e-6)


def test_mean_and_worst_are_over_all_severities():
    def level(amount, accuracy):
        return {"amount": amount, "accuracy": accuracy, "calibration_error": 1 - accuracy}

    kinds = [
        {"name": "noise", "unit": "levels", "levels": [level(1, 0.9), level(2, 0.6)]},
        {"name": "blur", "unit": "px", "levels": [level(3, 0.8), level(4, 0.5)]},
    ]
    found = over_all({"accuracy": 1.0}, kinds)
    assert [kind["mean_accuracy"] for kind in found["corruptions"]] == [0.75, 0.65]
    assert found["mean_accuracy"] == pytest.approx(0.7)
    assert found["mean_calibration_error"] == pytest.approx(0.3)
    assert found["worst"] == {"name": "blur", "unit": "px", "amount": 4, "accuracy": 0.5}
    assert found["clean"] == {"accuracy": 1.0}


def test_confidence_at_a_threshold_is_not_below_it():
    assert THRESHOLDS == (0.5, 0.9, 0.99)
    assert below(sure([0.5, 0.9, 0.99, 1.0])) == [0, 0.25, 0.5]
    assert below(sure([0.4, 0.49, 0.6, 0.95])) == [0.5, 0.75, 1]


def test_the_area_under_the_curve_is_the_share_of_pairs():
    random = np.random.default_rng(0)
    digits, others = (0.4 + 0.6 * random.random(60).round(1) for _ in range(2))  # with ties
    pairs = [
        1.0 if one > other else 0.5 * (one == other)
        for one in digits.astype(np.float32)
        for other in others.astype(np.float32)
    ]
    assert auroc(sure(digits), sure(others)) == pytest.approx(np.mean(pairs))
    assert auroc(sure([0.9, 0.8]), sure([0.5, 0.6])) == 1
    assert auroc(sure([0.5, 0.6]), sure([0.9, 0.8])) == 0
    assert auroc(sure([0.7]), sure([0.7])) == 0.5

import statistics

import numpy as np
import pytest

from mnist_edge.data import Split
from tools import seeds


def test_the_seed_to_ship_is_chosen_by_validation_alone(row):
    rows = [row(0, 0.99, test=0.999), row(1, 0.995, 0.2), row(2, 0.995, 0.1, test=0.5)]
    found = seeds.summary(rows)
    assert found["shipped"] == 2
    assert found["seeds"] == rows
    assert found["test_int8"]["mean"] == pytest.approx(statistics.mean((0.998, 0.989, 0.499)))
    assert found["test_int8"]["deviation"] == pytest.approx(statistics.stdev((0.998, 0.989, 0.499)))
    assert seeds.summary(rows[:1])["test_float"]["deviation"] is None


def test_several_models_answer_as_one(monkeypatch):
    answers = {
        "a": [[0.9, 0.1], [0.4, 0.6], [0.9, 0.1]],
        "b": [[0.8, 0.2], [0.7, 0.3], [0.6, 0.4]],
    }

    class Fixed:
        def __init__(self, file):
            self.probabilities = lambda _images: np.array(answers[file])

        def __enter__(self):
            return self

        def __exit__(self, *_error):
            pass

    monkeypatch.setattr(seeds.Classifier, "open", Fixed)
    held = Split(np.zeros((3, 28, 28), np.uint8), np.array([0, 0, 1]))
    assert seeds.together(["a", "b"], held) == {"mean": 1, "all": 1, "any": 2}

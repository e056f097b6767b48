import numpy as np
import pytest

from mnist_edge.export.audit.invariants import findings
from mnist_edge.quantize import QuantParams

STEP = QuantParams(1 / 256, -128, "int8")
SURE = np.eye(4, dtype=np.float32)[np.arange(8) % 4]


def broken(found, quant=STEP, wanted=SURE):
    return [each.name for each in findings(np.float32(found), wanted, quant) if not each]


def test_sound_probabilities_pass():
    assert broken(SURE * 255 / 256) == []
    assert broken(SURE, None) == []


def test_nan_and_infinity_are_found():
    for bad in (np.nan, np.inf):
        found = SURE.copy()
        found[3, 1] = bad
        (only,) = findings(found, SURE, None)
        assert (only.name, only.value) == ("finite", 1)
        assert not only


@pytest.mark.parametrize(("excess", "fails"), [(2.9, False), (3.1, True)])
def test_sums_may_be_half_a_step_a_class_and_a_step_off(excess, fails):
    found = SURE + np.float32(excess / 256 / 4)
    assert ("sums to 1" in broken(found)) is fails


def test_float_probabilities_must_sum_to_1_almost_exactly():
    assert broken(SURE * np.float32(0.98), None) == ["sums to 1"]


def test_the_same_answer_to_all_images_is_found():
    always = np.float32([[0.7, 0.1, 0.1, 0.1]] * 8)
    assert broken(always) == ["not constant"]
    assert broken(always, wanted=always) == ["not constant"]  # not even a step


def test_one_class_for_all_images_is_found_where_the_float_model_has_more():
    random = np.random.default_rng(0).uniform(0, 0.1, (8, 3)).astype(np.float32)
    first = np.column_stack([1 - random.sum(1), random])
    assert broken(first) == ["not constant"]
    assert broken(first, wanted=first) == []


def test_two_classes_at_the_top_of_the_scale_are_found():
    found = SURE * np.float32(255 / 256)
    found[2, 0] = found[2, 2]
    assert broken(found) == ["sums to 1", "not saturated"]
    narrow = QuantParams(0.5 / 255, -128, "int8")  # its top is 0.5
    clipped = np.minimum(SURE, 0.5)
    clipped[2, 0] = 0.5
    assert "not saturated" in broken(clipped, narrow)

import numpy as np
import pytest

from mnist_edge.invariants import LEAST, USUAL, findings, sum_tolerance
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


@pytest.mark.parametrize("excess", [0.2, -0.2])
def test_one_image_of_many_whose_probabilities_sum_to_another_number_is_found(excess):
    found = np.tile(np.float32([[0.7, 0.1, 0.1, 0.1], [0.1, 0.7, 0.1, 0.1]]), (500, 1))
    assert broken(found, None, found) == []
    found[617, 1] += excess / 2
    found[617, 3] = max(0, found[617, 3] + excess / 2)
    (wrong,) = (each for each in findings(found, found) if not each)
    assert wrong.name == "sums to 1"
    assert wrong.value == pytest.approx(0.2, abs=1e-6)
    assert broken(found, STEP, found) == ["sums to 1"]


def test_one_image_of_many_that_is_beyond_1_is_found():
    found = np.tile(SURE, (125, 1))
    found[617] = [-0.1, 1.1, 0, 0]
    assert broken(found, None, found) == ["within 0..1"]
    found[617] = [1.1, -0.05, -0.05, 0]
    (wrong,) = (each for each in findings(found, found) if not each)
    assert (wrong.name, wrong.value) == ("within 0..1", pytest.approx(0.1, abs=1e-6))
    found[617] = [0.5, 0.6, -0.1, 0]
    assert broken(found, None, found) == ["within 0..1"]


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


def test_probabilities_beyond_0_and_1_are_found():
    found = SURE.copy()
    found[1] = [-0.3, 1.3, 0, 0]
    assert broken(found, None) == ["within 0..1"]


@pytest.mark.parametrize(("missing", "fails"), [(LEAST - 1, False), (LEAST, True)])
def test_a_class_that_is_never_named_is_found_and_called_by_its_name(missing, fails):
    wanted = np.eye(3, dtype=np.float32)[np.repeat([0, 1, 2], [20, 20, missing])]
    found = wanted.copy()
    found[wanted.argmax(1) == 2] = [1, 0, 0]
    every = findings(found, wanted, names=("ape", "bee", "cat"))[-1]
    assert bool(every) is not fails
    said = f"never names 'cat', of which the float model has right {missing} images"
    assert (every.detail == said) is fails


def test_a_class_that_the_reference_never_has_right_may_be_missing():
    truth = np.repeat([0, 1, 2], 20)
    wanted = np.eye(3, dtype=np.float32)[np.minimum(truth, 1)]
    assert all(findings(wanted, wanted, truth=truth))
    (alone,) = (each for each in findings(wanted, truth=truth) if not each)
    assert alone.detail == "never names '2', of which there are 20 images"
    assert all(findings(wanted[:59], truth=truth[:59]))


def test_a_class_that_the_reference_names_wrongly_may_be_missing():
    truth = np.repeat([0, 1], 20)
    found, wanted = (np.eye(3, dtype=np.float32)[truth] for _each in range(2))
    wanted[:8] = [0, 0, 1]
    assert all(findings(found, wanted, truth=truth))
    assert not all(findings(found, wanted))  # nobody says that it is wrong


def test_images_that_are_all_surely_of_one_class_may_have_one_answer():
    sure = np.tile(np.float32([0.9999, 0.0001]), (30, 1))
    found = np.tile(np.float32([255 / 256, 0]), (30, 1))
    assert all(findings(found, sure, USUAL["int8"], "int8"))
    assert all(findings(found, None, USUAL["int8"], "int8", np.zeros(30, int)))
    assert all(findings(found, None, USUAL["int8"], "int8"))
    assert not all(findings(found, None, USUAL["int8"], "int8", np.arange(30) % 2))
    dull = np.tile(np.float32([0.6, 0.4]), (30, 1))
    assert [each.name for each in findings(dull) if not each] == ["not constant"]


def test_few_images_that_differ_may_be_one_class_by_chance():
    wanted = np.eye(2, dtype=np.float32)[[0, 0, 0, 0, 0, 1]]
    found = np.float32([[0.9, 0.1], [0.8, 0.2], [0.9, 0.1], [0.7, 0.3], [0.9, 0.1], [0.6, 0.4]])
    assert all(findings(found, wanted))


def test_sums_of_16_bit_probabilities_may_be_as_far_off_as_those_of_floats():
    assert sum_tolerance(10, USUAL["int16x8"]) == sum_tolerance(10, None) == 1e-3
    assert sum_tolerance(10, None, "float16") == 1e-2
    assert sum_tolerance(10, USUAL["int8"]) == 6 / 256

import json

import numpy as np
import pytest

from mnist_edge.bench.intervals import paired_drop
from mnist_edge.bench.parity import alone, compare
from mnist_edge.errors import InputError

RANDOM = np.random.default_rng(0)


def probabilities(count=500, classes=5):
    found = RANDOM.random((count, classes)).astype(np.float32)
    return found / found.sum(1, keepdims=True)


def test_every_number_is_what_counting_one_by_one_gives():
    reference, candidate = probabilities(), probabilities()
    labels = RANDOM.integers(0, 5, 500)
    parity = compare(reference, candidate, labels)
    agree = to_wrong = to_right = right = 0
    hits = {index: [] for index in range(5)}
    for before, after, label in zip(reference, candidate, labels, strict=True):
        first, second = int(np.argmax(before)), int(np.argmax(after))
        agree += first == second
        to_wrong += first == label != second
        to_right += first != label == second
        right += second == label
        hits[int(label)].append(second == label)
    assert parity.samples == 500
    assert parity.agreement == agree / 500
    assert (parity.flips_to_wrong, parity.flips_to_right) == (to_wrong, to_right)
    assert parity.accuracy == right / 500
    assert parity.reference_accuracy == (right + to_wrong - to_right) / 500
    assert parity.drop == pytest.approx(100 * (parity.reference_accuracy - parity.accuracy))
    assert list(parity.per_class) == [sum(each) / len(each) for each in hits.values()]
    assert parity.max_abs_diff == np.abs(reference - candidate).max()
    assert parity.mean_abs_diff == pytest.approx(np.abs(reference - candidate).mean())


def test_a_model_agrees_with_itself():
    reference = probabilities()
    parity = compare(reference, reference, reference.argmax(1))
    assert (parity.accuracy, parity.agreement, parity.max_abs_diff) == (1, 1, 0)
    assert parity.mcnemar_p == 1
    assert parity.drop == 0


def test_a_class_without_images_has_no_accuracy():
    parity = compare(probabilities(10, 3), probabilities(10, 3), np.zeros(10, int))
    assert parity.per_class[1:] == (None, None)


@pytest.mark.parametrize(
    ("reference", "candidate", "labels"),
    [
        (probabilities(4), probabilities(3), np.zeros(4, int)),
        (probabilities(4), probabilities(4), np.zeros(3, int)),
        (probabilities(0), probabilities(0), np.zeros(0, int)),
        (probabilities(2), np.full((2, 5), np.nan, np.float32), np.zeros(2, int)),
        (probabilities(4), probabilities(4), np.array([0, 1, 2, probabilities(4).shape[1]])),
        (probabilities(4), probabilities(3), None),
        (probabilities(0), probabilities(0), None),
    ],
)
def test_what_cannot_be_compared_is_refused(reference, candidate, labels):
    with pytest.raises(InputError):
        compare(reference, candidate, labels)


def test_every_flip_is_told_of_with_what_was_seen_and_said():
    truth = np.array([0, 1, 2, 0, 1, 2])
    before = np.eye(3, dtype=np.float32)[[0, 0, 1, 0, 1, 2]]
    after = np.eye(3, dtype=np.float32)[[1, 1, 0, 0, 1, 2]]
    parity = compare(before, after, truth, names=("ape", "bee", "cat"))
    assert parity.flips.to_wrong == ((0, 0, 0, 1),)
    assert parity.flips.to_right == ((1, 1, 0, 1),)
    assert parity.flips.other == ((2, 2, 1, 0),)
    assert parity.drop == 0
    assert parity.drop_ci95 == tuple(100 * end for end in paired_drop(1, 1, 6))
    assert parity.reference_per_class == (1, 0.5, 0.5)
    assert parity.class_change == (-50, 50, 0)
    assert (parity.worst_class.label, parity.worst_class.change) == ("ape", -50)
    json.dumps(parity.as_dict())


def test_the_class_that_suffers_most_is_the_one_whose_loss_is_surest():
    truth = np.repeat([0, 1, 2, 3], [2, 1000, 1000, 500])
    before = np.eye(5, dtype=np.float32)[truth]
    after = before.copy()
    after[0], after[2:302], after[1500:1510] = before[1], np.eye(5)[4], np.eye(5)[4]
    parity = compare(before, after, truth)
    assert (parity.worst_class.index, parity.worst_class.label) == (1, "1")
    assert parity.worst_class.change == -30
    assert parity.class_change == (0, -30, -1, 0, None)
    after[0] = np.eye(5)[4]
    assert compare(before, after, truth).worst_class.index == 1  # half of class 0 may be chance
    assert compare(before, before, truth).worst_class is None


def test_calibration_error_is_the_gap_between_sureness_and_accuracy():
    truth = np.repeat([0, 1], 50)
    sure = np.tile(np.float32([0.9, 0.1]), (100, 1))  # is right on half
    exact = np.eye(2, dtype=np.float32)[truth]
    parity = compare(exact, sure, truth)
    assert parity.calibration_error == pytest.approx(0.4, abs=1e-6)
    assert parity.reference_calibration_error == 0


def test_a_bin_of_sureness_holds_its_upper_end():
    sure = np.float32([[1, 0], [0.95, 0.05]] * 50)
    parity = alone(sure, np.array([1, 0] * 50), None)  # wrong where it is sure
    assert parity.calibration_error == pytest.approx(0.975 - 0.5, abs=1e-6)


def test_calibration_error_is_what_its_definition_gives():
    found, truth = probabilities(2000), RANDOM.integers(0, 5, 2000)
    sure, right = found.max(1), found.argmax(1) == truth
    expected = 0.0
    for low in range(15):
        within = (sure > low / 15) & (sure <= (low + 1) / 15)
        if within.any():
            expected += within.mean() * abs(right[within].mean() - sure[within].mean())
    assert alone(found, truth, None).calibration_error == pytest.approx(expected, abs=1e-6)


def test_output_that_is_no_classifiers_is_told_in_a_line_each():
    truth = np.arange(100) % 4
    before = np.eye(4, dtype=np.float32)[truth]
    after = before.copy()
    after[truth == 2] = [1.5, 0, 0, 0]
    lines = compare(before, after, truth, names=("a", "b", "c", "d")).invariants
    broken = [line.split(":")[0] for line in lines]
    assert broken == ["sums to 1", "within 0..1", "names every class"]
    assert lines[-1].endswith("never names 'c', of which the float model has right 25 images")
    assert compare(before, before, truth).invariants == ()


def test_how_exact_sums_are_depends_on_the_quantization():
    truth = np.arange(100) % 4
    before = np.eye(4, dtype=np.float32)[truth]
    after = before * np.float32(255 / 256)
    assert compare(before, after, truth, quantization="int8").invariants == ()
    assert compare(before, after, truth, quantization="float16").invariants == ()
    (line,) = compare(before, after, truth, quantization="float32").invariants
    assert line.startswith("sums to 1")


def test_without_the_references_answers_every_mistake_is_taken_for_a_flip():
    truth = np.zeros(100, int)
    found = np.eye(2, dtype=np.float32)[np.repeat([0, 1], [90, 10])]
    parity = alone(found, truth, 0.95)
    assert parity.drop == pytest.approx(5)
    assert parity.drop_ci95 == tuple(100 * end for end in paired_drop(10, 5, 100))
    assert parity.flips is parity.class_change is parity.reference_per_class is None
    assert alone(found, truth, None).drop is None
    assert alone(found, None, 0.95).drop is None
    json.dumps(parity.as_dict())


def test_a_manifest_has_no_more_of_it_than_it_needs():
    reference = probabilities(100, 5)
    parity = compare(reference, probabilities(100, 5), RANDOM.integers(0, 5, 100))
    summary = parity.summary()
    assert not {"flips", "class_change", "invariants", "reference_per_class"} & set(summary)
    assert {key: parity.as_dict()[key] for key in summary} == summary


@pytest.mark.parametrize(("count", "classes"), [(10_000, 10), (2_000, 1_000)])
def test_many_images_and_many_classes_are_compared(count, classes):
    reference, candidate = probabilities(count, classes), probabilities(count, classes)
    parity = compare(reference, candidate, RANDOM.integers(0, classes, count))
    assert len(parity.per_class) == classes
    flips = parity.flips
    flipped = len(flips.to_wrong) + len(flips.to_right) + len(flips.other)
    assert flipped == round((1 - parity.agreement) * count)


def test_without_labels_agreement_and_differences_are_all_that_is_known():
    reference = np.float32([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.4, 0.6]])
    candidate = np.float32([[0.8, 0.2], [0.2, 0.8], [0.4, 0.6], [0.4, 0.6]])
    parity = compare(reference, candidate, None)
    assert parity.agreement == 0.75
    assert parity.samples == 4
    assert parity.max_abs_diff == pytest.approx(0.2)
    unknown = ("accuracy", "accuracy_ci95", "reference_accuracy", "mcnemar_p", "per_class")
    assert all(parity.as_dict()[name] is None for name in (*unknown, "flips_to_wrong"))
    assert parity.lost is parity.drop is parity.worst_class is parity.calibration_error is None
    assert parity.flips.other == ((2, None, 0, 1),)
    assert parity.as_dict()["flips"] == {"to_wrong": [], "to_right": [], "other": [[2, None, 0, 1]]}

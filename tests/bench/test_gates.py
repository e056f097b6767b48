import json

import numpy as np
import pytest
from scipy import stats

from mnist_edge.bench.gates import BROKEN, GATES, Gate, gate_for
from mnist_edge.bench.parity import alone, compare

INT8, FLOAT16 = GATES["int8"], GATES["float16"]


def flipped(count, to_wrong=0, to_right=0):
    """Parity of a model that flips so many decisions of a reference."""
    labels = np.zeros(count, int)
    reference = np.tile(np.float32([1, 0]), (count, 1))
    candidate = reference.copy()
    candidate[:to_wrong] = [0, 1]
    reference[to_wrong : to_wrong + to_right] = [0, 1]
    return compare(reference, candidate, labels)


def losing(counts, lost):
    """Parity of a model that loses so many images of each class of so many images each."""
    truth = np.repeat(np.arange(len(counts)), counts)
    reference = np.eye(len(counts), dtype=np.float32)[truth]
    candidate = reference.copy()
    for index, number in enumerate(lost):
        candidate[np.flatnonzero(truth == index)[:number]] = reference[-1 if index == 0 else 0]
    return compare(reference, candidate, truth, quantization="float32")


@pytest.mark.parametrize(
    ("gate", "parity", "holds"),
    [
        (GATES["float32"], flipped(10_000), True),
        (GATES["float32"], flipped(10_000, to_wrong=1), False),
        (GATES["float32"], flipped(10_000, to_right=1), False),
        (FLOAT16, flipped(10_000, to_wrong=5, to_right=5), True),
        (FLOAT16, flipped(10_000, to_wrong=6), False),
        (FLOAT16, flipped(10_000, to_wrong=5, to_right=6), False),
        (FLOAT16, flipped(100, to_wrong=1), True),
        (FLOAT16, flipped(100, to_wrong=2), False),
        (gate_for("int8", 0.1, 99.8), flipped(10_000, to_wrong=10, to_right=10), True),
        (gate_for("int8", 0.1, 99.8), flipped(10_000, to_wrong=11), False),
        (gate_for("int8", 0.1, 99.8), flipped(10_000, to_wrong=10, to_right=11), False),
        (gate_for("int8", 0.1, 99.8), flipped(100, to_wrong=1), True),
        (gate_for("int8", 0.1, 99.8), flipped(100, to_wrong=2), False),
        (Gate(max_drop=0.1, min_agreement=100), flipped(100, to_wrong=1), False),
        (BROKEN["int8"], flipped(200, to_wrong=4, to_right=6), True),
        (BROKEN["int8"], flipped(200, to_wrong=5), False),
    ],
)
def test_a_limit_that_is_judged_by_the_count_holds_at_itself_and_not_beyond(gate, parity, holds):
    assert bool(gate.judge(parity)) == holds


@pytest.mark.parametrize(
    ("parity", "failing"),
    [
        (flipped(10_000, to_wrong=18), []),
        (flipped(10_000, to_wrong=19), ["accuracy"]),
        (flipped(10_000, to_wrong=15, to_right=14), []),
        (flipped(10_000, to_wrong=15, to_right=15), ["agreement"]),
        (flipped(200, to_wrong=1, to_right=1), []),
        (flipped(200, to_wrong=3), ["agreement"]),
        (flipped(200, to_wrong=6), ["agreement", "accuracy"]),
        (flipped(20, to_wrong=1), []),
    ],
)
def test_a_limit_that_nobody_asked_for_must_be_broken_surely(parity, failing):
    found = [line.split()[0] for line in INT8.judge(parity).failures if line[:5] != "class"]
    assert found == failing


@pytest.mark.parametrize("count", [50, 200, 1000, 10_000])
def test_a_model_at_its_limit_fails_by_chance_in_one_of_forty_at_most(count):
    flips = next(k for k in range(1, count + 1) if INT8.disagrees(1 - k / count, count))
    assert stats.binom.sf(flips - 1, count, 0.002) <= 0.025
    lost = next(k for k in range(1, count) if not INT8.judge(without_agreement(count, k)))
    assert stats.binom.sf(lost - 1, count, 0.001) <= 0.025


def without_agreement(count, wrong):
    found = np.eye(2, dtype=np.float32)[(np.arange(count) < wrong).astype(int)]
    return alone(found, np.zeros(count, int), 1.0)


def test_a_class_that_is_lost_is_named_though_the_mean_hides_it():
    parity = losing([5000, 5000, 60], [0, 0, 12])
    judgement = INT8.judge(parity, ("ape", "bee", "cat"))
    assert parity.drop < 0.12
    assert judgement.failures == (
        "class 'cat' down 20.00 points (12 of 60 images), wanted 1 at most",
    )
    assert INT8.judge(parity).failures[0].startswith("class '2' down")


def test_one_image_of_a_small_class_is_no_lost_class():
    parity = losing([5000, 5000, 4], [0, 0, 1])
    assert INT8.judge(parity)
    assert FLOAT16.judge(parity)
    assert gate_for("int8", max_class_drop=0.0).judge(parity)  # a flip is always allowed
    assert not gate_for("int8", max_class_drop=0.0).judge(losing([5000, 5000, 4], [0, 0, 2]))
    (exact,) = (line for line in GATES["float32"].judge(parity).failures if "class" in line)
    assert "'2' down 25.00 points (1 of 4 images)" in exact


def test_of_many_lost_classes_the_worst_are_named_and_the_others_counted():
    lines = INT8.judge(losing([100] * 6, [50, 60, 70, 80, 90, 0])).failures
    lines = [line for line in lines if "class" in line]
    assert [line.split("'")[1] for line in lines[:3]] == ["4", "3", "2"]
    assert lines[3] == "2 more classes down by more than 1 points"


def test_many_classes_are_not_failed_by_the_unluckiest_of_them():
    random = np.random.default_rng(0)
    lost = random.binomial(50, 0.01, 200)  # of each class just what it may lose
    assert lost.max() >= 3
    parity = losing([50] * 200, lost)
    lines = INT8.judge(parity).failures
    assert not [line for line in lines if line.startswith("class")]
    assert "; class '26' suffers most, by 6.00 points" in lines[-1]


def test_a_class_of_many_needs_more_evidence_than_one_alone():
    assert any(line.startswith("class") for line in INT8.judge(losing([50, 50], [7, 0])).failures)
    many = INT8.judge(losing([50] * 10, [7] + [0] * 9)).failures
    assert not any(line.startswith("class") for line in many)


def test_a_users_limits_stand_instead_of_the_quantizations_own():
    assert gate_for("int8") == INT8
    assert gate_for("float32") == GATES["float32"]
    asked = gate_for("int8", 2.0, 90.0, 3.0)
    assert (asked.max_drop, asked.min_agreement, asked.max_class_drop) == (2.0, 90.0, 3.0)
    assert not any(map(asked.weighs, ("max_drop", "min_agreement", "max_class_drop")))
    one = gate_for("int8", min_agreement=90.0)
    assert one.weighs("max_drop")
    assert not one.weighs("min_agreement")
    judgement = Gate(0.1, 99.9).judge(flipped(1000, to_wrong=7))
    assert judgement.failures == (
        "agreement 99.30 %, wanted 99.9 %",
        "accuracy down 0.70 points, wanted 0.1 at most; class '0' suffers most, by 0.70 points",
    )


@pytest.mark.parametrize(
    ("max_drop", "limit"), [(None, 1.0), (0.05, 1.0), (0.5, 5.0), (2.0, 20.0), (50.0, 100.0)]
)
def test_who_allows_more_in_all_allows_more_in_a_class(max_drop, limit):
    assert gate_for("int8", max_drop).max_class_drop == pytest.approx(limit)
    assert gate_for("int8", max_drop, max_class_drop=0.5).max_class_drop == 0.5


def test_a_gate_that_was_asked_for_and_cannot_be_judged_fails():
    answers = np.float32([[0.9, 0.1], [0.2, 0.8]])
    parity = alone(answers, np.array([0, 1]), None)
    assert gate_for("int8").judge(parity)
    asked = gate_for("int8", 0.1, 99.8, 1.0).judge(parity).failures
    assert [line.split()[0] for line in asked] == ["min_agreement", "max_drop", "max_class_drop"]
    assert all("cannot be judged: there is no float model" in line for line in asked)


def test_without_labels_agreement_is_judged_and_a_drop_that_was_asked_for_fails():
    reference = np.float32([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.4, 0.6]])
    candidate = np.float32([[0.8, 0.2], [0.2, 0.8], [0.4, 0.6], [0.4, 0.6]])
    parity = compare(reference, candidate, None)
    assert Gate(0.0, 99.0).judge(parity)  # one flip is always allowed
    assert Gate(0.0, 99.0).judge(compare(reference, 1 - candidate, None)).failures == (
        "agreement 25.00 %, wanted 99 %",
    )
    asked = gate_for("int8", max_drop=0.1, min_agreement=50, max_class_drop=1).judge(parity)
    assert asked.failures == (
        "max_drop cannot be judged: there are no labels to hold it against",
        "max_class_drop cannot be judged: there are no labels to hold it against",
    )


def test_broken_output_fails_whatever_the_limits_are():
    truth = np.arange(100) % 4
    reference = np.eye(4, dtype=np.float32)[truth]
    parity = compare(reference, reference * np.float32(1.5), truth)
    (sums, beyond) = gate_for("int8", 100.0, 0.0, 100.0).judge(parity).failures
    assert sums.startswith("the output is broken: sums to 1")
    assert beyond.startswith("the output is broken: within 0..1")


@pytest.mark.parametrize(
    ("parity", "said"),
    [
        (flipped(10_000), []),
        (flipped(200), ["200 images are too few to show a drop of 0.1 points: 3.0 or more"]),
        (
            flipped(2),
            [
                "2 images are too few for max_drop to fail",
                "1 of 1 classes have too few images for max_class_drop to fail: 2 at most",
            ],
        ),
        (flipped(10_000, to_wrong=15), ["accuracy down 0.15 points, beyond 0.1, but 10000 images"]),
        (
            flipped(1000, to_wrong=2, to_right=2),
            ["agreement 99.60 %, below 99.8 %, but 1000 images", "1000 images are too few"],
        ),
        (losing([5000, 5000, 2], [0, 0, 0]), ["1 of 3 classes have too few images"]),
    ],
)
def test_what_the_images_are_too_few_to_show_is_said(parity, said):
    notes = INT8.judge(parity).notes
    assert len(notes) == len(said)
    assert all(note.startswith(words) for note, words in zip(notes, said, strict=True))
    assert gate_for("int8", 0.1, 99.8, 1.0).judge(parity).notes == ()
    assert GATES["float32"].judge(parity).notes == ()


def test_a_row_of_the_record_has_limits_failures_and_notes():
    judgement = INT8.judge(flipped(200, to_wrong=3))
    row = json.loads(json.dumps(judgement.as_dict()))
    assert row["gate"] == {"max_drop": 0.1, "min_agreement": 99.8, "max_class_drop": 1.0}
    assert row["gate_failures"] == [
        "agreement 98.50 %, wanted 99.8 %; class '0' suffers most, by 1.50 points"
    ]
    assert len(row["gate_notes"]) == 2
    assert not judgement

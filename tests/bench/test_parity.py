import numpy as np
import pytest
from scipy import stats

from mnist_edge.bench.gates import GATES, Gate, gate_for
from mnist_edge.bench.parity import compare, mcnemar_exact, paired_drop, wilson
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


@pytest.mark.parametrize(("right", "count"), [(0, 10), (10, 10), (9923, 10000), (3, 7)])
def test_the_interval_is_wilsons(right, count):
    expected = stats.binomtest(right, count).proportion_ci(method="wilson")
    assert wilson(right, count) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("one", "other"), [(0, 0), (5, 0), (3, 9), (9, 3), (40, 41), (400, 300)])
def test_mcnemar_is_the_exact_binomial_test(one, other):
    expected = stats.binomtest(one, one + other).pvalue if one + other else 1.0
    assert mcnemar_exact(one, other) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("count", "to_wrong", "to_right"),
    [(10_000, 3e-4, 2e-4), (10_000, 0, 3e-4), (200, 0.05, 0.01), (200, 0.005, 0.005)],
)
def test_the_interval_of_a_drop_holds_the_true_one_in_95_percent(count, to_wrong, to_right):
    random = np.random.default_rng(0)
    seen = random.multinomial(count, [to_wrong, to_right, 1 - to_wrong - to_right], 2000)
    intervals = [paired_drop(int(lost), int(won), count) for lost, won, _same in seen]
    held = np.mean([low <= to_wrong - to_right <= high for low, high in intervals])
    assert held > 0.94


@pytest.mark.parametrize(
    ("counts", "middle", "variance"),
    [
        ((40, 10, 98), 0.30, 0.0043),  # 41 % and 11 % of 100: (0.52 - 0.30^2) / 100
        ((3, 47, 98), -0.44, 0.003264),  # 4 % and 48 %: (0.52 - 0.44^2) / 100
    ],
)
def test_the_interval_of_a_drop_is_bonetts_and_prices(counts, middle, variance):
    half = 1.959963984540054 * variance**0.5
    assert paired_drop(*counts) == pytest.approx((middle - half, middle + half), abs=1e-12)


def test_the_interval_of_a_drop_says_something_where_no_decision_flipped():
    low, high = paired_drop(0, 0, 10_000)
    assert low == -high
    assert 100 * high == pytest.approx(100 * 1.959964 * np.sqrt(2) / 10_002, rel=1e-4)
    assert paired_drop(7, 2, 300) == tuple(-end for end in reversed(paired_drop(2, 7, 300)))
    assert paired_drop(1, 0, 1)[1] == 1


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


def flipped(count, to_wrong=0, to_right=0):
    """Parity of a model that flips so many decisions of a reference."""
    labels = np.zeros(count, int)
    reference = np.tile(np.float32([1, 0]), (count, 1))
    candidate = reference.copy()
    candidate[:to_wrong] = [0, 1]
    reference[to_wrong : to_wrong + to_right] = [0, 1]
    return compare(reference, candidate, labels)


@pytest.mark.parametrize(
    ("gate", "parity", "holds"),
    [
        (GATES["float32"], flipped(10000), True),
        (GATES["float32"], flipped(10000, to_wrong=1), False),
        (GATES["float32"], flipped(10000, to_right=1), False),
        (GATES["int8"], flipped(10000, to_wrong=10, to_right=10), True),
        (GATES["int8"], flipped(10000, to_wrong=10), True),
        (GATES["int8"], flipped(10000, to_wrong=11), False),
        (GATES["int8"], flipped(10000, to_wrong=10, to_right=11), False),
        (GATES["int8"], flipped(100, to_wrong=1), True),
        (GATES["int8"], flipped(100, to_wrong=2), False),
        (Gate(max_drop=0.1, min_agreement=100), flipped(100, to_wrong=1), False),
    ],
)
def test_a_gate_holds_at_its_limit_and_not_beyond(gate, parity, holds):
    assert (gate.failures(parity) == []) == holds


def test_a_users_limits_stand_instead_of_the_quantizations_own():
    assert gate_for("int8") == GATES["int8"]
    assert gate_for("int8", max_drop=2.0) == Gate(2.0, GATES["int8"].min_agreement, ("max_drop",))
    assert gate_for("int8", min_agreement=90.0) == Gate(
        GATES["int8"].max_drop, 90.0, ("min_agreement",)
    )
    failures = Gate(0.1, 99.9).failures(flipped(1000, to_wrong=7))
    assert failures == [
        "agreement 99.30 %, wanted 99.9 %",
        "accuracy down 0.70 points, wanted 0.1 at most",
    ]


def test_a_gate_that_was_asked_for_and_cannot_be_judged_fails():
    from mnist_edge.bench.gates import gate_for
    from mnist_edge.bench.parity import alone

    answers = np.float32([[0.9, 0.1], [0.2, 0.8]])
    parity = alone(answers, np.array([0, 1]), None)
    assert gate_for("int8").failures(parity) == []
    asked = gate_for("int8", max_drop=0.1, min_agreement=99.8).failures(parity)
    assert [line.split()[0] for line in asked] == ["min_agreement", "max_drop"]
    assert "cannot be judged" in asked[0]


def test_without_labels_agreement_and_differences_are_all_that_is_known():
    reference = np.float32([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.4, 0.6]])
    candidate = np.float32([[0.8, 0.2], [0.2, 0.8], [0.4, 0.6], [0.4, 0.6]])
    parity = compare(reference, candidate, None)
    assert parity.agreement == 0.75
    assert parity.samples == 4
    assert parity.max_abs_diff == pytest.approx(0.2)
    unknown = ("accuracy", "accuracy_ci95", "reference_accuracy", "mcnemar_p", "per_class")
    assert all(parity.as_dict()[name] is None for name in (*unknown, "flips_to_wrong"))
    assert parity.lost is parity.drop is None
    assert Gate(0.0, 99.0).failures(parity) == []  # one flip is always allowed
    assert Gate(0.0, 99.0).failures(compare(reference, 1 - candidate, None)) == [
        "agreement 25.00 %, wanted 99 %"
    ]
    (asked,) = gate_for("int8", max_drop=0.1, min_agreement=50).failures(parity)
    assert asked == "max_drop cannot be judged: there are no labels to hold it against"

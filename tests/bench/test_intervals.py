import numpy as np
import pytest
from scipy import stats

from mnist_edge.bench.intervals import (
    at_least,
    mcnemar_exact,
    paired_drop,
    points,
    wilson,
    z_of_many,
)


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


@pytest.mark.parametrize(("one", "other"), [(5000, 4000), (4000, 5000), (5000, 5000), (9000, 0)])
def test_mcnemar_is_exact_for_thousands_of_flips(one, other):
    expected = stats.binomtest(one, one + other).pvalue
    assert mcnemar_exact(one, other) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("count", "trials", "share"),
    [(1, 1, 0.002), (2, 200, 0.002), (30, 10_000, 0.002), (5000, 10_000, 0.002), (7, 9, 0.5)],
)
def test_so_many_or_more_are_as_probable_as_the_binomial_tail(count, trials, share):
    expected = stats.binom.sf(count - 1, trials, share)
    assert at_least(count, trials, share) == pytest.approx(expected, rel=1e-9, abs=1e-14)


def test_many_intervals_hold_at_once_in_95_percent():
    assert z_of_many(1) == pytest.approx(1.959963984540054)
    assert stats.norm.sf(z_of_many(1000)) == pytest.approx(0.025 / 1000)


def test_a_drop_in_points_is_above_0_where_accuracy_was_lost():
    drop = points(7, 2, 300)
    assert drop.value == pytest.approx(100 * 5 / 300)
    assert (drop.low, drop.high) == tuple(100 * end for end in paired_drop(7, 2, 300))
    wide = points(7, 2, 300, z_of_many(10))
    assert wide.low < drop.low < drop.high < wide.high

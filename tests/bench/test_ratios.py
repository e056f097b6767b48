import math
from statistics import NormalDist

import numpy as np
import pytest

from mnist_edge.bench import ratios
from mnist_edge.bench.ratios import Ratio, ratio


def launches(random, pace=1.0, count=5, rounds=4):
    between = 0.01 * random.standard_normal((count, 1))
    return pace * np.exp(between + 0.005 * random.standard_normal((count, rounds)))


def between(old, new, seed=0):
    return ratio(float(np.median(old)), float(np.median(new)), old.tolist(), new.tolist(), seed)


@pytest.mark.parametrize(("count", "least"), [(3, 0.9), (5, 0.93)])
def test_intervals_hold_the_true_ratio_as_often_as_they_say(monkeypatch, count, least):
    monkeypatch.setattr(ratios, "RESAMPLES", 1000)
    random = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        found = between(launches(random, count=count), launches(random, 1.05, count=count))
        held += found.interval[0] <= 1.05 <= found.interval[1]
    assert held / 200 >= least


def test_a_difference_is_seen_that_is_there():
    random = np.random.default_rng(1)
    old, new = launches(random), launches(random, 1.2)
    slower, faster, same = between(old, new), between(new, old), between(old, old)
    assert (slower.verdict, faster.verdict) == ("slower", "faster")
    assert same.verdict == "no difference shown"
    assert same.value == 1
    assert slower.value == pytest.approx(1.2, abs=0.03)
    low, high = slower.interval
    assert low < slower.value < high
    assert slower.exceeds(10)
    assert not slower.exceeds(19)  # though the ratio itself does


def test_what_launches_differ_by_counts_however_many_rounds_each_has():
    random = np.random.default_rng(2)
    launch = np.exp(0.05 * random.standard_normal((5, 1)))
    rounds = launch * np.exp(0.001 * random.standard_normal((5, 100)))
    low, high = between(rounds, rounds[::-1]).interval
    assert high / low > 1.05
    low, high = between(rounds.reshape(100, 5), rounds.reshape(100, 5)).interval
    assert high / low < 1.05  # the same times, if each came from a launch of its own


def test_the_same_seed_gives_the_same_interval():
    random = np.random.default_rng(3)
    old, new = launches(random), launches(random)
    assert between(old, new, 1) == between(old, new, 1)
    assert between(old, new, 1) != between(old, new, 2)


def test_launches_may_have_fewer_rounds_than_others():
    random = np.random.default_rng(4)
    old, new = ([row[: 4 - place % 3].tolist() for place, row in enumerate(launches(random, pace))]
                for pace in (1.0, 1.5))  # fmt: skip
    assert ratio(1.0, 1.5, old, new).interval == pytest.approx((1.47, 1.53), abs=0.03)


def test_few_launches_give_no_interval():
    random = np.random.default_rng(5)
    found = between(launches(random, count=2), launches(random, 1.2, count=5))
    assert found.interval is None
    assert found.verdict == "no interval"
    assert found.exceeds(10)  # the ratio itself
    assert not Ratio(1.0, 1.05, 1.05, None).exceeds(10)


def width(old, new):
    low, high = between(np.array(old), np.array(new)).interval
    return math.log(high / low)


STILL = np.ones((5, 4))
WILD = np.array([[0.97], [0.99], [1.0], [1.02], [1.03]]) * STILL


def test_what_either_record_varies_by_counts():
    assert width(STILL, STILL) == 0
    one, other = width(WILD, STILL), width(STILL, WILD)
    assert one > 0.03
    assert one == pytest.approx(other, rel=0.05)
    assert width(WILD, WILD) > 1.2 * one


def test_what_rounds_differ_by_counts_where_launches_are_alike():
    rounds = np.tile([0.97, 0.99, 1.0, 1.02, 1.03], (5, 1))
    assert width(rounds, rounds) > 0.02
    assert width(rounds, np.ones((5, 5))) > 0.01
    assert width(np.ones((5, 5)), rounds) > 0.01


@pytest.mark.parametrize(
    ("before", "after", "t"),
    [(3, 3, 2.776), (3, 10, 2.201), (10, 3, 2.201), (5, 5, 2.306), (10, 10, 2.120)],
)
def test_with_few_launches_the_interval_goes_further_out(monkeypatch, before, after, t):
    monkeypatch.setattr(ratios, "RESAMPLES", 30_000)
    normal = [math.exp(0.01 * NormalDist().inv_cdf((i + 0.5) / 41)) for i in range(41)]
    error = math.sqrt(math.pi / 2) * 0.01  # of a median, times the root of how many it is of
    error *= math.sqrt(1 / (41 * before) + 1 / (41 * after))
    fewer = min(before, after)
    expected = 2 * t * math.sqrt(fewer / (fewer - 1)) * error
    found = width(np.tile(normal, (before, 1)), np.tile(normal, (after, 1)))
    assert found == pytest.approx(expected, rel=0.07)

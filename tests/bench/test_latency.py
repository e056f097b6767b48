import itertools

import numpy as np
import pytest

from mnist_edge.bench import latency


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves by a millisecond whenever it is read."""
    ticks = itertools.count(0, 1_000_000)
    monkeypatch.setattr(latency, "perf_counter_ns", lambda: next(ticks))


def test_warm_up_is_not_counted_and_inputs_come_in_turn(clock, monkeypatch):
    monkeypatch.setattr(latency, "WARM_UP_NS", 0)
    seen = []
    times = latency.measure(seen.append, ["a", "b", "c"], seconds=0, least=7, patience=10)
    assert times == [1_000_000] * 7
    assert len(seen) == latency.WARM_UP + 7
    assert seen[latency.WARM_UP :] == ["a", "b", "c", "a", "b", "c", "a"]


def test_warm_up_goes_on_for_its_time(clock, monkeypatch):
    monkeypatch.setattr(latency, "WARM_UP_NS", 50_000_000)
    seen = []
    latency.measure(seen.append, ["a"], seconds=0, least=1, patience=0, warm=1)
    assert len(seen) == 50 + 1


def test_it_goes_on_for_the_time_asked_for(clock):
    times = latency.measure(lambda _item: None, [0], seconds=0.1, least=1, patience=10)
    assert len(times) == 50  # two readings of the clock a call


def test_it_gives_up_when_its_patience_ends(clock):
    times = latency.measure(lambda _item: None, [0], seconds=0.01, least=10**9, patience=0.2)
    assert 0 < len(times) <= 100


def test_patience_does_not_cut_the_time_that_was_asked_for(clock):
    for least in (1, 10**9):
        times = latency.measure(lambda _item: None, [0], seconds=0.1, least=least, patience=0.01)
        assert len(times) == 50


@pytest.fixture
def slow(monkeypatch):
    """A call that logs itself and takes as many ms as it is given, by the clock of `latency`."""
    now, seen = 0, []

    def call(milliseconds):
        nonlocal now
        now += int(milliseconds * 1_000_000)
        seen.append(milliseconds)

    call.seen = seen
    monkeypatch.setattr(latency, "perf_counter_ns", lambda: now)
    return call


@pytest.mark.parametrize(
    ("milliseconds", "calls"), [(5000, 1), (100, 1), (40, 3), (20, 5), (1, 10)]
)
def test_warm_up_of_slow_calls_ends_when_it_has_taken_long_enough(slow, milliseconds, calls):
    times = latency.measure(slow, [milliseconds], seconds=0, least=1, patience=0)
    assert times == [milliseconds * 1_000_000]
    assert len(slow.seen) == calls + 1


def test_warm_up_of_quick_calls_goes_on_for_3_ms(slow):
    latency.measure(slow, [0.01], seconds=0, least=1, patience=0)
    assert len(slow.seen) == 300 + 1


def test_warm_up_sees_different_inputs(slow):
    latency.warm_up(slow, [1, 2, 3], 5)
    assert slow.seen == [1, 2, 3, 1, 2]


def test_the_summary_is_numpys_percentiles_in_microseconds_unclipped():
    times = np.random.default_rng(0).integers(5_000, 50_000, 1000).tolist()
    times[500] = 10**9
    found = latency.summary([(0, times[:300]), (1, times[300:])])
    assert found["n"] == 1000
    assert found["max"] == 1_000_000
    for key, share in (("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9)):
        assert found[key] == pytest.approx(np.percentile(times, share) / 1000, abs=0.01)
    middle = np.median(times)
    assert found["mad"] == pytest.approx(np.median(np.abs(times - middle)) / 1000, abs=0.01)
    assert found["quantiles"][10] == pytest.approx(np.percentile(times, 10) / 1000, abs=0.01)
    assert len(found["quantiles"]) == 101
    assert [(launch, count) for launch, _p50, count in found["rounds"]] == [(0, 300), (1, 700)]


def test_few_calls_have_no_far_tail():
    assert latency.summary([(0, [1000] * 999)])["p99.9"] is None
    assert latency.summary([(0, [1000] * 1000)])["p99.9"] == 1


def test_a_machine_that_changes_its_pace_is_seen():
    def spread(*turns):
        return latency.summary([(launch, [time] * 100) for launch, time in turns])["p50_spread"]

    assert spread((0, 1000)) == 1
    assert spread((0, 1000), (0, 3000)) == 3  # one launch: by the turn
    assert spread((0, 1000), (0, 1000), (0, 3000), (1, 1000)) == 1  # a turn is outvoted
    assert spread((0, 1000), (1, 2000), (2, 1000)) == 2

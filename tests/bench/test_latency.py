import itertools

import numpy as np
import pytest

from mnist_edge.bench import latency


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves by a millisecond whenever it is read."""
    ticks = itertools.count(0, 1_000_000)
    monkeypatch.setattr(latency, "perf_counter_ns", lambda: next(ticks))


def test_warm_up_is_not_counted_and_inputs_come_in_turn(clock):
    seen = []
    times = latency.measure(seen.append, ["a", "b", "c"], seconds=0, least=7, patience=10)
    assert len(times) == 7
    assert times == [1_000_000] * 7
    assert len(seen) == latency.WARM_UP + 7
    assert seen[latency.WARM_UP :] == ["a", "b", "c", "a", "b", "c", "a"]


def test_it_goes_on_for_the_time_asked_for(clock):
    times = latency.measure(lambda _item: None, [0], seconds=0.1, least=1, patience=10)
    assert len(times) == 50  # two readings of the clock a call


def test_it_gives_up_when_its_patience_ends(clock):
    times = latency.measure(lambda _item: None, [0], seconds=0.01, least=10**9, patience=0.2)
    assert 0 < len(times) <= 100


def test_the_summary_is_numpys_percentiles_in_microseconds_unclipped():
    times = np.random.default_rng(0).integers(5_000, 50_000, 1000).tolist()
    times[500] = 10**9
    found = latency.summary(times)
    assert found["n"] == 1000
    assert found["max"] == 1_000_000
    for key, share in (("p50", 50), ("p90", 90), ("p99", 99)):
        assert found[key] == pytest.approx(np.percentile(times, share) / 1000, abs=0.01)


def test_a_machine_that_changes_its_pace_is_seen():
    assert latency.summary([1000] * 100)["p50_spread"] == 1
    assert latency.summary([1000] * 80 + [3000] * 20)["p50_spread"] == 3

import itertools

import numpy as np
import pytest

from mnist_edge.bench import latency, machine


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


def test_the_machine_says_what_it_is():
    found = machine.describe()
    assert found["cores"] >= 1
    assert found["architecture"]
    assert set(found) >= {"system", "processor", "memory_mb", "governor", "python"}


@pytest.mark.parametrize(
    ("lines", "busy"),
    [
        (("cpu 100 0 0 900 0 0 0 0 0 0", "cpu 100 0 0 1000 0 0 0 0 0 0"), 0.0),
        (("cpu 100 0 0 900 0 0 0 0 0 0", "cpu 150 0 0 950 0 0 0 0 0 0"), 0.5),
        (("cpu 0 0 0 0 0 0 0 0 0 0", "cpu 0 0 0 20 20 0 0 60 0 0"), 0.6),
    ],
)
def test_other_work_is_counted_in_processors(monkeypatch, tmp_path, lines, busy):
    stat = tmp_path / "stat"
    stat.write_text(lines[0] + "\n")
    monkeypatch.setattr(machine, "STAT", stat)
    monkeypatch.setattr(machine.os, "cpu_count", lambda: 1)
    monkeypatch.setattr(machine.time, "sleep", lambda _seconds: stat.write_text(lines[1] + "\n"))
    assert machine.busy_processors() == pytest.approx(busy)


def test_a_busy_or_slowed_machine_is_doubted(monkeypatch, tmp_path):
    governor = tmp_path / "governor"
    monkeypatch.setattr(machine, "GOVERNOR", governor)
    monkeypatch.setattr(machine, "busy_processors", lambda: 0.0)
    assert machine.disturbances() == []
    governor.write_text("performance\n")
    assert machine.disturbances() == []
    governor.write_text("powersave\n")
    monkeypatch.setattr(machine, "busy_processors", lambda: 1.5)
    busy, slowed = machine.disturbances()
    assert "1.5 processors busy" in busy
    assert "powersave" in slowed


def test_a_system_that_does_not_tell_is_not_doubted(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "STAT", tmp_path / "absent")
    monkeypatch.setattr(machine, "GOVERNOR", tmp_path / "absent")
    monkeypatch.setattr(machine, "LOOK_S", 0)
    assert machine.busy_processors(0) is None

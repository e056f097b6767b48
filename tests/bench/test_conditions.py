import os

import pytest

from mnist_edge.bench import conditions
from mnist_edge.bench.conditions import Watch


class Board:
    """A system whose files say what a test wants, and a clock."""

    def __init__(self, root):
        self.root, self.seconds, self.said = root, 0.0, None

    def write(self, **files):
        names = {
            "stat": "proc/stat",
            "governor": "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
            "khz": "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq",
            "heat": "sys/class/thermal/thermal_zone0/temp",
            "quota": "sys/fs/cgroup/cpu.stat",
            "vmstat": "proc/vmstat",
        }
        for name, text in files.items():
            path = self.root / names[name]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")

    def work(self, busy, stolen=0):
        """Let a second pass with so many seconds of work in all."""
        ticks = conditions.TICKS_A_SECOND
        self.total = (self.total[0] + int(busy * ticks), self.total[1] + int(stolen * ticks))
        self.seconds += 1
        self.write(stat=f"cpu {self.total[0]} 0 0 5 5 0 0 {self.total[1]} 0 0")

    total = (1000, 0)

    def watch(self):
        return Watch(self.root, lambda: self.said, lambda: self.seconds)


@pytest.fixture
def board(tmp_path, monkeypatch):
    """Nothing is used by the test itself, whatever it does."""
    monkeypatch.setattr(conditions, "process_time", lambda: 0.0)
    monkeypatch.setattr(conditions.os, "times", lambda: os.times_result((0, 0, 0, 0, 0)))
    return Board(tmp_path)


def test_work_that_is_not_the_benchmarks_own_is_counted_in_processors(board):
    board.write(stat="cpu 1000 0 0 5 5 0 0 0 0 0")
    watch = board.watch()
    board.work(busy=1.0)
    watch.span(1.0)  # all of it the workers'
    board.work(busy=1.8)
    watch.span(1.5)  # half a second more
    board.work(busy=0.0, stolen=0.4)
    watch.span(1.5)
    assert watch.seen.other_work == pytest.approx([0.0, 1.3, 0.0])
    assert watch.seen.stolen == pytest.approx([0.0, 0.0, 0.4])
    assert watch.seen.as_dict()["other_work"] == pytest.approx(1.3)


def test_a_real_busy_process_is_other_work_and_our_own_is_not():
    import subprocess
    import sys
    import time

    watch = Watch()
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        pass
    watch.span(0.0)
    code = "import time; print(flush=True); end = time.time() + 30\nwhile time.time() < end: pass"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as busy:
        busy.stdout.readline()
        watch.span(0.0)
        time.sleep(0.5)
        watch.span(0.0)
        busy.kill()
    own, *_starting, other = watch.seen.other_work  # no tick may go by while it starts
    assert other > own
    assert other > 0.3


def test_clocks_heat_and_governors_are_seen_at_every_look(board):
    board.write(governor="performance", khz=1_500_000, heat=48_000)
    watch = board.watch()
    watch.look()
    board.write(governor="ondemand", khz=600_000, heat=61_500)
    watch.span(0.0)
    found = watch.seen.as_dict()
    assert found["governors"] == ["ondemand", "performance"]
    assert found["mhz"] == [600, 1500]
    assert found["temperature_c"] == [48, 61.5]


def test_what_the_firmware_says_counts_from_the_beginning_on(board):
    board.said = "throttled=0x50000"  # under-voltage and throttled, before
    watch = board.watch()
    watch.span(0.0)
    assert watch.seen.throttled == set()
    board.said = "throttled=0x70000"  # capped between two looks
    watch.span(0.0)
    assert watch.seen.throttled == {"frequency capped"}
    board.said = "throttled=0x70008"
    watch.span(0.0)
    assert watch.seen.as_dict()["throttled"] == ["frequency capped", "soft temperature limit"]


def test_a_containers_quota_is_counted_from_the_beginning_on(board):
    board.write(quota="usage_usec 9\nnr_throttled 2\nthrottled_usec 700")
    watch = board.watch()
    board.write(quota="usage_usec 9\nnr_throttled 3\nthrottled_usec 950")
    watch.span(0.0)
    assert watch.seen.quota_us == 250


def test_a_span_that_is_too_short_goes_on(board):
    board.write(stat="cpu 1000 0 0 5 5 0 0 0 0 0")
    watch = board.watch()
    for busy in (1.0, 0.0, 1.0):
        board.work(busy=busy)
        watch.span(0.0, 2.0)
    assert watch.seen.other_work == pytest.approx([0.5])  # of two seconds; the third goes on


def test_where_no_tick_goes_by_none_is_counted(board):
    board.write(stat="cpu 1000 0 0 5 5 0 0 0 0 0")
    watch = board.watch()
    board.seconds += 5
    watch.span(0.0)
    assert watch.seen.other_work == watch.seen.stolen == []


def test_the_work_of_children_that_have_ended_is_our_own(board, monkeypatch):
    board.write(stat="cpu 1000 0 0 5 5 0 0 0 0 0")
    watch = board.watch()
    board.work(busy=2.0)
    monkeypatch.setattr(conditions.os, "times", lambda: os.times_result((0, 0, 0.5, 0.25, 0)))
    monkeypatch.setattr(conditions, "process_time", lambda: 0.25)
    watch.span(0.5)
    assert watch.seen.other_work == pytest.approx([0.5])


def test_pages_from_the_swap_are_counted_from_the_beginning_on(board):
    board.write(vmstat="pgpgin 7\npswpin 40\npswpout 9")
    watch = board.watch()
    board.write(vmstat="pgpgin 9\npswpin 52\npswpout 9")
    watch.span(0.0)
    assert watch.seen.swapped_in == 12


def test_a_system_that_tells_nothing_is_asked_in_vain(board):
    watch = board.watch()
    watch.span(0.0)
    found = watch.seen.as_dict()
    assert found == {
        "other_work": None, "stolen": None, "governors": [], "mhz": None,
        "temperature_c": None, "throttled": None, "throttled_before": [], "quota_us": None,
        "swapped_in": None, "waiting": None,
    }  # fmt: skip

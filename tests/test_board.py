"""What boards tell of themselves, from copies of what their kernels write."""

import os
from pathlib import Path

import pytest

from mnist_edge import board


@pytest.fixture
def tree(tmp_path):
    def write(files):
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode())
        return tmp_path

    return write


def test_the_model_ends_before_its_nul(tree):
    root = tree({"proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0"})
    assert board.model(root) == "Raspberry Pi 5 Model B Rev 1.0"


def test_the_hottest_zone_counts_and_broken_ones_do_not(tree):
    zone = "sys/class/thermal/thermal_zone{}/temp"
    root = tree({zone.format(place): text for place, text in enumerate(["48312\n", "61200\n"])})
    assert board.temperature_c(root) == pytest.approx(61.2)
    tree({zone.format(2): "-273150\n", zone.format(3): "0\n", zone.format(4): "none\n"})
    tree({zone.format(5): "2000000\n"})
    assert board.temperature_c(root) == pytest.approx(61.2)


def test_every_processors_governor_is_read(tree):
    place = "sys/devices/system/cpu/cpu{}/cpufreq/scaling_governor"
    found = {place.format(number): "ondemand\n" for number in range(3)}
    root = tree({**found, place.format(3): "performance\n"})
    assert board.governors(root) == ["ondemand"] * 3 + ["performance"]


def test_memory_is_read_in_megabytes(tree):
    text = "MemTotal:      948208 kB\nMemFree:  1 kB\nMemAvailable:  512000 kB\nSwapTotal: 0 kB\n"
    root = tree({"proc/meminfo": text})
    assert board.memory_mb(root) == {"MemTotal": 925, "MemAvailable": 500, "SwapTotal": 0}


def test_a_system_that_tells_nothing_gives_nothing(tmp_path):
    assert board.model(tmp_path) is None
    assert board.memory_mb(tmp_path) == {}
    assert board.governors(tmp_path) == []
    assert board.temperature_c(tmp_path) is None


@pytest.mark.parametrize(
    ("said", "now", "since_start"),
    [
        ("throttled=0x0\n", [], []),
        ("throttled=0x50005\n", ["under-voltage", "throttled"], ["under-voltage", "throttled"]),
        ("throttled=0x20002\n", ["frequency capped"], ["frequency capped"]),
        ("throttled=0x80008\n", ["soft temperature limit"], ["soft temperature limit"]),
        ("throttled=0xe0000\n", [], ["frequency capped", "throttled", "soft temperature limit"]),
    ],
)
def test_throttling_bits_are_told_in_words(said, now, since_start):
    assert board.throttled(said) == (now, since_start)


def test_what_is_no_answer_of_the_firmware_is_none():
    assert board.throttled("Can't open device file: /dev/vcio\n") is None


def test_vcgencmd_is_run_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert board.vcgencmd() is None
    program = tmp_path / "vcgencmd"
    program.write_text(f'#!{Path("/bin/sh").resolve()}\necho "throttled=0x$#0005 $1"\n')
    program.chmod(0o755)
    assert board.vcgencmd() == "throttled=0x10005 get_throttled\n"
    program.write_text("#!/nowhere/at/all\n")
    assert "No such file" in board.vcgencmd()
    assert os.access(program, os.X_OK)


def test_clocks_ticks_and_quotas_are_read(tmp_path):
    assert board.fastest_mhz(tmp_path) is board.ticks(tmp_path) is board.quota_us(tmp_path) is None
    for place, khz in enumerate((600_000, 1_800_000)):
        folder = tmp_path / f"sys/devices/system/cpu/cpu{place}/cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_cur_freq").write_text(f"{khz}\n")
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/stat").write_text("cpu  1 2 4 100 200 8 16 32 64 128\ncpu0 9 9\n")
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/cpu.stat").write_text("usage_usec 5\nthrottled_usec 42\n")
    assert board.fastest_mhz(tmp_path) == 1800
    assert board.ticks(tmp_path) == (1 + 2 + 4 + 8 + 16, 32, 100 + 200)
    assert board.quota_us(tmp_path) == 42
    (tmp_path / "proc/self").mkdir()
    (tmp_path / "proc/self/cgroup").write_text("4:cpu,cpuacct:/box\n0::/system.slice/app\n")
    slice_, box = (
        tmp_path / "sys/fs/cgroup" / each for each in ("system.slice", "cpu,cpuacct/box")
    )
    for folder in (slice_, box):
        folder.mkdir(parents=True)
    (slice_ / "cpu.stat").write_text("throttled_usec 70\n")
    assert board.quota_us(tmp_path) == 70  # of the group above
    (box / "cpu.stat").write_text("nr_throttled 1\nthrottled_time 90000\n")
    assert board.quota_us(tmp_path) == 90  # cgroup v1
    (tmp_path / "proc/vmstat").write_text("pgpgin 5\npswpin 7\n")
    assert board.swapped_in(tmp_path) == 7


@pytest.mark.parametrize("text", ["", "cpu", "intr 5", "cpu  a b"])
def test_a_strange_proc_stat_tells_nothing(tmp_path, text):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/stat").write_text(text)
    assert board.ticks(tmp_path) is None

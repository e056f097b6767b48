"""What a board tells of itself: model, memory, governors, heat, throttling.

Each reader takes the root of the file system, and answers None, or nothing, where a system does
not tell: not every one has a device tree, thermal zones or vcgencmd.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

ROOT = Path("/")
QUOTA = "sys/fs/cgroup"
PLAUSIBLE_C = (-40, 150)  # zones that measure nothing give 0 K, or some such

# The bits of `vcgencmd get_throttled`, by Raspberry Pi's documentation of vcgencmd. Each has a
# twin 16 bits higher, which says that it has been so since the board was started.
THROTTLED = {
    0x1: "under-voltage",
    0x2: "frequency capped",
    0x4: "throttled",
    0x8: "soft temperature limit",
}


def model(root: Path = ROOT) -> str | None:
    """Return what board this is, as `Raspberry Pi 4 Model B Rev 1.4`."""
    text = read_text(root / "proc/device-tree/model")
    return text.rstrip("\0").strip() or None if text else None


def memory_mb(root: Path = ROOT) -> dict[str, int]:
    """Return MemTotal, MemAvailable and SwapTotal in MB (2**20), as far as the system tells."""
    text = read_text(root / "proc/meminfo") or ""
    rows = re.findall(r"^(MemTotal|MemAvailable|SwapTotal):\s+(\d+) kB", text, re.MULTILINE)
    return {name: int(size) // 1024 for name, size in rows}


def governors(root: Path = ROOT) -> list[str]:
    """Return the frequency governor of each processor that has one."""
    paths = root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor")
    return [text for path in sorted(paths) if (text := read_text(path))]


def temperature_c(root: Path = ROOT) -> float | None:
    """Return the temperature of the hottest zone in degrees Celsius."""
    texts = [read_text(path) for path in root.glob("sys/class/thermal/thermal_zone*/temp")]
    found = [int(text) / 1000 for text in texts if text and re.fullmatch(r"-?\d+", text)]
    return max((degrees for degrees in found if within(degrees)), default=None)


def fastest_mhz(root: Path = ROOT) -> float | None:
    """Return the clock of the processor that runs fastest now, in MHz."""
    paths = root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq")
    found = [int(text) / 1000 for path in paths if (text := read_text(path)) and text.isdigit()]
    return max(found, default=None)


class Ticks(NamedTuple):
    """What all processors together have done since the system started, in ticks (see proc(5)).

    Attributes:
        busy: they worked.
        stolen: the host of a virtual machine gave them to others.
        idle: they had nothing to do.
    """

    busy: int
    stolen: int
    idle: int


def ticks(root: Path = ROOT) -> Ticks | None:
    """Return the first line of /proc/stat; None where a system has none."""
    found = re.match(r"cpu +(\d+(?: \d+)+)", read_text(root / "proc/stat") or "")
    if found is None:
        return None
    # user nice system idle iowait irq softirq steal; guests are counted in user already
    numbers = [int(part) for part in found[1].split()[:8]]
    numbers += [0] * (8 - len(numbers))
    return Ticks(sum(numbers[:3]) + sum(numbers[5:7]), numbers[7], numbers[3] + numbers[4])


def quota_us(root: Path = ROOT) -> int | None:
    """Return how long a limit on this container's processors has held it back, in microseconds.

    From cpu.stat of this process' own group and of those above it: `throttled_usec` of cgroup v2,
    `throttled_time`, in nanoseconds, of v1. None where the system tells nothing of it.
    """
    own = re.findall(
        r"^\d+:([^:]*):/(.*)$", read_text(root / "proc/self/cgroup") or "", re.MULTILINE
    )
    folders = [Path(QUOTA)]
    for controllers, group in own:
        if controllers == "" or "cpu" in controllers.split(","):
            above = Path(QUOTA) if controllers == "" else Path(QUOTA) / controllers
            folders += [above / each for each in (Path(group), *Path(group).parents)]
    found = []
    for folder in dict.fromkeys(folders):
        text = read_text(root / folder / "cpu.stat") or ""
        for unit, value in re.findall(r"^throttled_(usec|time) (\d+)$", text, re.MULTILINE):
            found.append(int(value) // (1 if unit == "usec" else 1000))
    return max(found, default=None)


def swapped_in(root: Path = ROOT) -> int | None:
    """Return how many pages were read back from the swap since the system started."""
    found = re.search(r"^pswpin (\d+)$", read_text(root / "proc/vmstat") or "", re.MULTILINE)
    return int(found[1]) if found else None


def within(degrees: float) -> bool:
    """Return whether this can be a temperature of a running processor."""
    return PLAUSIBLE_C[0] < degrees < PLAUSIBLE_C[1] and degrees != 0


def vcgencmd() -> str | None:
    """Return what `vcgencmd get_throttled` says; None where there is no vcgencmd."""
    program = shutil.which("vcgencmd")
    if program is None:
        return None
    try:
        ended = subprocess.run(
            [program, "get_throttled"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return ended.stdout + ended.stderr


def throttled(said: str) -> tuple[list[str], list[str]] | None:
    """Return what holds the board back now, and what has since it was started.

    Args:
        said: by `vcgencmd get_throttled`, as `throttled=0x50005`.

    Returns None where it says something else: it did not come through to the firmware.
    """
    matched = re.search(r"throttled=0x([0-9a-fA-F]+)", said)
    if matched is None:
        return None
    bits = int(matched[1], 16)
    now = [text for bit, text in THROTTLED.items() if bits & bit]
    return now, [text for bit, text in THROTTLED.items() if bits & bit << 16]


def read_text(path: Path) -> str | None:
    """Return a file's text without the white space around it; None where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None

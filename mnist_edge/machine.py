"""What machine this is, and whether it is quiet enough to be measured on."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any

from mnist_edge.board import ROOT, memory_mb, read_text, ticks
from mnist_edge.board import model as board_model

GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
BUSY = 0.3  # processors' worth of other work
LOOK_S = 0.5  # for how long other work is looked for


def describe() -> dict[str, Any]:
    """Return what is known of this machine; None for what it does not tell."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processor": _processor(),
        "board": board_model(),
        "cores": cores(),
        "memory_mb": memory_mb().get("MemTotal"),
        "governor": read_text(GOVERNOR),
        "python": platform.python_version(),
    }


def disturbances() -> list[str]:
    """Say what makes timings on this machine doubtful now; empty where nothing is known to.

    To be asked before measuring begins, or one's own work counts as other work.
    """
    found = []
    busy = busy_processors()
    if busy is not None and busy > BUSY:
        found.append(f"other work keeps {busy:.1f} processors busy: stop it, or wait")
    governor = read_text(GOVERNOR)
    if governor not in (None, "performance"):
        found.append(f"CPU governor is {governor}: set it to performance")
    return found


def busy_processors(seconds: float = LOOK_S) -> float | None:
    """Watch for `seconds` how many processors work, other machines' theft included.

    Returns None where the system has no /proc/stat (see proc(5) for its columns).
    """
    before = ticks(ROOT)
    time.sleep(seconds)
    after = ticks(ROOT)
    if before is None or after is None or sum(after) == sum(before):
        return None
    return (1 - (after.idle - before.idle) / (sum(after) - sum(before))) * (os.cpu_count() or 1)


def cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str | None:
    for line in (read_text(Path("/proc/cpuinfo")) or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model"):
            return value.strip()
    return platform.processor() or None

"""Going on for minutes: what is left of the pace when the machine is warm."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_edge.bench.candidates import Candidate
    from mnist_edge.bench.conditions import Watch
    from mnist_edge.bench.crew import Crew

MINUTE_S = 60.0


def minutes(
    crew: Crew, count: float, watch: Watch, say: Callable[[str], None]
) -> dict[Candidate, list[dict[str, Any]]]:
    """Have all models predict in turns for `count` minutes, without a pause.

    Returns:
        For each, a row a minute: `minute` from 1 on, `seconds` that it was to last, which are fewer
        in the last where the minutes are not whole, p50 and p95 of its calls in microseconds, their
        count, and temperature and clock at the minute's end where the machine tells. What is left
        of the last minute is a row of its own if every model has had a turn in it.
    """
    found: dict[Candidate, list[dict[str, Any]]] = {}
    began = monotonic()
    end, minute = began + count * MINUTE_S, 0
    while monotonic() < end:
        minute += 1
        say(f"minute {minute} of {count:g}")
        start = began + (minute - 1) * MINUTE_S
        until = min(end, start + MINUTE_S)
        times: dict[Candidate, list[int]] = {}
        while monotonic() < until:
            for each, part in crew.sustained():
                times.setdefault(each, []).extend(part)
            if not times:
                return found  # none is left
        watch.look()
        for each, part in times.items():
            found.setdefault(each, []).append(_row(minute, until - start, part, watch))
    return found


def _row(minute: int, seconds: float, times_ns: list[int], watch: Watch) -> dict[str, Any]:
    p50, p95 = np.percentile(np.asarray(times_ns) / 1000, [50, 95])
    seen = watch.seen
    return {
        "minute": minute,
        "seconds": round(seconds, 1),
        "p50": round(float(p50), 2),
        "p95": round(float(p95), 2),
        "n": len(times_ns),
        "temperature_c": seen.temperature_c[-1] if seen.temperature_c else None,
        "mhz": seen.mhz[-1] if seen.mhz else None,
    }

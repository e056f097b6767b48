"""Timing calls: warmed up, long enough, often enough, nothing clipped."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WARM_UP = 50  # calls that are not counted
PARTS = 5


def measure(
    call: Callable[[Any], Any], inputs: Sequence[Any], seconds: float, least: int, patience: float
) -> list[int]:
    """Return the time of each call of `call` on `inputs` in turn, in ns, warm-up left out.

    Calls go on until both `seconds` have passed and `least` calls were counted, but no longer than
    `patience` seconds.
    """
    for place in range(WARM_UP):
        call(inputs[place % len(inputs)])
    times: list[int] = []
    start = now = perf_counter_ns()
    end, last = start + int(seconds * 1e9), start + int(patience * 1e9)
    while now < end or (len(times) < least and now < last):
        item = inputs[len(times) % len(inputs)]
        began = perf_counter_ns()
        call(item)
        now = perf_counter_ns()
        times.append(now - began)
    return times


def summary(times_ns: Sequence[int]) -> dict[str, float | int]:
    """Return p50, p90, p99 and max in microseconds, their count and their steadiness.

    Percentiles are by linear interpolation between order statistics (numpy's default).
    `p50_spread` is the largest p50 of PARTS consecutive parts over the smallest: 1 where the
    machine kept its pace.
    """
    times = np.asarray(times_ns, np.float64) / 1000
    p50, p90, p99 = np.percentile(times, [50, 90, 99])
    parts = [float(np.median(part)) for part in np.array_split(times, PARTS) if len(part)]
    return {
        "p50": round(float(p50), 2),
        "p90": round(float(p90), 2),
        "p99": round(float(p99), 2),
        "max": round(float(times.max()), 2),
        "n": len(times),
        "p50_spread": round(max(parts) / min(parts), 3),
    }

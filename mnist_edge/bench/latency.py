"""Timing calls: warmed up, long enough, often enough, nothing clipped."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WARM_UP_NS = 3_000_000  # of calls that are not counted, before each turn
WARM_UP = 10  # calls at least,
WARM_UP_MOST_NS = 100_000_000  # unless they take as long as that
TAIL = 1000  # calls without which there is no p99.9


def measure(
    call: Callable[[Any], Any],
    inputs: Sequence[Any],
    seconds: float,
    least: int,
    patience: float,
    warm: int = WARM_UP,
) -> list[int]:
    """Return the time of each call of `call` on `inputs` in turn, in ns, warm-up left out.

    Calls go on until both `seconds` have passed and `least` calls were counted, but no longer than
    `patience` seconds; one is always counted. At least `warm` calls go before.
    """
    warm_up(call, inputs, warm)
    times: list[int] = []
    start = now = perf_counter_ns()
    end, last = start + int(seconds * 1e9), start + int(patience * 1e9)
    while not times or now < end or (len(times) < least and now < last):
        item = inputs[len(times) % len(inputs)]
        began = perf_counter_ns()
        call(item)
        now = perf_counter_ns()
        times.append(now - began)
    return times


def warm_up(call: Callable[[Any], Any], inputs: Sequence[Any], least: int) -> None:
    """Call until caches, clocks and branch predictors have had their time."""
    began, count, passed = perf_counter_ns(), 0, 0
    while count < 1 or passed < WARM_UP_NS or (count < least and passed < WARM_UP_MOST_NS):
        call(inputs[count % len(inputs)])
        count, passed = count + 1, perf_counter_ns() - began


def summary(turns: Sequence[tuple[int, Sequence[int]]]) -> dict[str, Any]:
    """Return what the turns of one model come to, in microseconds.

    Args:
        turns: of each, the number of the launch and the times of its calls in ns.

    Returns:
        p50, p90, p99, p99.9 (None below TAIL calls) and max of all calls; percentiles are by
        linear interpolation between order statistics (numpy's default), and no call is left out.
        `mad` is the median absolute deviation from p50, `n` the count, `quantiles` p0 to p100 in
        steps of one. `rounds` has launch, p50 and count of each turn. `p50_spread` is the largest
        p50 of a launch over the smallest, or of a turn where there was one launch: 1 where the
        machine kept its pace.
    """
    times = np.concatenate([np.asarray(each, np.float64) for _launch, each in turns]) / 1000
    p50, p90, p99, tail = np.percentile(times, [50, 90, 99, 99.9])
    rounds = [(launch, float(np.median(each)) / 1000, len(each)) for launch, each in turns]
    return {
        "p50": _round(p50),
        "p90": _round(p90),
        "p99": _round(p99),
        "p99.9": _round(tail) if len(times) >= TAIL else None,
        "max": _round(times.max()),
        "mad": _round(np.median(np.abs(times - p50))),
        "n": len(times),
        "p50_spread": round(_spread(turns, rounds), 3),
        "rounds": [[launch, _round(middle), count] for launch, middle, count in rounds],
        "quantiles": [_round(each) for each in np.percentile(times, np.arange(101))],
    }


def _spread(
    turns: Sequence[tuple[int, Sequence[int]]], rounds: Sequence[tuple[int, float, int]]
) -> float:
    launches = {launch for launch, _times in turns}
    if len(launches) == 1:
        middles = [middle for _launch, middle, _count in rounds]
    else:
        middles = [
            float(np.median(np.concatenate([each for other, each in turns if other == launch])))
            for launch in launches
        ]
    return max(middles) / min(middles)


def _round(microseconds: float) -> float:
    return round(float(microseconds), 2)

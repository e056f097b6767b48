"""How many times as long something takes as it did, with a 95 % interval where one can be had.

Times of one process resemble each other more than those of the next: where in memory a model comes
to lie is decided when it is opened. So what is resampled is what happened at random, level by
level: launches first, then the rounds within each (hierarchical bootstrap; Kalibera and Jones 2013,
"Rigorous benchmarking in reasonable time", sections 5 to 7; Davison and Hinkley 1997, section 3.8).

With few launches percentiles of a bootstrap lie too close together: they are taken further out, as
Student's t and the lost degree of freedom ask for (expanded percentile interval; Hesterberg 2015,
"What teachers should know about the bootstrap", section 4.3). Of
simulated pairs whose launches differ by 0.5 to 1 %, normally or with heavy tails, 93 % or more of
the intervals hold the true ratio with 3 launches each, 97 % or more with 5 or 10.

The interval is of the two runs: what a machine is on another day it cannot know. And of rows
without any difference one in twenty or so is called slower or faster.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Launches = Sequence[Sequence[float]]

LEAST_LAUNCHES = 3  # of each record: with fewer there is no telling what launches vary by
RESAMPLES = 10_000
# 97.5 % quantiles of Student's t with 4, 5, ... degrees of freedom
T_975 = (2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120)


@dataclass(frozen=True, slots=True)
class Ratio:
    """New over old: 1.1 takes a tenth longer.

    Attributes:
        old: a time, in the unit of the record.
        new: the other.
        value: new / old.
        interval: 95 % interval of it; None where the records have too few launches for one.
    """

    old: float
    new: float
    value: float
    interval: tuple[float, float] | None

    @property
    def verdict(self) -> str:
        """`slower`, `faster`, `no difference shown`, or `no interval`."""
        if self.interval is None:
            return "no interval"
        low, high = self.interval
        return "slower" if low > 1 else "faster" if high < 1 else "no difference shown"

    def exceeds(self, percent: float) -> bool:
        """Whether it is more than so many percent slower, by the whole interval if there is one."""
        least = self.value if self.interval is None else self.interval[0]
        return least > 1 + percent / 100


def ratio(old: float, new: float, before: Launches, after: Launches, seed: int = 0) -> Ratio:
    """Return the ratio of two times, and an interval from the launches behind them.

    Args:
        old: the time that the old record has, above 0.
        new: the time that the new one has, above 0.
        before: for each launch of the old record the medians of its rounds.
        after: for each launch of the new one.
        seed: the same seed gives the same interval.
    """
    value = new / old
    if min(len(before), len(after)) < LEAST_LAUNCHES:
        return Ratio(old, new, value, None)
    random = np.random.default_rng(seed)
    logs = [_spread(each, random) for each in (after, before)]
    tail = _tail(len(before), len(after))
    low, high = np.quantile(logs[0] - logs[1], [tail, 1 - tail])
    return Ratio(old, new, value, (float(value * np.exp(low)), float(value * np.exp(high))))


def percent(found: Ratio) -> str:
    """Return a ratio as what it changes: `+12.3 % (+10.1 to +14.0)`, `+12.3 % without an interval`.

    >>> percent(Ratio(10.0, 11.0, 1.1, (1.05, 1.125)))
    '+10.0 % (+5.0 to +12.5)'
    """
    text = f"{100 * (found.value - 1):+.1f} %"
    if found.interval is None:
        return f"{text} without an interval"
    low, high = (100 * (each - 1) for each in found.interval)
    return f"{text} ({low:+.1f} to {high:+.1f})"


def _spread(launches: Launches, random: np.random.Generator) -> NDArray[np.float64]:
    """Return by how much the log of the median may differ, [RESAMPLES], launches resampled.

    A launch that has fewer rounds than another counts for as much: its rounds are drawn as often.
    """
    most = max(map(len, launches))
    chosen = random.integers(0, len(launches), (RESAMPLES, len(launches), 1))
    lengths = np.array([len(each) for each in launches])
    places = (random.random((RESAMPLES, len(launches), most)) * lengths[chosen]).astype(np.int64)
    table = np.array([[*each, *[math.nan] * (most - len(each))] for each in launches])
    drawn = table[chosen, places].reshape(RESAMPLES, -1)
    observed = np.median(np.concatenate([np.resize(each, most) for each in launches]))
    return np.asarray(np.log(np.median(drawn, axis=1) / observed))


def _tail(before: int, after: int) -> float:
    """Return which share of the resamples is left out at each end, by the numbers of launches."""
    t = T_975[min(before + after - 2 - 4, len(T_975) - 1)]
    fewer = min(before, after)
    return NormalDist().cdf(-math.sqrt(fewer / (fewer - 1)) * t)

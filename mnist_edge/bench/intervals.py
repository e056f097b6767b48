"""What a count of images may as well be: intervals and tests of shares, on the same images."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

Z_95 = 1.959963984540054  # 97.5 % quantile of the standard normal distribution


class Estimate(NamedTuple):
    """A number with what it may as well be.

    Attributes:
        value: as measured.
        low: lower end of its 95 % interval.
        high: upper end.
    """

    value: float
    low: float
    high: float


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share (Wilson 1927, eq. 4), both ends in 0..1."""
    share, z2 = successes / trials, Z_95**2
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z_95 * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    half /= 1 + z2 / trials
    return max(0.0, middle - half), min(1.0, middle + half)


def at_least(count: int, trials: int, share: float) -> float:
    """Return how probable so many of some trials are, or more, where each is so by `share`.

    A share's exact 95 % interval (Clopper and Pearson 1934) lies wholly above `share` where this
    is 0.025 or less. Wilson's is narrower than 95 % near 0 and 1.

    Args:
        count: that were seen, 1 or more.
        trials: of which.
        share: of each, above 0 and below 1.
    """
    odds, below = math.log(share) - math.log1p(-share), 0.0
    log = trials * math.log1p(-share)  # of the probability of none
    for seen in range(count):
        below += math.exp(log)
        if seen > trials * share and log < -40:
            break
        log += math.log((trials - seen) / (seen + 1)) + odds
    return max(0.0, 1 - below)


def z_of_many(intervals: int) -> float:
    """Return the normal quantile with which so many intervals hold all at once in 95 %.

    Each has a level of 1 - 0.05 / `intervals` (Bonferroni's inequality, e.g. Dunn 1961).
    """
    return NormalDist().inv_cdf(1 - 0.025 / intervals)


def paired_drop(to_wrong: int, to_right: int, samples: int, z: float = Z_95) -> tuple[float, float]:
    """Return the interval of a drop in accuracy on the same images, both ends in -1..1.

    The difference of two paired shares with one flip each way added to what was counted (Bonett
    and Price 2012; recommended by Fagerland et al. 2014 over Wald's, which is 0 wide where
    no decision flipped).

    Args:
        to_wrong: images that only the reference has right.
        to_right: images that only the model has right.
        samples: all images.
        z: normal quantile of the level; of 95 % unless told.
    """
    lost, won = (to_wrong + 1) / (samples + 2), (to_right + 1) / (samples + 2)
    half = z * math.sqrt((lost + won - (lost - won) ** 2) / (samples + 2))
    return max(-1.0, lost - won - half), min(1.0, lost - won + half)


def points(to_wrong: int, to_right: int, samples: int, z: float = Z_95) -> Estimate:
    """Return a drop in percentage points, above 0 where accuracy was lost; see `paired_drop`."""
    low, high = paired_drop(to_wrong, to_right, samples, z)
    return Estimate(100 * (to_wrong - to_right) / samples, 100 * low, 100 * high)


def mcnemar_exact(one: int, other: int) -> float:
    """Return the two-sided exact p of McNemar's test: a fair coin splitting the flips so.

    Twice the binomial tail of the rarer flip, at most 1 (McNemar 1947; exact form, e.g. Fagerland
    et al. 2013, eq. 4). Thousands of flips take milliseconds.
    """
    flips = one + other
    tail = ways = 1  # in which none of the flips is of the rarer kind
    for count in range(min(one, other)):
        ways = ways * (flips - count) // (count + 1)
        tail += ways
    return min(1.0, float(2 * tail / 2**flips))

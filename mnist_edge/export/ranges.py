"""From what tensors held on calibration images to the range that each is quantized over.

Numpy alone, and one way for TensorFlow Lite and ONNX: the same method gives the same ranges.

    minmax      everything that was seen
    percentile  the middle `percentile` percent of what was seen, the tails clipped
    entropy     the clip that loses least information, by Kullback-Leibler divergence between the
                histogram and its 8-bit version (Migacz 2017, "8-bit inference with TensorRT";
                here over 255 steps and either sign, so that it has something to choose)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnist_edge.errors import ModelError, SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from mnist_edge.export.activations import Traced

    Traces = Callable[[], Iterable[Mapping[str, Traced]]]
    Ranges = dict[str, tuple[float, float]]

METHODS = ("minmax", "percentile", "entropy")
PERCENTILE = 99.99  # of the values kept, unless told otherwise
BINS = 2048  # of a histogram
LEVELS = 255  # steps of an 8-bit range
CLIPS = 64  # candidates that entropy chooses from
MOST_CLIPPED = 0.005  # of the values that are not 0: what entropy may give up
HALVES = 2


@dataclass(frozen=True)
class Seen:
    """What one tensor held, apart for every other image: two samples of the same kind.

    Attributes:
        low: least value in each half, [2]; 0 at most, for 0 must be representable.
        high: greatest value in each half, [2]; 0 at least.
        histogram: counts in BINS equal bins from the least of `low` to the greatest of `high`,
            [2,BINS]; None where no method asked for it.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    histogram: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Instability:
    """How far ranges depend on which images were drawn.

    Attributes:
        tensor: the one whose two ranges differ most.
        ratio: width of the wider range over that of the narrower, 1 where they are the same.
    """

    tensor: str
    ratio: float


def observe(traces: Traces, *, histograms: bool) -> dict[str, Seen]:
    """Run the calibration images and note what each tensor held.

    Args:
        traces: gives for each image what each tensor held; called again for the histograms.
        histograms: note them too; only `minmax` can do without.

    Raises:
        ModelError: a tensor that held NaN or infinity.
    """
    low: dict[str, NDArray[np.float64]] = {}
    high: dict[str, NDArray[np.float64]] = {}
    for place, tensors in enumerate(traces()):
        half = place % HALVES
        for name, traced in tensors.items():
            least, most = traced.values.min(initial=0), traced.values.max(initial=0)
            if not (np.isfinite(least) and np.isfinite(most)):
                raise ModelError(
                    f"{name} held NaN or infinity on calibration image {place}: "
                    "the model is broken, or its input is not what it was trained on"
                )
            lows = low.setdefault(name, np.zeros(HALVES))
            highs = high.setdefault(name, np.zeros(HALVES))
            lows[half], highs[half] = min(lows[half], least), max(highs[half], most)
    if not histograms:
        return {name: Seen(low[name], high[name]) for name in low}
    counts = {name: np.zeros((HALVES, BINS), np.int64) for name in low}
    for place, tensors in enumerate(traces()):
        for name, traced in tensors.items():
            limits = (low[name].min(), max(high[name].max(), low[name].min() + 1e-30))
            counts[name][place % HALVES] += np.histogram(traced.values, BINS, limits)[0]
    return {name: Seen(low[name], high[name], counts[name]) for name in low}


def ranges(
    seen: Mapping[str, Seen],
    method: str,
    percentile: float = PERCENTILE,
    *,
    half: int | None = None,
) -> Ranges:
    """Return the range of each tensor, (low, high) with low <= 0 <= high.

    Args:
        seen: from `observe`.
        method: one of METHODS.
        percentile: for `percentile`: how many of the values to keep, above 50, 100 at most.
        half: 0 or 1 for one half of the images alone; None for all.

    Raises:
        SettingError: an unknown method, or a percentile out of range.
    """
    if method not in METHODS:
        raise SettingError(f"method is {method!r}; wanted one of {', '.join(METHODS)}")
    check_percentile(percentile)
    return {name: _range(each, method, percentile, half) for name, each in seen.items()}


def check_percentile(percentile: float) -> None:
    """Make sure that a percentile can be one.

    Raises:
        SettingError: out of range.
    """
    if not 50 < percentile <= 100:
        raise SettingError(f"percentile is {percentile:g}; wanted above 50, 100 at most")


def instability(
    seen: Mapping[str, Seen], method: str, percentile: float = PERCENTILE
) -> Instability | None:
    """Compare the ranges of the two halves of the images; None where there is only one image."""
    one, other = (ranges(seen, method, percentile, half=half) for half in range(HALVES))
    worst = None
    for name in seen:
        widths = [high - low for low, high in (one[name], other[name])]
        if min(widths) > 0:
            ratio = max(widths) / min(widths)
            if worst is None or ratio > worst.ratio:
                worst = Instability(name, ratio)
    return worst


def same(one: Ranges, other: Ranges) -> bool:
    """Say whether two methods came to the same: one of them then has nothing to add."""
    return one.keys() == other.keys() and all(
        np.allclose(one[name], other[name], rtol=1e-6, atol=0) for name in one
    )


def _range(seen: Seen, method: str, percentile: float, half: int | None) -> tuple[float, float]:
    chosen = slice(None) if half is None else slice(half, half + 1)
    low, high = float(seen.low[chosen].min()), float(seen.high[chosen].max())
    if method == "minmax" or high == low:
        return low, high
    if seen.histogram is None:
        raise SettingError(f"{method} needs histograms: observe with them")
    counts = seen.histogram[chosen].sum(0)
    edges = np.linspace(seen.low.min(), seen.high.max(), BINS + 1)
    clip = _percentile if method == "percentile" else _entropy
    clipped = clip(counts, edges, percentile)
    return max(low, min(0.0, clipped[0])), min(high, max(0.0, clipped[1]))


def _percentile(
    counts: NDArray[np.int64], edges: NDArray[np.float64], percentile: float
) -> tuple[float, float]:
    """Return what is left of a range when each tail loses half of the rest."""
    tail = (100 - percentile) / 200 * counts.sum()
    total = np.cumsum(counts)
    first = int(np.searchsorted(total, tail, side="right"))
    last = int(np.searchsorted(total, counts.sum() - tail, side="left"))
    return float(edges[min(first, BINS - 1)]), float(edges[min(last, BINS - 1) + 1])


def _entropy(
    counts: NDArray[np.int64], edges: NDArray[np.float64], _percentile: float
) -> tuple[float, float]:
    """Return the clip of the range whose 8-bit histogram tells least apart from the true one.

    Each candidate clips |x| at a share of the largest; the bin of 0 is left out, since most of
    what a ReLU gives is 0, and is represented exactly. Divergence alone would clip a twelfth of
    the values where a blank background gives one value again and again: a spike in one bin looks
    worse spread over its neighbours than any tail lost. So no candidate clips more than
    MOST_CLIPPED.
    """
    middles = (edges[:-1] + edges[1:]) / 2
    counted = counts.astype(np.float64)
    zero = int(np.searchsorted(edges, 0.0, side="right")) - 1  # 0 is within what was seen
    counted[min(max(zero, 0), BINS - 1)] = 0
    widest = float(np.abs(edges[[0, -1]]).max())
    best, least = widest, np.inf
    for share in np.linspace(1, 1 / CLIPS, CLIPS):
        limit = share * widest
        inside = np.abs(middles) <= limit
        if counted[~inside].sum() > MOST_CLIPPED * counted.sum():
            break
        divergence = _divergence(counted, middles, inside)
        if divergence < least:
            best, least = limit, divergence
    return max(float(edges[0]), -best), min(float(edges[-1]), best)


def _divergence(
    counts: NDArray[np.float64], middles: NDArray[np.float64], inside: NDArray[np.bool_]
) -> float:
    """Return the Kullback-Leibler divergence from clipped counts to their quantized version."""
    kept = counts[inside]
    if len(kept) < LEVELS or not kept.sum():  # fewer bins than steps: nothing would be merged
        return float("inf")
    places = np.flatnonzero(inside)
    true = kept.copy()
    true[0] += counts[: places[0]].sum()  # what is clipped lands in the outermost bins
    true[-1] += counts[places[-1] + 1 :].sum()
    level = np.minimum(np.arange(len(kept)) * LEVELS // len(kept), LEVELS - 1)
    there = kept > 0
    filled = np.bincount(level, there, LEVELS)  # non-empty bins of each step
    mass = np.bincount(level, kept, LEVELS)
    spread = np.where(there, mass[level] / np.maximum(filled[level], 1), 0.0)
    p, q = true / true.sum(), spread / spread.sum()
    wanted = p > 0
    # A bin that only clipping filled has no counterpart: as much as an empty bin may weigh.
    return float((p[wanted] * np.log(p[wanted] / np.maximum(q[wanted], 1e-9))).sum())

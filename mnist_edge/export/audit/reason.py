"""Why a layer adds the error that it adds, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnist_edge.export.audit.graph import Constant
    from mnist_edge.export.audit.measures import Comparison

FEW = 16  # times the others: they are left a sixteenth of the steps
CLIPS = 0.5  # share of a tensor's own noise from which on clipping is to blame


def reason_of_output(comparison: Comparison) -> str:
    """Say what is wrong with the range of what a layer gives."""
    quant = comparison.quant
    if quant is None:
        return "its output is float"
    low, high = (quant.scale * (limit - quant.zero_point) for limit in quant.limits)
    peaks = comparison.channel_peaks
    if comparison.clipping > CLIPS and comparison.saturated:
        return (
            f"{100 * comparison.saturated:.2g} % of its output is clipped to "
            f"{low:.3g}..{high:.3g}, the greatest is {peaks.max():.3g}"
        )
    found = _dominating(peaks)
    if found is not None:
        half = np.median(np.delete(peaks, found))
        return (
            f"channel {found} of its output reaches {peaks[found]:.3g}, half of the others at most "
            f"{half:.2g}, {half / quant.scale:.2g} steps of {quant.scale:.2g}"
        )
    return f"its output is rounded to steps of {quant.scale:.2g} over {low:.3g}..{high:.3g}"


def reason_of_weights(wanted: NDArray[np.float32], constant: Constant) -> str:
    """Say what is wrong with how a layer's weights are stored.

    Args:
        wanted: the float values, of any shape.
        constant: what the quantized file has.
    """
    if not constant.scales:
        return f"its weights are {constant.stored}"
    scales = "one scale" if constant.scales == 1 else f"{constant.scales} scales, one a channel"
    # Channels that share a scale: all of them, or the inputs of one output.
    shared = {"output": constant.outputs} if constant.scales == 1 else {}
    for kind, axis in {**shared, "input": constant.inputs}.items():
        peaks = np.abs(wanted).max(tuple(each for each in range(wanted.ndim) if each != axis))
        found = _dominating(peaks)
        if found is not None:
            times = peaks[found] / max(float(np.median(np.delete(peaks, found))), 1e-30)
            return (
                f"its weights have {scales}, and those of {kind} channel {found} are "
                f"{times:,.0f} times the others'"
            )
    others = tuple(axis for axis in range(wanted.ndim) if axis != constant.inputs)
    lost = np.flatnonzero(wanted.any(others) & ~constant.values.any(others))
    if len(lost):
        return f"its weights have {scales}, and those of input channel {lost[0]} all became 0"
    return f"its weights are rounded to {constant.stored} with {scales}"


def _dominating(peaks: NDArray[np.floating]) -> int | None:
    """Return the channel whose greatest value is far above most others'; None if none is."""
    if len(peaks) < 2 or not peaks.max() > 0:
        return None
    found = int(peaks.argmax())
    return found if peaks[found] > FEW * np.median(np.delete(peaks, found)) else None

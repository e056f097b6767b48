"""How far one tensor is from another, summed up over images: nothing of an image is kept.

SNR = 10 log10( sum x^2 / sum (x - x')^2 ) dB, x the float values, x' the quantized ones
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnist_edge.quantize import QuantParams


def decibels(noise_to_signal: float) -> float | None:
    """Return a signal-to-noise ratio in dB; None where there is no noise, or nothing to hear."""
    if not (math.isfinite(noise_to_signal) and noise_to_signal > 0):
        return None
    return -10 * math.log10(noise_to_signal)


def noise_to_signal(wanted: NDArray[Any], found: NDArray[Any]) -> float:
    """Return the power of the difference over the power of `wanted`; 0 where both are silent."""
    wanted = wanted.astype(np.float64)
    noise = float(((wanted - found) ** 2).sum())
    signal = float((wanted**2).sum())
    return noise / signal if signal else (math.inf if noise else 0.0)


class Comparison:
    """What is known of a tensor after some images: float against quantized."""

    def __init__(self, quant: QuantParams | None, channels_last: bool) -> None:
        """Begin with nothing.

        Args:
            quant: how the quantized tensor is stored; None for floats.
            channels_last: whether the channels of an image are its last axis, or its first.
        """
        self.quant = quant
        self._last = channels_last
        self._signal = self._noise = self._product = self._found = 0.0
        self._count = self._outside = 0
        self._clipped = self._rounded = 0.0  # noise of the tensor's own grid, by its cause
        self.max_error = 0.0
        self._codes = (math.inf, -math.inf)
        self.channel_peaks: NDArray[np.float64] = np.zeros(0)

    def add(self, wanted: NDArray[np.float32], found: NDArray[np.float32]) -> None:
        """Take one image: float32 [1,...] each, of the same shape."""
        exact, other = wanted.astype(np.float64), found.astype(np.float64)
        difference = exact - other
        self._signal += float((exact**2).sum())
        self._noise += float((difference**2).sum())
        self._product += float((exact * other).sum())
        self._found += float((other**2).sum())
        self._count += exact.size
        self.max_error = max(self.max_error, float(np.abs(difference).max(initial=0)))
        axes = self._spatial(exact.ndim)
        peaks = np.abs(exact).max(axes)
        before = self.channel_peaks if self.channel_peaks.size else np.zeros_like(peaks)
        self.channel_peaks = np.maximum(before, peaks)
        if self.quant is not None:
            self._add_grid(exact, other, self.quant)

    def _add_grid(
        self, exact: NDArray[np.float64], other: NDArray[np.float64], quant: QuantParams
    ) -> None:
        codes = np.rint(other / quant.scale) + quant.zero_point
        self._codes = (
            min(self._codes[0], float(codes.min())),
            max(self._codes[1], float(codes.max())),
        )
        low, high = (quant.scale * (limit - quant.zero_point) for limit in quant.limits)
        clipped = exact - exact.clip(low, high)
        self._outside += int((np.abs(clipped) > quant.scale / 2).sum())
        rounded = np.rint(exact.clip(low, high) / quant.scale) * quant.scale
        self._clipped += float((clipped**2).sum())
        self._rounded += float(((exact - clipped - rounded) ** 2).sum())

    def _spatial(self, dimensions: int) -> tuple[int, ...]:
        channels = dimensions - 1 if self._last or dimensions < 3 else 1
        return tuple(axis for axis in range(dimensions) if axis != channels)

    @property
    def noise_to_signal(self) -> float:
        """Power of the error over the power of the float values."""
        return self._noise / self._signal if self._signal else (math.inf if self._noise else 0.0)

    @property
    def cosine(self) -> float:
        """Of the angle between all float and all quantized values; 1 where both are silent."""
        length = math.sqrt(self._signal * self._found)
        return self._product / length if length else float(self._signal == self._found)

    @property
    def saturated(self) -> float | None:
        """Share of float values beyond what the grid can stand for, by more than half a step."""
        return None if self.quant is None else self._outside / max(1, self._count)

    @property
    def clipping(self) -> float:
        """Share of the noise of the tensor's own grid that clipping makes; rounding the rest."""
        return self._clipped / ((self._clipped + self._rounded) or 1.0)

    @property
    def range_used(self) -> float | None:
        """Share of the integers from the least to the greatest of the type that were spanned."""
        if self.quant is None or not math.isfinite(self._codes[0]):
            return None
        low, high = self.quant.limits
        return (self._codes[1] - self._codes[0] + 1) / (high - low + 1)

"""Pictures of what int8 does to numbers: the grid they go to, the error, a channel too loud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.errors import InputError
from mnist_edge.quantize import dequantize, quantize
from mnist_edge.report.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    RED,
    SMALL,
    headline,
    in_style,
    new_figure,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnist_edge.quantize import QuantParams

BINS = 128
STEPS_SHOWN = 8  # of the grid, in the closer look
BINS_A_STEP = 6
ERROR_BINS = 96  # 80 a step, where nothing is off by more than half of one


@in_style
def grid_picture(values: NDArray[Any], params: QuantParams, title: str) -> Any:
    """Draw how real numbers are distributed, and the grid of integers that they go to.

    At the left all of them, over the range that the integers reach; at the right some steps of the
    grid, where different numbers are densest: an empty ground gives the same few over and over.

    Args:
        values: real numbers of any shape, at least one that is not 0.
        params: scale and zero point of the grid.
        title: what they are.

    Raises:
        InputError: no number but 0, or one that is not finite.
        MissingExtraError: matplotlib is not installed.
    """
    flat = _finite(values)
    low, high = dequantize(np.array(params.limits), params)
    figure = new_figure(9.6, 3.2)
    headline(figure, title)
    whole, close = figure.subplots(1, 2)
    edges = np.linspace(min(low, flat.min()), max(high, flat.max()), BINS + 1)
    whole.hist(flat, edges, color=BLUE)
    _logarithmic(whole)
    for place, end in enumerate((low, high)):
        label = (
            None if place else f"{params.limits[0]} and {params.limits[1]}, the ends of the grid"
        )
        whole.axvline(end, color=RED, linestyle="--", linewidth=1, label=label)
    whole.set_title(f"{flat.size:,} numbers; one step is {params.scale:.4g}")
    whole.set_ylabel("How many (logarithmic)")
    whole.set_xlabel("Real number")
    different = np.unique(flat[flat != 0])
    first = _densest(different, params) - STEPS_SHOWN // 2
    steps = np.arange(first, first + STEPS_SHOWN + 1)
    reals = (steps - params.zero_point) * params.scale
    ends = reals[0] - params.scale / 2, reals[-1] + params.scale / 2
    inside = different[(different > ends[0]) & (different < ends[1])]
    close.hist(inside, np.linspace(*ends, BINS_A_STEP * len(steps) + 1), color=BLUE, alpha=0.5)
    for place, real in enumerate(reals):
        label = None if place else "a number that can be stored"
        close.axvline(real, color=INK, linewidth=0.8, label=label)
    close.set_xlim(*ends)
    close.set_xticks(reals, [f"{step}" for step in steps])
    close.set_title("A closer look: each number goes to the nearest line")
    close.set_ylabel("How many different ones")
    close.set_xlabel(f"{params.dtype} that is stored")
    figure.legend(loc="outside lower left", ncols=2)
    return figure


@in_style
def error_picture(values: NDArray[Any], params: QuantParams, title: str) -> Any:
    """Draw how far numbers are from what is stored for them, in steps.

    Within the range it is half a step at most, and any amount is as likely: the root of the mean
    square is a step over the root of 12.

    Args:
        values: real numbers of any shape; those that are 0, which is stored exactly, are left out.
        params: scale and zero point of the grid.
        title: what they are.

    Raises:
        InputError, MissingExtraError: as `grid_picture`.
    """
    flat = _finite(values)
    flat = flat[flat != 0]
    error = (flat - dequantize(quantize(flat, params), params)) / params.scale
    figure = new_figure(9.6, 2.8)
    headline(figure, title)
    axes = figure.add_subplot()
    reach = max(0.6, 1.05 * float(np.abs(error).max()))
    axes.hist(error, np.linspace(-reach, reach, ERROR_BINS + 1), color=BLUE, label="error")
    for place, end in enumerate((-0.5, 0.5)):
        label = None if place else "half a step"
        axes.axvline(end, color=RED, linestyle="--", linewidth=1, label=label)
    rms = float(np.sqrt(np.mean(error**2)))
    axes.set_title(
        f"root of the mean square: {rms:.3f} steps (a step over the root of 12: {12**-0.5:.3f})"
    )
    axes.set_xlabel("Error, in steps")
    axes.set_ylabel("How many")
    figure.legend(loc="outside lower left", ncols=2)
    return figure


@in_style
def channels_picture(kernel: NDArray[Any], title: str) -> Any:
    """Draw the greatest weight of each output channel over the step that int8 gives it.

    With one scale for the whole tensor the loudest channel sets the step of all: a channel whose
    weights lie below half of it becomes zeros. With a scale for each channel the step follows.

    Args:
        kernel: real numbers, output channels last, such as [3,3,C,K].
        title: what it is of.

    Raises:
        InputError: a number that is not finite, or none but 0.
        MissingExtraError: matplotlib is not installed.
    """
    _finite(kernel)
    reach = np.abs(kernel.reshape(-1, kernel.shape[-1])).max(0)
    places = np.arange(len(reach))
    levels = 127  # int8, symmetric: -127..127
    figure = new_figure(9.6, 3.2)
    headline(figure, title)
    axes = figure.add_subplot()
    axes.plot(places, reach, "o", color=BLUE, label="greatest weight of the channel")
    axes.plot(places, reach / levels, "s", color=GREEN, fillstyle="none",
              label="its step, a scale for each channel")  # fmt: skip
    axes.axhline(reach.max() / levels, color=ORANGE, linestyle="--", label="step of all, one scale")
    _logarithmic(axes)
    axes.set_xticks(places)
    axes.tick_params(axis="x", labelsize=SMALL if len(reach) <= 40 else 5)
    axes.set_xlabel("Output channel")
    axes.set_ylabel("Weight (logarithmic)")
    axes.grid(axis="y")
    figure.legend(loc="outside lower left", ncols=3)
    return figure


def _logarithmic(axes: Any) -> None:
    """Have powers of ten as ticks, as plain numbers."""
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _place: f"{value:,.10g}")


def _finite(values: NDArray[Any]) -> NDArray[np.float64]:
    flat = np.asarray(values, np.float64).ravel()
    if not np.isfinite(flat).all():
        raise InputError("numbers that are not finite cannot be drawn; wanted real numbers")
    if not flat.any():
        raise InputError("no number but 0: there is nothing to draw")
    return flat


def _densest(different: NDArray[np.float64], params: QuantParams) -> int:
    """Return the stored integer that most numbers go to, away from the ends of the grid."""
    stored = quantize(different, params).astype(np.int64)
    low, high = params.limits
    half = STEPS_SHOWN // 2
    found = int(np.bincount(stored - low).argmax()) + low
    return min(max(found, low + half), high - half)

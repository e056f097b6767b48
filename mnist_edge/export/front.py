"""What a network does to pixels before anything else: so that nobody normalises them twice."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import keras
import numpy as np

RANGES = ((0.0, 1.0), (0.0, 255.0), (-1.0, 1.0))  # of pixels, as networks are trained on them
PASSING = {  # layers that leave pixels as they are, or that only training sees
    *("InputLayer", "Reshape", "ZeroPadding2D", "Cropping2D", "CenterCrop", "Permute"),
    *("Resizing", "Dropout", "GaussianNoise", "GetItem", "Identity"),
}
TYPICAL = 2.0  # from -1 to 1: how far normalised pixels reach, or half of it, or twice


class Step(NamedTuple):
    """A layer that scales pixels: x * scale + offset, the mean over channels."""

    words: str
    scale: float
    offset: float


def normalization(network: Any) -> list[Step]:
    """Return the scaling that a Keras model begins with, in order; empty where it has none."""
    return _walk(network)[0]


def likely_range(steps: list[Step]) -> tuple[float, float]:
    """Return the one of RANGES that `steps` bring nearest to what networks learn on.

    That is numbers around 0 that reach about from -1 to 1: Rescaling(1/255) is for 0..255.
    """

    def strange(ends: tuple[float, float]) -> float:
        low, high = ends
        for step in steps:
            low, high = (end * step.scale + step.offset for end in (low, high))
        reach = max(abs(high - low), 1e-9)
        return abs(math.log(reach / TYPICAL)) + abs(low + high) / 2 / reach

    return min(RANGES, key=strange)


def _walk(network: Any) -> tuple[list[Step], bool]:
    """Return the steps at the front, and whether nothing else follows within `network`."""
    steps: list[Step] = []
    for layer in network.operations if hasattr(network, "operations") else network.layers:
        if isinstance(layer, keras.Model):
            inner, whole = _walk(layer)
            steps += inner
            if not whole:
                return steps, False
            continue
        step = _step(layer)
        if step is not None:
            steps.append(step)
        elif not _passes(layer):
            return steps, False
    return steps, True


def _passes(layer: Any) -> bool:
    name = type(layer).__name__
    return name in PASSING or name.startswith("Random")


def _step(layer: Any) -> Step | None:
    name = type(layer).__name__
    if isinstance(layer, keras.layers.Rescaling):
        scale, offset = float(np.mean(layer.scale)), float(np.mean(layer.offset))
        return Step(f"Rescaling({scale:.4g}, {offset:.4g})", scale, offset)
    if isinstance(layer, keras.layers.Normalization) and not layer.invert:
        mean, deviation = np.asarray(layer.mean), np.sqrt(np.asarray(layer.variance))
        deviation = np.maximum(deviation, 1e-7)
        words = f"Normalization(mean {mean.mean():.4g}, deviation {deviation.mean():.4g})"
        return Step(words, float((1 / deviation).mean()), float((-mean / deviation).mean()))
    if name not in ("TrueDivide", "Divide", "Multiply", "Subtract", "Add"):
        return None
    constant = _constant(layer)
    if constant is None:
        return None
    words = f"{name}({constant:.4g})"
    if name in ("TrueDivide", "Divide"):
        return Step(words, 1 / constant, 0.0) if constant else None
    if name == "Multiply":
        return Step(words, constant, 0.0)
    return Step(words, 1.0, -constant if name == "Subtract" else constant)


def _constant(operation: Any) -> float | None:
    """Return the number that an operation adds to its tensor, or multiplies it by, and so on."""
    arguments = operation._inbound_nodes[0].arguments.args
    if len(arguments) != 2 or not isinstance(arguments[0], keras.KerasTensor):
        return None
    try:
        return float(np.mean(np.asarray(arguments[1], np.float64)))
    except (TypeError, ValueError):
        return None

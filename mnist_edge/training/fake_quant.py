"""A model that trains as if it were quantized to 8 bits already (Jacob et al. 2018, section 3).

Kernels are rounded to what an int8 file will hold, symmetric, -127..127; outputs to 256 levels of
a range that is learnt with the weights. Gradients pass through the rounding as if it were not
there; a number outside its range moves the range instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.errors import ModelError
from mnist_edge.training.fold import WEIGHTED
from mnist_edge.training.graph import Call, calls, input_name, rebuilt
from mnist_edge.training.placement import LEVELS, Placement
from mnist_edge.training.rounding import QUANTIZED, Range

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mnist_edge.training.placement import Ends

SUFFIX = "_range"


def insert(folded: Any, ranges: Mapping[str, Ends], *, per_channel: bool = True) -> Any:
    """Return a model that computes what the int8 file of `folded` will, and can be trained.

    The output, a softmax, is not rounded: a loss wants its logarithm. `predict_int8` rounds it.

    Args:
        folded: made by `fold`; its weights are copied.
        ranges: the least and the greatest number of each tensor in `Placement.ranged`.
        per_channel: a kernel has a scale for each output channel, else one for all.

    Raises:
        ModelError: a layer whose quantized form is not known, or an output that is no softmax.
    """
    placement = Placement(folded)
    last = calls(folded)[-1].name
    if last not in placement.fixed:
        raise ModelError(f"layer {last} of {folded.name} gives no probabilities: wanted a softmax")
    known = placement.complete(ranges)
    rounding = {
        name: Range(*known[name], learnt=name in placement.ranged, name=name + SUFFIX)
        for name in (*placement.ranged, *placement.fixed)
        if name != last
    }
    # By layer: the tensor on whose scale its output is, and whether it is to be rounded to it.
    scales = {layer: name for name, layer in placement.ranged.items()}
    scales |= {name: name for name in placement.fixed} | placement.kept
    rounds = set(scales) - (set(placement.kept) - placement.averaging) - {last}
    image = input_name(folded)

    def step(call: Call, value: Any) -> Any:
        layer = _rounded(call.layer, per_channel=per_channel)
        if isinstance(call.layer, WEIGHTED):
            layer.input_step = rounding[scales[call.sources[0]]].step
        output = layer(rounding[image](value) if call.sources[0] == image else value)
        layer.set_weights(call.layer.get_weights())
        return rounding[scales[call.name]](output) if call.name in rounds else output

    return rebuilt(folded, step)


def learnt_ranges(model: Any) -> dict[str, Ends]:
    """Return the ranges that a model of `insert` has come to, as its rounding takes them.

    The ends are moved so that zero falls on a level, as the operator and the converters do.
    """
    return {
        layer.name.removesuffix(SUFFIX): nudged(float(layer.low.numpy()), float(layer.high.numpy()))
        for layer in model.layers
        if isinstance(layer, Range) and layer.high.trainable
    }


def nudged(low: float, high: float) -> Ends:
    """Return a range that holds zero on one of its 256 levels, with the same step.

    The formula is that of `fake_quant_with_min_max_vars`, in float32.
    """
    step = (np.float32(high) - np.float32(low)) / np.float32(LEVELS)
    zero = np.floor(np.clip(-np.float32(low) / step, 0, LEVELS) + np.float32(0.5))
    return float(0 - zero * step), float((LEVELS - zero) * step)


def plain(model: Any, folded: Any) -> Any:
    """Return a model like `folded`, with the weights that a model of `insert` has come to."""
    trained = {layer.name: layer.get_weights() for layer in model.layers}

    def step(call: Call, value: Any) -> Any:
        layer = type(call.layer).from_config(call.layer.get_config())
        output = layer(value)
        layer.set_weights(trained[call.name])
        return output

    return rebuilt(folded, step)


def predict_int8(model: Any, inputs: NDArray[np.float32], batch: int = 500) -> NDArray[np.float32]:
    """Return what an int8 file of a model of `insert` says: float32 [N,K], in steps of 1/256."""
    parts = [
        np.asarray(model(inputs[start : start + batch], training=False))
        for start in range(0, len(inputs), batch)
    ]
    steps: NDArray[np.float32] = np.rint(np.concatenate(parts) * 256).clip(0, 255)
    return steps / np.float32(256)


def _rounded(layer: Any, *, per_channel: bool) -> Any:
    kind = QUANTIZED.get(type(layer), type(layer))
    made = kind.from_config(layer.get_config())
    if type(layer) in QUANTIZED and not per_channel:
        made.axes = tuple(range(len(layer.kernel.shape)))
    return made

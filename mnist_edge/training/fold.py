"""Batch normalisation folded away: an equal model whose layers are what a converter quantizes.

    gamma (x - mean) / sqrt(variance + epsilon) + beta  =  scale x + shift

goes into the layer before it, else into the dense layer after it, else it becomes a 1x1 depthwise
convolution. An activation that converters cannot fuse (softmax, say) becomes a layer of its own,
so that every tensor that will be quantized is the output of a layer with a name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers

from mnist_edge.errors import ModelError
from mnist_edge.training.graph import Call, calls, consumers, rebuilt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Affine = tuple[NDArray[np.float64], NDArray[np.float64]]  # scale [C], shift [C]

WEIGHTED = (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)
FUSED = ("linear", "relu", "relu6")  # activations that a quantized layer has within
DROPPED = (layers.Dropout, layers.SpatialDropout2D)


def fold(model: Any) -> Any:
    """Return a plain Keras model that gives what `model` gives, with new layers of its own.

    Args:
        model: one input, one output; functional or sequential. It is left as it is.

    Raises:
        ModelError: a layer that has no quantized form, or a normalisation with nothing to go into.
    """
    found = {call.name: call for call in calls(model)}
    takers = consumers(list(found.values()))
    before: dict[str, Affine] = {}  # by weighted layer: what the normalisation after it does
    after: dict[str, Affine] = {}  # by layer: what is still to be done to its output
    for call in found.values():
        _check(call)
        if isinstance(call.layer, layers.BatchNormalization):
            source = found.get(call.sources[0])
            if source is not None and _takes(source, takers):
                before[source.name] = _affine(call.layer)
            elif all(_reaches_dense(taker, takers) for taker in takers[call.name]):
                after[call.name] = _affine(call.layer)
        elif isinstance(call.layer, DROPPED) and call.sources[0] in after:
            after[call.name] = after[call.sources[0]]

    def step(call: Call, value: Any) -> Any:
        if isinstance(call.layer, layers.BatchNormalization):
            if call.name in after or call.sources[0] in before:
                return value
            return _depthwise(call.layer, value)
        if isinstance(call.layer, WEIGHTED):
            return _weighted(call, value, before.get(call.name), after.get(call.sources[0]))
        return type(call.layer).from_config(call.layer.get_config())(value)

    return rebuilt(model, step)


def activation_of(layer: Any) -> str:
    """Return the name of what a layer does to each number after its sum: `linear` for nothing."""
    if isinstance(layer, layers.ReLU):
        plain = not layer.negative_slope and not layer.threshold
        return {None: "relu", 6: "relu6"}.get(layer.max_value, "other") if plain else "other"
    if isinstance(layer, layers.Softmax):
        return "softmax" if layer.axis == -1 else "other"
    if not hasattr(layer, "activation"):
        return "linear"
    name = keras.activations.serialize(layer.activation)
    return name if isinstance(name, str) else "other"


def _check(call: Call) -> None:
    layer = call.layer
    if isinstance(layer, WEIGHTED) and type(layer) not in WEIGHTED:
        raise ModelError(f"layer {layer.name} is a {type(layer).__name__}: not known how to fold")
    if isinstance(layer, layers.BatchNormalization) and layer.axis not in (-1, len(_shape(layer))):
        raise ModelError(f"layer {layer.name} normalises axis {layer.axis}; wanted the last")
    if getattr(layer, "data_format", None) == "channels_first":
        raise ModelError(f"layer {layer.name} has its channels first; wanted channels last")


def _shape(layer: Any) -> tuple[int, ...]:
    return tuple(layer.output.shape[1:])


def _takes(source: Call, takers: dict[str, list[Call]]) -> bool:
    """Whether a normalisation can go into `source`, the layer before it."""
    alone = len(takers[source.name]) == 1
    return alone and isinstance(source.layer, WEIGHTED) and activation_of(source.layer) == "linear"


def _reaches_dense(call: Call, takers: dict[str, list[Call]]) -> bool:
    """Whether `call` is a dense layer, or lets numbers through to nothing but dense layers."""
    if isinstance(call.layer, DROPPED):
        return all(_reaches_dense(taker, takers) for taker in takers[call.name])
    return isinstance(call.layer, layers.Dense)


def _affine(layer: Any) -> Affine:
    mean, variance = (np.asarray(each, np.float64) for each in layer.get_weights()[-2:])
    learnt = [np.asarray(each, np.float64) for each in layer.get_weights()[:-2]]
    gamma = learnt.pop(0) if layer.scale else np.ones_like(mean)
    beta = learnt.pop(0) if layer.center else np.zeros_like(mean)
    scale = gamma / np.sqrt(variance + layer.epsilon)
    return scale, beta - mean * scale


def _depthwise(layer: Any, value: Any) -> Any:
    """Return `value` normalised by a 1x1 depthwise convolution."""
    if len(value.shape) != 4:
        raise ModelError(
            f"layer {layer.name} normalises after an activation, with no dense layer next: put it "
            "right after the layer whose sums it normalises"
        )
    made = layers.DepthwiseConv2D(1, name=layer.name)
    output = made(value)
    scale, shift = _affine(layer)
    made.set_weights([scale.reshape(1, 1, -1, 1), shift])
    return output


def _weighted(call: Call, value: Any, before: Affine | None, after: Affine | None) -> Any:
    """Return what `call` gives for `value`, with normalisations in its weights.

    Args:
        call: a convolution or a dense layer.
        value: its input.
        before: of the normalisation that takes its output.
        after: of the normalisation whose output it takes; for dense layers.
    """
    layer, activation = call.layer, activation_of(call.layer)
    kernel = np.asarray(layer.get_weights()[0], np.float64)
    bias = np.asarray(layer.get_weights()[1], np.float64) if layer.use_bias else np.zeros(())
    if after is not None:
        scale, shift = after
        bias = bias + shift @ kernel
        kernel = kernel * scale[:, None]
    if before is not None:
        scale, shift = before
        bias = bias * scale + shift
        depthwise = isinstance(layer, layers.DepthwiseConv2D)
        kernel = kernel * (scale.reshape(kernel.shape[2:]) if depthwise else scale)
    config = {**layer.get_config(), "use_bias": layer.use_bias or bias.ndim > 0}
    if activation not in FUSED:
        config["activation"] = "linear"
    made = type(layer).from_config(config)
    output = made(value)
    made.set_weights([kernel, bias] if config["use_bias"] else [kernel])
    if activation in FUSED:
        return output
    return layers.Activation(layer.activation, name=f"{layer.name}_{activation}")(output)

"""What the layers of a Keras model give, nested models opened, and which are fused into which."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float32]

# What converters fuse into the layer before it, by the name of the Keras class.
FUSED = {
    "ActivityRegularization", "BatchNormalization", "Dropout", "GaussianDropout", "GaussianNoise",
    "Identity", "ReLU", "SpatialDropout2D",
}  # fmt: skip
FUSED_FUNCTIONS = {"linear", "relu", "relu6"}  # of an Activation layer
MERGING = {"Add", "Subtract", "Multiply"}


class Known(NamedTuple):
    """What one Keras layer gives for a few images.

    Attributes:
        name: of the layer that a reader would name: the convolution, where normalisation and
            activation follow it.
        layer: the Keras layer whose output it is.
        values: float32 [n,...].
    """

    name: str
    layer: Any
    values: Values


def keras_values(model: Any, images: Values) -> list[Known]:
    """Return what each layer of a Keras model gives for `images`, nested models opened.

    Args:
        model: functional or sequential; of others nothing is known and the list is empty.
        images: float32 [n,H,W,C].
    """
    opened = _opened(model, images, "")
    # The path is said only where layers of different nested models have one name.
    tails = Counter(name.rpartition("/")[2] for name in {place.name for place in opened})
    return [
        place._replace(name=tail) if tails[tail := place.name.rpartition("/")[2]] == 1 else place
        for place in opened
    ]


def _opened(model: Any, images: Values, path: str) -> list[Known]:
    import keras

    graph = _graph(model)
    if not graph:
        return []
    tensors = [tensor for tensor, _layer, _inputs in graph]
    gives = keras.Model(model.inputs, tensors)([images], training=False)
    values = {
        id(tensor): np.asarray(value, np.float32)
        for tensor, value in zip(tensors, gives, strict=True)
    }
    heads = _heads(graph)
    found = []
    for tensor, layer, inputs in graph:
        if _is_graph(layer) and len(inputs) == 1:
            found += _opened(layer, values[id(inputs[0])], f"{path}{layer.name}/")
        found.append(Known(path + heads[id(tensor)].name, layer, values[id(tensor)]))
    return found


def _graph(model: Any) -> list[tuple[Any, Any, list[Any]]]:
    """Return each tensor of a model with the layer that gives it and what that layer takes."""
    if not _is_graph(model):
        return []
    seen: set[int] = set()
    found = []
    waiting = [(tensor, False) for tensor in reversed(model.outputs)]
    while waiting:  # not recursive: networks are deeper than Python's stack
        tensor, inputs_done = waiting.pop()
        layer, place, _index = tensor._keras_history
        inputs = list(layer._inbound_nodes[place].input_tensors)
        if inputs_done:
            found.append((tensor, layer, inputs))
        elif id(tensor) not in seen:
            seen.add(id(tensor))
            waiting.append((tensor, True))
            waiting += [(each, False) for each in reversed(inputs)]
    return found


def _is_graph(layer: Any) -> bool:
    outputs = getattr(layer, "outputs", None) or []  # a Sequential that was never built has none
    return bool(outputs) and all(hasattr(each, "_keras_history") for each in outputs)


def _heads(graph: list[tuple[Any, Any, list[Any]]]) -> dict[int, Any]:
    """Return, by the id of a tensor, the layer that those fused into it are named after."""
    readers: dict[int, int] = {}
    for _tensor, _layer, inputs in graph:
        for each in inputs:
            readers[id(each)] = readers.get(id(each), 0) + 1
    heads: dict[int, Any] = {}
    for tensor, layer, inputs in graph:
        heads[id(tensor)] = layer
        if _is_fused(layer) and len(inputs) == 1 and readers[id(inputs[0])] == 1:
            head = heads.get(id(inputs[0]))
            if head is not None and _takes_others(head):
                heads[id(tensor)] = head
    return heads


def _is_fused(layer: Any) -> bool:
    kind = type(layer).__name__
    function = getattr(getattr(layer, "activation", None), "__name__", "")
    return kind in FUSED or (kind == "Activation" and function in FUSED_FUNCTIONS)


def _takes_others(layer: Any) -> bool:
    kind = type(layer).__name__
    return kind in MERGING or kind == "BatchNormalization" or hasattr(layer, "kernel")

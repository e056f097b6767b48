"""A Keras classifier as a list of layers and what feeds each, to be walked and built anew.

Sequential and functional models, models within models included: the list is flat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras

from mnist_edge.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Call:
    """A layer where it is called.

    Attributes:
        layer: the Keras layer, with its weights.
        sources: names of the layers whose outputs it takes; the model's input has a name too.
    """

    layer: Any
    sources: tuple[str, ...]

    @property
    def name(self) -> str:
        """The layer's name, which is that of its output too."""
        return str(self.layer.name)


def calls(model: Any) -> list[Call]:
    """Return the layers of `model` in order of computation, the input layer left out.

    Raises:
        ModelError: several inputs or outputs, a layer called twice or in several models, or
            an operation that is no layer.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelError(
            f"{model.name} has {len(model.inputs)} inputs and {len(model.outputs)} outputs; "
            "wanted one of each"
        )
    found = _flat(model, input_name(model))[0]
    names = [call.name for call in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ModelError(f"layer {twice[0]} of {model.name} is there twice; wanted each layer once")
    return found


def input_name(model: Any) -> str:
    """Return the name by which `Call.sources` mean the model's input."""
    return str(_graph(model).layers[0].name)


def consumers(found: list[Call]) -> dict[str, list[Call]]:
    """Return, by layer name, the calls that take its output."""
    takers: dict[str, list[Call]] = {call.name: [] for call in found}
    for call in found:
        for source in call.sources:
            takers.setdefault(source, []).append(call)
    return takers


def rebuilt(model: Any, step: Callable[[Call, Any], Any]) -> Any:
    """Return a model of the same form, made by `step` call by call.

    Args:
        model: is walked, not changed.
        step: takes a call and its input (a Keras tensor, or a list of them), returns its output.
    """
    image = keras.Input(model.inputs[0].shape[1:], name=input_name(model))
    values = {input_name(model): image}
    found = calls(model)
    for call in found:
        taken = [values[source] for source in call.sources]
        values[call.name] = step(call, taken if len(taken) > 1 else taken[0])
    return keras.Model(image, values[found[-1].name], name=model.name)


def _graph(model: Any) -> Any:
    """Return `model` as a functional one, on the same layers."""
    if isinstance(model, keras.Sequential):
        return keras.Model(model.inputs, model.outputs, name=model.name)
    return model


def _flat(model: Any, source: str) -> tuple[list[Call], str]:
    """Return the calls within `model`, fed by `source`, and the name of what it gives."""
    graph = _graph(model)
    if not hasattr(graph, "operations"):
        raise ModelError(f"{model.name} is a model of its own class; wanted layers only")
    renamed: dict[str, str] = {}
    found: list[Call] = []
    config = {item["name"]: item for item in graph.get_config()["layers"]}
    for layer in graph.operations:
        if isinstance(layer, keras.layers.InputLayer):
            renamed[layer.name] = source
            continue
        if not isinstance(layer, keras.layers.Layer):
            raise ModelError(f"{layer.name} of {model.name} is no layer; wanted layers only")
        nodes = config[layer.name]["inbound_nodes"]
        if len(nodes) != 1:
            raise ModelError(f"layer {layer.name} is called {len(nodes)} times; wanted once")
        sources = tuple(renamed.get(name, name) for name in _histories(nodes))
        if isinstance(layer, keras.Model):
            inner, renamed[layer.name] = _flat(layer, sources[0])
            found += inner
        else:
            found.append(Call(layer, sources))
    last = graph.outputs[0]._keras_history.operation.name
    return found, renamed.get(last, last)


def _histories(item: Any) -> Iterator[str]:
    """Give the names of the layers that a node's arguments come from, in their order."""
    if isinstance(item, dict) and "keras_history" in item:
        yield item["keras_history"][0]
    elif isinstance(item, dict):
        for value in item.values():
            yield from _histories(value)
    elif isinstance(item, (list, tuple)):
        for value in item:
            yield from _histories(value)

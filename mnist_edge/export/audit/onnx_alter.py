"""A float ONNX file with other weights, or with tensors rounded to a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from mnist_edge.export.activations import QDQ_INPUT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mnist_edge.quantize import QuantParams


def alter(
    content: bytes,
    constants: Mapping[str, NDArray[np.float32]],
    rounded: Mapping[str, QuantParams],
) -> bytes:
    """Return a float file with other constants, and with tensors rounded to a grid.

    Args:
        content: the float file.
        constants: new values by name, in the shape that they have.
        rounded: by tensor name the grid. Whoever takes the tensor gets it rounded.
    """
    model = onnx.load_from_string(content)
    graph = model.graph
    for item in graph.initializer:
        if item.name in constants:
            item.CopyFrom(numpy_helper.from_array(constants[item.name], item.name))
    for name, quant in rounded.items():
        _round(graph, name, quant)
    altered: bytes = model.SerializeToString()
    return altered


def _round(graph: Any, name: str, quant: QuantParams) -> None:
    """Put QuantizeLinear and DequantizeLinear behind a tensor."""
    ends = [item.name for item in graph.output]
    made = [name in node.output for node in graph.node]
    position = made.index(True) + 1 if any(made) else 0
    real = f"{name}/real"
    if name in ends:  # the output keeps its name, what computes it gets another
        producer = graph.node[position - 1]
        exact = name + QDQ_INPUT
        producer.output[list(producer.output).index(name)] = exact
        source, real = exact, name
    else:
        source = name
        for node in graph.node:
            for place, taken in enumerate(node.input):
                if taken == name:
                    node.input[place] = real
    grid = [f"{name}/scale", f"{name}/zero_point"]
    graph.initializer.append(numpy_helper.from_array(np.array(quant.scale, np.float32), grid[0]))
    graph.initializer.append(
        numpy_helper.from_array(np.array(quant.zero_point, quant.dtype), grid[1])
    )
    integers = f"{name}/integers"
    back = helper.make_node("DequantizeLinear", [integers, *grid], [real])
    graph.node.insert(position, back)
    graph.node.insert(position, helper.make_node("QuantizeLinear", [source, *grid], [integers]))

"""A float TensorFlow Lite file with other weights, or with tensors rounded to a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from mnist_edge.export.audit.tflite_object import DTYPES, name_of, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mnist_edge.quantize import QuantParams

CODES = {name: code for code, name in DTYPES.items()}


def alter(
    content: bytes,
    constants: Mapping[str, NDArray[np.float32]],
    rounded: Mapping[str, QuantParams],
) -> bytes:
    """Return a float file with other constants, and with tensors rounded to a grid.

    Args:
        content: the float file.
        constants: new values by name, in the shape that they have.
        rounded: by tensor name the grid. Whoever takes the tensor gets it rounded, under its name.
    """
    model = parsed(content)
    graph = model.subgraphs[0]
    places = {name_of(graph, index): index for index in range(len(graph.tensors))}
    for name, values in constants.items():
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.astype("<f4").tobytes(), np.uint8)
        model.buffers.append(buffer)
        graph.tensors[places[name]].buffer = len(model.buffers) - 1
    for name, quant in rounded.items():
        _round(model, places[name], quant)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _round(model: Any, place: int, quant: QuantParams) -> None:
    """Put QUANTIZE and DEQUANTIZE behind a tensor; what comes out has its name."""
    graph = model.subgraphs[0]
    exact = graph.tensors[place]
    integers, real = schema.TensorT(), schema.TensorT()
    for tensor, name in ((integers, exact.name + b"/integers"), (real, exact.name)):
        tensor.name, tensor.shape, tensor.shapeSignature = name, exact.shape, exact.shapeSignature
        tensor.buffer, tensor.type = 0, exact.type
        graph.tensors.append(tensor)
    exact.name += b"/exact"
    integers.type = CODES[quant.dtype]
    integers.quantization = schema.QuantizationParametersT()
    integers.quantization.scale = [quant.scale]
    integers.quantization.zeroPoint = [quant.zero_point]
    middle, last = len(graph.tensors) - 2, len(graph.tensors) - 1
    for op in graph.operators:
        op.inputs = [last if index == place else index for index in op.inputs]
    graph.outputs = [last if index == place else index for index in graph.outputs]
    made = [place in op.outputs for op in graph.operators]
    position = made.index(True) + 1 if any(made) else 0
    steps = (("QUANTIZE", place, middle), ("DEQUANTIZE", middle, last))
    for kind, source, result in reversed(steps):
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, kind)
        code.deprecatedBuiltinCode, code.version = code.builtinCode, 1
        model.operatorCodes.append(code)
        op = schema.OperatorT()
        op.opcodeIndex = len(model.operatorCodes) - 1
        op.inputs, op.outputs = [source], [result]
        graph.operators.insert(position, op)

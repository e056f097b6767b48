"""What the audit reads of TensorFlow Lite files, and how it alters a float one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from mnist_edge.export.audit.graph import Constant, Graph, Operator, Structure
from mnist_edge.export.audit.islands import Node, structure_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mnist_edge.quantize import QuantParams

MOVES = frozenset(
    {"RESHAPE", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS", "SLICE", "STRIDED_SLICE", "PAD"}
)
KEEP_VALUES = MOVES | {"MAX_POOL_2D", "CONCATENATION", "RESIZE_NEAREST_NEIGHBOR", "RELU", "RELU6"}
FUSED = frozenset({"RELU", "RELU6"})  # into what computes their input
CHANNELS_LAST = True
CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
KINDS = {code: name for name, code in vars(schema.BuiltinOperator).items() if name[0].isupper()}
DTYPES = {
    schema.TensorType.FLOAT32: "float32",
    schema.TensorType.FLOAT16: "float16",
    schema.TensorType.INT8: "int8",
    schema.TensorType.UINT8: "uint8",
    schema.TensorType.INT16: "int16",
    schema.TensorType.INT32: "int32",
    schema.TensorType.INT64: "int64",
}
CODES = {name: code for code, name in DTYPES.items()}
FLOATS = ("float32", "float16")


def read(content: bytes) -> Graph:
    """Read a float file."""
    model = _model(content)
    found = model.subgraphs[0]
    constant = _constant_places(model)
    operators = tuple(
        Operator(
            _kind(model, op),
            tuple(
                _name(found, index) for index in op.inputs if index >= 0 and index not in constant
            ),
            tuple(_name(found, index) for index in op.outputs),
            tuple(
                _name(found, index)
                for index in op.inputs
                if index in constant and _dtype(found.tensors[index]) == "float32"
            ),
        )
        for op in found.operators
    )
    output = _name(found, found.outputs[0])
    last = [op for op in operators if op.kind == "SOFTMAX" and output in op.outputs]
    return Graph(
        _name(found, found.inputs[0]), output, operators, last[0].inputs[0] if last else output
    )


def constants(content: bytes) -> dict[str, Constant]:
    """Return the constants of a quantized file; a name is the float file's too."""
    model = _model(content)
    found = model.subgraphs[0]
    result = {}
    for index in _constant_places(model):
        tensor = found.tensors[index]
        dtype = _dtype(tensor)
        stored = np.frombuffer(bytes(model.buffers[tensor.buffer].data), dtype or "uint8")
        if not dtype or stored.size != int(np.prod(tensor.shape)):
            continue  # packed in a way of its own: half bytes, sparse
        quant = tensor.quantization
        scales = np.empty(0) if quant is None or quant.scale is None else np.atleast_1d(quant.scale)
        axis = 0 if quant is None else int(quant.quantizedDimension)
        values = stored.reshape(tensor.shape).astype(np.float64)
        if len(scales):
            shape = [1] * values.ndim
            if len(scales) > 1:
                shape[axis] = -1
            zeros = np.atleast_1d(quant.zeroPoint)
            values = (values - zeros.reshape(shape)) * scales.reshape(shape)
        elif dtype not in FLOATS:
            continue
        # Kernels are [out,height,width,in] and [out,in]; depthwise ones [1,height,width,out].
        depthwise = values.ndim == 4 and values.shape[0] == 1
        last = max(0, values.ndim - 1)
        result[_name(found, index)] = Constant(
            values.astype(np.float32),
            dtype,
            len(scales),
            outputs=last if depthwise else 0,
            inputs=0 if depthwise else last,
        )
    return result


def pairs(graph: Graph, original: bytes, quantized: bytes) -> dict[str, str]:
    """Return which tensor of the quantized file stands for which of the float file.

    Both have the same operators in the same order but for conversions; names help where not.
    """
    model = _model(quantized)
    found = model.subgraphs[0]
    every = [(_kind(model, op), op) for op in found.operators]
    computing = [(kind, op) for kind, op in every if kind not in CONVERSIONS]
    if [kind for kind, _ in computing] == [op.kind for op in graph.operators]:
        result = {
            name: _name(found, index)
            for op, (_, other) in zip(graph.operators, computing, strict=True)
            for name, index in zip(op.outputs, other.outputs, strict=False)
        }
    else:
        there = {_name(found, index): index for _, op in every for index in op.outputs}
        shapes = {name: list(found.tensors[index].shape) for name, index in there.items()}
        result = {
            name: name
            for name, shape in _shapes(original).items()
            if name in shapes and shapes[name] == shape
        }
    result[graph.input] = _name(found, found.inputs[0])
    # A float tensor that is quantized at once is seen where it is quantized.
    rounded = {
        _name(found, op.inputs[0]): _name(found, op.outputs[0])
        for kind, op in every
        if kind == "QUANTIZE"
    }
    floating = {tensor.name.decode() for tensor in found.tensors if _dtype(tensor) in FLOATS}
    return {
        name: rounded.get(other, other) if other in floating else other
        for name, other in result.items()
    }


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
    model = _model(content)
    graph = model.subgraphs[0]
    places = {_name(graph, index): index for index in range(len(graph.tensors))}
    for name, values in constants.items():
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.astype("<f4").tobytes(), np.uint8)
        model.buffers.append(buffer)
        graph.tensors[places[name]].buffer = len(model.buffers) - 1
    for name, quant in rounded.items():
        _round(model, places[name], quant)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def structure(content: bytes) -> Structure:
    """Count what computes in integers."""
    model = _model(content)
    graph = model.subgraphs[0]
    constant = _constant_places(model)
    dtypes = {_name(graph, index): _dtype(tensor) for index, tensor in enumerate(graph.tensors)}
    unpacked: set[str] = set()  # float16 weights, made float when the file is opened
    nodes = []
    for op in graph.operators:
        kind = _kind(model, op)
        taken = tuple(
            _name(graph, index) for index in op.inputs if index >= 0 and index not in constant
        )
        taken = tuple(name for name in taken if name not in unpacked)
        given = tuple(_name(graph, index) for index in op.outputs)
        if not taken:
            unpacked.update(given)
            continue
        nodes.append(
            Node(
                kind,
                kind in CONVERSIONS,
                kind in MOVES,
                any(dtypes[name] in FLOATS for name in (*given, *taken)),
                taken,
                given,
            )
        )
    ends = {_name(graph, index) for index in (*graph.inputs, *graph.outputs)}
    return structure_of(nodes, ends)


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


def _model(content: bytes) -> Any:
    return flatbuffer_utils.convert_bytearray_to_object(bytearray(content))


def _name(graph: Any, index: int) -> str:
    return str(graph.tensors[index].name.decode())


def _kind(model: Any, op: Any) -> str:
    code = model.operatorCodes[op.opcodeIndex]
    return str(KINDS[max(code.builtinCode, code.deprecatedBuiltinCode)])


def _dtype(tensor: Any) -> str:
    return DTYPES.get(tensor.type, "")


def _constant_places(model: Any) -> set[int]:
    return {
        index
        for index, tensor in enumerate(model.subgraphs[0].tensors)
        if model.buffers[tensor.buffer].data is not None and len(model.buffers[tensor.buffer].data)
    }


def _shapes(content: bytes) -> dict[str, list[int]]:
    graph = _model(content).subgraphs[0]
    return {tensor.name.decode(): list(tensor.shape) for tensor in graph.tensors}

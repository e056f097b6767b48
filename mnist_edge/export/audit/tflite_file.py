"""What the audit reads of TensorFlow Lite files."""

from __future__ import annotations

from typing import Any

import numpy as np

from mnist_edge.export.audit.graph import Constant, Graph, Operator, Structure
from mnist_edge.export.audit.islands import Node, structure_of
from mnist_edge.export.audit.tflite_alter import alter as alter
from mnist_edge.export.audit.tflite_object import (
    constant_places,
    dtype_of,
    kind_of,
    name_of,
    parsed,
)

MOVES = frozenset(
    {"RESHAPE", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS", "SLICE", "STRIDED_SLICE", "PAD"}
)
KEEP_VALUES = MOVES | {"MAX_POOL_2D", "CONCATENATION", "RESIZE_NEAREST_NEIGHBOR", "RELU", "RELU6"}
FUSED = frozenset({"RELU", "RELU6", "ADD", "MUL"})  # into what computes their one input
CHANNELS_LAST = True
CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
FLOATS = ("float32", "float16")


def read(content: bytes) -> Graph:
    """Read a float file."""
    model = parsed(content)
    found = model.subgraphs[0]
    constant = constant_places(model)
    operators = tuple(
        Operator(
            kind_of(model, op),
            tuple(
                name_of(found, index) for index in op.inputs if index >= 0 and index not in constant
            ),
            tuple(name_of(found, index) for index in op.outputs),
            tuple(
                name_of(found, index)
                for index in op.inputs
                if index in constant and dtype_of(found.tensors[index]) == "float32"
            ),
        )
        for op in found.operators
    )
    output = name_of(found, found.outputs[0])
    last = [op for op in operators if op.kind == "SOFTMAX" and output in op.outputs]
    return Graph(
        name_of(found, found.inputs[0]), output, operators, last[0].inputs[0] if last else output
    )


def constants(content: bytes) -> dict[str, Constant]:
    """Return the constants of a quantized file; a name is the float file's too."""
    model = parsed(content)
    found = model.subgraphs[0]
    of_depthwise = _depthwise_kernels(model)
    result = {}
    for index in constant_places(model):
        tensor = found.tensors[index]
        dtype = dtype_of(tensor)
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
        depthwise = index in of_depthwise
        last = max(0, values.ndim - 1)
        result[name_of(found, index)] = Constant(
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
    model = parsed(quantized)
    found = model.subgraphs[0]
    every = [(kind_of(model, op), op) for op in found.operators]
    computing = [(kind, op) for kind, op in every if kind not in CONVERSIONS]
    if [kind for kind, _ in computing] == [op.kind for op in graph.operators]:
        result = {
            name: name_of(found, index)
            for op, (_, other) in zip(graph.operators, computing, strict=True)
            for name, index in zip(op.outputs, other.outputs, strict=False)
        }
    else:
        there = {name_of(found, index): index for _, op in every for index in op.outputs}
        shapes = {name: list(found.tensors[index].shape) for name, index in there.items()}
        result = {
            name: name
            for name, shape in _shapes(original).items()
            if name in shapes and shapes[name] == shape
        }
    result[graph.input] = name_of(found, found.inputs[0])
    # A float tensor that is quantized at once is seen where it is quantized.
    rounded = {
        name_of(found, op.inputs[0]): name_of(found, op.outputs[0])
        for kind, op in every
        if kind == "QUANTIZE"
    }
    floating = {tensor.name.decode() for tensor in found.tensors if dtype_of(tensor) in FLOATS}
    return {
        name: rounded.get(other, other) if other in floating else other
        for name, other in result.items()
    }


def structure(content: bytes) -> Structure:
    """Count what computes in integers."""
    model = parsed(content)
    graph = model.subgraphs[0]
    constant = constant_places(model)
    dtypes = {name_of(graph, index): dtype_of(tensor) for index, tensor in enumerate(graph.tensors)}
    nodes = []
    for op in graph.operators:
        kind = kind_of(model, op)
        taken = tuple(
            name_of(graph, index) for index in op.inputs if index >= 0 and index not in constant
        )
        given = tuple(name_of(graph, index) for index in op.outputs)
        if not taken:  # float16 weights, made float when the file is opened
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
    ends = {name_of(graph, index) for index in (*graph.inputs, *graph.outputs)}
    return structure_of(nodes, ends)


def _depthwise_kernels(model: Any) -> set[int]:
    """Return the indices of depthwise kernels; a convolution of one filter has the same shape."""
    every = [(kind_of(model, op), op) for op in model.subgraphs[0].operators]
    # float16 weights are made float when the file is opened
    stored = {op.outputs[0]: op.inputs[0] for kind, op in every if kind == "DEQUANTIZE"}
    kernels = [op.inputs[1] for kind, op in every if kind == "DEPTHWISE_CONV_2D"]
    return {int(stored.get(index, index)) for index in kernels}


def _shapes(content: bytes) -> dict[str, list[int]]:
    graph = parsed(content).subgraphs[0]
    return {tensor.name.decode(): list(tensor.shape) for tensor in graph.tensors}

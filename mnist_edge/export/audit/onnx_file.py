"""What the audit reads of ONNX files."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import numpy_helper

from mnist_edge.export.activations import QDQ_INPUT
from mnist_edge.export.audit.graph import Constant, Graph, Operator, Structure
from mnist_edge.export.audit.islands import Node, structure_of
from mnist_edge.export.audit.onnx_alter import alter as alter
from mnist_edge.export.quiet import quiet

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOVES = frozenset(
    {"Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Slice", "Pad"}
)
KEEP_VALUES = MOVES | {"MaxPool", "Concat", "Relu", "Clip"}
FUSED = frozenset({"Relu", "Clip", "Add", "Mul"})  # into what computes their one input
CHANNELS_LAST = False
CONVERSIONS = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")
SUFFIXES = (QDQ_INPUT, "_DequantizeLinear_Output", "_quantized")
GIVES = ("QLinear", "QGemm", "QuantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInt")
COMPUTES = ("QLinear", "QGemm", "ConvInteger", "MatMulInteger", "DynamicQuantizeMatMul")
# On x86-64 it turns int8 activations into uint8 first, and fuses nothing where it cannot do that
# on both sides: islands that no Raspberry Pi has.
INT8_AS_ON_ARM = ("session.qdqisint8allowed", "1")
TO_FLOAT = ("DequantizeLinear", "Cast")


def read(content: bytes) -> Graph:
    """Read a float file."""
    graph = onnx.load_from_string(content).graph
    constant = {item.name: item.data_type for item in graph.initializer}
    operators = tuple(
        Operator(
            node.op_type,
            tuple(name for name in node.input if name and name not in constant),
            tuple(name for name in node.output if name),
            tuple(name for name in node.input if constant.get(name) == onnx.TensorProto.FLOAT),
        )
        for node in graph.node
    )
    output = graph.output[0].name
    last = [op for op in operators if op.kind == "Softmax" and output in op.outputs]
    return Graph(graph.input[0].name, output, operators, last[0].inputs[0] if last else output)


def constants(content: bytes) -> dict[str, Constant]:
    """Return the constants of a quantized file by the names that the float file has.

    ONNX Runtime's quantizer stores `w` as `w_quantized` with `w_scale` and `w_zero_point`.
    """
    graph = onnx.load_from_string(content).graph
    stored = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    axes = {
        node.input[0]: next((each.i for each in node.attribute if each.name == "axis"), 1)
        for node in graph.node
        if node.op_type == "DequantizeLinear"
    }
    result = {}
    for name, values in stored.items():
        if values.dtype in (np.float32, np.float16):
            result[name] = _constant(values, values.dtype.name, 0)
        plain = name.removesuffix("_quantized")
        scale = stored.get(f"{plain}_scale", stored.get(f"{name}_scale"))
        zero = stored.get(f"{plain}_zero_point", stored.get(f"{name}_zero_point"))
        if plain == name or scale is None or zero is None:
            continue
        axis = axes.get(name, 0) % max(1, values.ndim)
        shape = [1] * values.ndim
        if scale.size > 1:
            shape[axis] = -1
        real = (values.astype(np.float64) - zero.reshape(shape)) * scale.reshape(shape)
        result[plain] = _constant(real.reshape(values.shape), values.dtype.name, scale.size)
    return result


def _constant(values: NDArray[Any], stored: str, scales: int) -> Constant:
    """Describe a constant: kernels are [out,in,height,width], and [in,out] in MatMul and Gemm."""
    outputs, inputs = (1, 0) if values.ndim == 2 else (0, min(1, max(0, values.ndim - 1)))
    return Constant(values.astype(np.float32), stored, scales, outputs, inputs)


def pairs(graph: Graph, original: bytes, quantized: bytes) -> dict[str, str]:
    """Return which tensor of the quantized file stands for which of the float file.

    Names survive quantization, but for the numbers that tf2onnx counts through a process.
    """
    del original
    found = onnx.load_from_string(quantized).graph
    there = {found.input[0].name}
    for node in found.node:
        if node.op_type not in CONVERSIONS:
            there.update(_plain(name) for name in node.output if name)
    there.update(item.name for item in found.output)
    numberless: dict[str, list[str]] = {}
    for name in there:
        numberless.setdefault(_numberless(name), []).append(name)
    result = {}
    for name in (graph.input, *(name for op in graph.operators for name in op.outputs)):
        like = numberless.get(_numberless(name), [])
        if name in there:
            result[name] = name
        elif len(like) == 1 and re.search(r"/.*__\d+", name):  # `Conv__12` says nothing
            result[name] = like[0]
    return result


def structure(content: bytes) -> Structure:
    """Count what computes in integers once ONNX Runtime has fused what it can.

    QuantizeLinear and DequantizeLinear around a node are notation: what runs is in the graph that
    ONNX Runtime makes of them, here as it does on ARM (see INT8_AS_ON_ARM).
    """
    graph = _optimized(content)
    constant = {item.name for item in graph.initializer}
    integers: set[str] = set()
    shapes: set[str] = set()  # numbers about tensors, not of them
    nodes = []
    for node in graph.node:
        taken = {name for name in node.input if name} - constant - shapes
        given = tuple(name for name in node.output if name)
        if node.op_type == "Shape" or not taken:
            shapes.update(given)
            continue
        computes = node.op_type.startswith(COMPUTES)
        # What takes integers gives integers: pooling, moves, ONNX Runtime's own operators.
        if node.op_type.startswith(GIVES) or (taken <= integers and node.op_type not in TO_FLOAT):
            integers.update(given)
        nodes.append(
            Node(
                node.op_type,
                node.op_type in CONVERSIONS,
                node.op_type in MOVES,
                not (computes or set(given) <= integers),
                tuple(taken),
                given,
            )
        )
    ends = {graph.input[0].name, graph.output[0].name}
    return structure_of(nodes, ends)


def _optimized(content: bytes) -> Any:
    """Return the graph that ONNX Runtime runs."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder, quiet("optimization by ONNX Runtime"):
        path = Path(folder) / "optimized.onnx"
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(path)
        # All but the choice of memory layouts, which renames tensors and fuses nothing more.
        level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.graph_optimization_level = level
        options.add_session_config_entry(*INT8_AS_ON_ARM)
        options.log_severity_level = 4  # it warns that the file is for this machine alone
        onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        return onnx.load(path).graph


def _plain(name: str) -> str:
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def _numberless(name: str) -> str:
    return re.sub(r"__\d+", "", name)

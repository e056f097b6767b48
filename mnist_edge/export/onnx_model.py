"""Keras to ONNX, float32, int8 (static, QDQ) and dynamic; any number of images a batch."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from mnist_edge.errors import ModelError
from mnist_edge.export.graph import Operation, around
from mnist_edge.export.quiet import quiet
from mnist_edge.export.refusals import check_standard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mnist_edge.export.plan import Target

OPSET = 17  # ONNX Runtime 1.12 and later


def convert(model: Any) -> bytes:
    """Return the float32 ONNX file of a Keras model.

    Args:
        model: takes float32 [N,H,W,C] in 0..1, gives probabilities [N,K].

    Raises:
        ModelError: the conversion fails.
    """
    import tf2onnx.convert  # with all that takes a number when it is imported

    with tempfile.TemporaryDirectory() as folder, quiet("conversion to float32 ONNX"):
        path = Path(folder) / "model.onnx"
        tf2onnx.utils.INTERNAL_NAME = 1  # names are numbered by a counter of the process
        model(np.zeros((1, *model.inputs[0].shape[1:]), np.float32))  # or Keras: "never called"
        model.export(path, format="onnx", opset_version=OPSET, verbose=False)
        made = onnx.load(path)
        made.graph.doc_string = ""  # it has TensorFlow's name of a function, another each time
        content: bytes = made.SerializeToString(deterministic=True)
    check_standard(content)
    return content


def prepare(content: bytes) -> bytes:
    """Return a float32 file as the quantizer wants it: simplified, with the shape of each tensor.

    Raises:
        ModelError: ONNX Runtime refuses it.
    """
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder, quiet("preparation of the ONNX model"):
        source, prepared = Path(folder) / "model.onnx", Path(folder) / "prepared.onnx"
        source.write_bytes(content)
        # The dimensions are known but for the batch: symbolic inference (sympy) has nothing to add.
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        return prepared.read_bytes()


def quantize(content: bytes, target: Target, ranges: Mapping[str, tuple[float, float]]) -> bytes:
    """Return the int8 file of a float32 one: QuantizeLinear and DequantizeLinear around nodes.

    Args:
        content: from `prepare`.
        target: per channel or per tensor, and which tensors to keep in float.
        ranges: (low, high) of the input and of every node's output, by tensor name.

    Raises:
        ModelError: the quantizer refuses.
    """
    from onnxruntime import quantization
    from onnxruntime.quantization.calibrate import TensorsData
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
    from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

    with quiet("quantization to int8 ONNX"):
        model = onnx.load_from_string(content)
        seen = {name: tuple(map(np.float32, each)) for name, each in ranges.items()}
        floats = around(operations(content), target.float_layers)
        kept = [node.name for node in model.graph.node if set(node.output) & floats]
        # Signed with signed does not saturate on processors without VNNI, as unsigned would.
        signed = quantization.QuantType.QInt8
        worker = QDQQuantizer(
            model,
            per_channel=target.granularity == "per-channel",
            reduce_range=False,
            weight_qType=signed,
            activation_qType=signed,
            tensors_range=TensorsData(quantization.CalibrationMethod.MinMax, seen),
            nodes_to_quantize=[],
            nodes_to_exclude=kept,
            op_types_to_quantize=list({*QDQRegistry, *QLinearOpsRegistry}),
            extra_options={},
        )
        worker.quantize_model()
        worker.model.topological_sort()
        quantized: bytes = worker.model.model.SerializeToString()
    return quantized


def convert_dynamic(content: bytes) -> bytes:
    """Return a file with 8-bit weights whose activations are quantized anew for each image.

    Args:
        content: from `convert`.

    Raises:
        ModelError: the quantizer refuses.
    """
    from onnxruntime import quantization

    with tempfile.TemporaryDirectory() as folder, quiet("conversion to dynamic ONNX"):
        source, result = Path(folder) / "model.onnx", Path(folder) / "dynamic.onnx"
        source.write_bytes(content)
        # Activations are unsigned there; unsigned weights do not saturate without VNNI.
        unsigned = quantization.QuantType.QUInt8
        quantization.quantize_dynamic(source, result, weight_type=unsigned)
        return result.read_bytes()


def operators(content: bytes) -> tuple[str, ...]:
    """Return the sorted names of the operators in an ONNX file.

    Raises:
        ModelError: it has an operator of a domain of its own.
    """
    nodes = onnx.load_from_string(content).graph.node
    foreign = sorted({node.op_type for node in nodes if node.domain not in ("", "ai.onnx")})
    if foreign:
        raise ModelError(f"the model needs {', '.join(foreign)}, which is not standard ONNX")
    return tuple(sorted({node.op_type for node in nodes}))


def operations(content: bytes) -> list[Operation]:
    """Return what the nodes of a float32 ONNX file take and give, in their order."""
    graph = onnx.load_from_string(content).graph
    variable = {graph.input[0].name, *(name for node in graph.node for name in node.output)}
    return [
        Operation(
            node.op_type,
            tuple(name for name in node.input if name in variable),
            tuple(node.output),
        )
        for node in graph.node
    ]


def ends(content: bytes) -> tuple[str, str]:
    """Return the names of an ONNX file's input and output."""
    graph = onnx.load_from_string(content).graph
    return graph.input[0].name, graph.output[0].name

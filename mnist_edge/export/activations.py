"""What every tensor of an exported model holds while it answers.

Runtimes hide what is between input and output: they share memory and fuse operators. Here each
intermediate tensor is kept: TensorFlow Lite's interpreter without delegates, ONNX Runtime without
optimization and with every tensor as an output. Slow, exact enough (a kernel may round a step
otherwise), and the same view for both families.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import onnx

from mnist_edge.export.quiet import quiet
from mnist_edge.quantize import QuantParams, dequantize, quantize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Images = NDArray[np.float32]

QDQ_INPUT = "_QuantizeLinear_Input"  # what ONNX Runtime's quantizer appends to a float output


class Traced(NamedTuple):
    """What a tensor held for one image.

    Attributes:
        values: float32 real numbers, dequantized where they are stored as integers; the caller's.
        quant: scale and zero point of the integers; None for floats.
    """

    values: NDArray[np.float32]
    quant: QuantParams | None


def trace(model_format: str, content: bytes, images: Images) -> Iterator[dict[str, Traced]]:
    """Run a `tflite` or `onnx` file; see `trace_tflite` and `trace_onnx`."""
    tracer = {"tflite": trace_tflite, "onnx": trace_onnx}[model_format]
    return tracer(content, images)


def trace_tflite(content: bytes, images: Images) -> Iterator[dict[str, Traced]]:
    """Run images one by one through a TensorFlow Lite file.

    Args:
        content: the file.
        images: float32 [N,H,W,C] in 0..1; quantized where the model's input is.

    Returns:
        For each image what each tensor held, [1, ...], by the tensor's name: the input first, then
        the outputs of the operators in their order.
    """
    interpreter = _interpreter(content)
    details = {item["index"]: item for item in interpreter.get_tensor_details()}
    entry = interpreter.get_input_details()[0]
    produced = [index for op in interpreter._get_ops_details() for index in op["outputs"]]
    wanted = [int(entry["index"]), *dict.fromkeys(int(index) for index in produced if index >= 0)]
    quants = {index: _quant(details[index]) for index in wanted}
    for image in images:
        taken = quants[wanted[0]]
        interpreter.set_tensor(
            entry["index"], image[None] if taken is None else quantize(image[None], taken)
        )
        interpreter.invoke()
        yield {
            details[index]["name"]: _real(interpreter.get_tensor(index), quants[index])
            for index in wanted
        }


def trace_onnx(content: bytes, images: Images) -> Iterator[dict[str, Traced]]:
    """Run images one by one through an ONNX file.

    Args:
        content: the file: float, or quantized by QuantizeLinear and DequantizeLinear.
        images: float32 [N,H,W,C] in 0..1.

    Returns:
        For each image what each tensor held, [1, ...], by the tensor's name: the input first, then
        the outputs of the nodes in their order. In a quantized file a tensor goes by the name that
        it has in the float one, and holds what comes out of its DequantizeLinear.
    """
    import onnxruntime

    model = onnx.load_from_string(content)
    entry = model.graph.input[0].name
    shown = _shown(model)
    there = {item.name for item in model.graph.output}
    for source, _ in shown.values():
        if source not in there:
            model.graph.output.append(onnx.helper.make_empty_tensor_value_info(source))
            there.add(source)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    with quiet("tracing of the ONNX model"):
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    sources = list(dict.fromkeys(source for source, _ in shown.values()))
    for image in images:
        found = dict(zip(sources, session.run(sources, {entry: image[None]}), strict=True))
        traced = {entry: Traced(image[None], None)}
        for name, (source, quant) in shown.items():
            if found[source].dtype == np.float32:
                traced[name] = Traced(found[source], quant)
        yield traced


def _shown(model: Any) -> dict[str, tuple[str, QuantParams | None]]:
    """Return for each tensor, by its float name, where to read it and how it is stored."""
    constants = {item.name: onnx.numpy_helper.to_array(item) for item in model.graph.initializer}
    quantized = {
        node.input[0]: node for node in model.graph.node if node.op_type == "QuantizeLinear"
    }
    restored = {
        node.input[0]: node for node in model.graph.node if node.op_type == "DequantizeLinear"
    }
    found: dict[str, tuple[str, QuantParams | None]] = {}
    notation = ("QuantizeLinear", "DequantizeLinear")
    inputs = [model.graph.input[0].name]
    for node in model.graph.node:
        if node.op_type not in notation:
            inputs += [name for name in node.output if name]
    for name in inputs:
        node = quantized.get(name)
        back = restored.get(node.output[0]) if node is not None else None
        if node is None or back is None:
            found[name] = (name, None)
            continue
        scale, zero = constants[node.input[1]], constants[node.input[2]]
        quant = QuantParams(float(scale), int(zero), str(zero.dtype))
        found[name.removesuffix(QDQ_INPUT)] = (back.output[0], quant)
    first = inputs[0]
    if found[first][1] is None:  # nothing to read: it is what was given
        del found[first]
    return found


def _interpreter(content: bytes) -> Any:
    """Open a TensorFlow Lite file so that every tensor can be read."""
    import tensorflow as tf

    kind: Callable[..., Any] = tf.lite.Interpreter
    resolvers: Any = tf.lite.experimental.OpResolverType
    try:
        from ai_edge_litert import interpreter as litert

        kind, resolvers = litert.Interpreter, litert.OpResolverType
    except ImportError:
        pass
    with quiet("tracing of the TensorFlow Lite model"):
        interpreter = kind(
            model_content=content,
            experimental_op_resolver_type=resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=True,
        )
        interpreter.allocate_tensors()
    return interpreter


def _quant(detail: dict[str, Any]) -> QuantParams | None:
    found = detail["quantization_parameters"]
    if len(found["scales"]) != 1:
        return None
    return QuantParams(
        float(found["scales"][0]),
        int(found["zero_points"][0]),
        np.dtype(detail["dtype"]).name,
    )


def _real(stored: NDArray[Any], quant: QuantParams | None) -> Traced:
    if quant is None:
        return Traced(stored.astype(np.float32), None)
    return Traced(dequantize(stored, quant), quant)

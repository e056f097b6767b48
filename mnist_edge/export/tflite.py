"""Keras to TensorFlow Lite: built-in operators only, a static batch of one image.

The float file is made by TensorFlow's converter. An int8 file is made from it: the range of each
tensor (`ranges`) is written into the float file, and TensorFlow's quantizer does the rest. So the
ranges are ours, and a tensor has the same name in both files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf
from tensorflow.lite.python import convert as quantizer
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from mnist_edge.errors import ModelError
from mnist_edge.export.compact import compact
from mnist_edge.export.graph import Operation, around
from mnist_edge.export.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mnist_edge.export.plan import Target

DTYPES = {"int8": tf.int8, "uint8": tf.uint8, "float32": tf.float32, "int16": tf.int16}
_NAMES = {value: name for name, value in vars(schema.BuiltinOperator).items() if name[0].isupper()}


def convert(model: Any) -> bytes:
    """Return the float32 TensorFlow Lite file of a Keras model.

    Args:
        model: takes float32 [N,H,W,C] in 0..1, gives probabilities [N,K].

    Raises:
        ModelError: the model needs an operator that small runtimes lack.
    """
    with quiet("conversion to float32 TensorFlow Lite"):
        return compact(_converter(model).convert())


def convert_weights(model: Any, target: Target) -> bytes:
    """Return a file in which only weights are quantized: `float16` or `dynamic`.

    Raises:
        ModelError: as `convert`.
    """
    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if target.quantization == "float16":
        converter.target_spec.supported_types = [tf.float16]
    # Else dense layers need FULLY_CONNECTED version 12, which tflite-runtime does not know.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    with quiet(f"conversion to {target.quantization} TensorFlow Lite"):
        return compact(converter.convert())


def convert_int16(model: Any, target: Target, images: NDArray[np.float32]) -> bytes:
    """Return a file with int16 activations and int8 weights.

    TensorFlow's own calibration is used, the least and the greatest value: 16 bits are fine
    enough for any range, and its quantizer takes none of ours for them.

    Args:
        model: as for `convert`.
        target: says what the input and the output are.
        images: of calibration, float32 [N,H,W,C] in 0..1.

    Raises:
        ModelError: as `convert`.
    """
    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    ]
    pinned = images.copy()
    pinned[0].flat[[0, -1]] = 0, 1  # the input's range is known; a dim sample would clip it
    converter.representative_dataset = lambda: ([image[None]] for image in pinned)
    converter.inference_input_type = converter.inference_output_type = DTYPES[target.io]
    with quiet("conversion to int16x8 TensorFlow Lite"):
        return compact(converter.convert())


def quantize(content: bytes, target: Target, ranges: Mapping[str, tuple[float, float]]) -> bytes:
    """Return the int8 file of a float32 one.

    Args:
        content: from `convert`.
        target: the types of input and output, per channel or per tensor, and which tensors to
            keep in float.
        ranges: (low, high) of the input and of every operator's output, by tensor name.

    Raises:
        ModelError: the quantizer refuses, or a tensor has no range.
    """
    each = target.granularity == "per-tensor"
    with quiet("quantization to int8 TensorFlow Lite"):
        quantized = quantizer.mlir_quantize(
            _with_ranges(content, ranges),
            fully_quantize=False,  # it would force int8 upon input and output
            input_data_type=DTYPES[target.io],
            output_data_type=DTYPES[target.io],
            disable_per_channel=each,
            disable_per_channel_for_dense_layers=each,
            denylisted_nodes=sorted(around(operations(content), target.float_layers)),
        )
    return compact(bytes(quantized))


def operators(content: bytes) -> tuple[str, ...]:
    """Return the sorted names of the built-in operators in a TensorFlow Lite file.

    Raises:
        ModelError: it has a custom operator.
    """
    model = schema.Model.GetRootAsModel(content, 0)
    found = set()
    for place in range(model.OperatorCodesLength()):
        code = model.OperatorCodes(place)
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        if number == schema.BuiltinOperator.CUSTOM:
            raise ModelError(
                f"the model needs {code.CustomCode().decode()}, which small runtimes lack: "
                "use layers that TensorFlow Lite has built in"
            )
        found.add(_NAMES[number])
    return tuple(sorted(found))


def operations(content: bytes) -> list[Operation]:
    """Return what the operators of a float32 TensorFlow Lite file take and give, in their order."""
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    graph = model.subgraphs[0]
    names = [tensor.name.decode() for tensor in graph.tensors]
    variable = {*graph.inputs, *(index for op in graph.operators for index in op.outputs)}
    return [
        Operation(
            _NAMES[_number(model.operatorCodes[op.opcodeIndex])],
            tuple(names[index] for index in op.inputs if index in variable),
            tuple(names[index] for index in op.outputs),
        )
        for op in graph.operators
    ]


def ends(content: bytes) -> tuple[str, str]:
    """Return the names of a TensorFlow Lite file's input and output."""
    graph = flatbuffer_utils.convert_bytearray_to_object(bytearray(content)).subgraphs[0]
    return tuple(graph.tensors[each[0]].name.decode() for each in (graph.inputs, graph.outputs))


def _number(code: Any) -> int:
    """Return an operator's number, which old files keep in another field."""
    return max(int(code.builtinCode), int(code.deprecatedBuiltinCode))


def _converter(model: Any) -> Any:
    # With the batch fixed, no shape arithmetic is left in the file: one delegate partition.
    image = keras.Input(batch_shape=(1, *model.inputs[0].shape[1:]), name="image")
    fixed = keras.Model(image, model(image), name=f"{model.name}_single")
    converter = tf.lite.TFLiteConverter.from_keras_model(fixed)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    return converter


def _with_ranges(content: bytes, ranges: Mapping[str, tuple[float, float]]) -> bytes:
    """Return a float file that says of each activation which range it has."""
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    graph = model.subgraphs[0]
    activations: Sequence[int] = [
        *graph.inputs,
        *(index for op in graph.operators for index in op.outputs),
    ]
    for index in activations:
        tensor = graph.tensors[index]
        if tensor.type != schema.TensorType.FLOAT32:
            continue
        name = tensor.name.decode()
        if name not in ranges:
            raise ModelError(f"tensor {name} has no range: calibrate on the file to be quantized")
        low, high = ranges[name]
        tensor.quantization = tensor.quantization or schema.QuantizationParametersT()
        tensor.quantization.min, tensor.quantization.max = [low], [high]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))

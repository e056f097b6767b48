"""Keras to TensorFlow Lite: built-in operators only, a static batch of one image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

from mnist_edge.errors import ModelError
from mnist_edge.export.quiet import quiet

if TYPE_CHECKING:
    from mnist_edge.export.calibration import Calibration


def convert(model: Any, quantization: str, calibration: Calibration | None) -> bytes:
    """Return the TensorFlow Lite file of a Keras model.

    Args:
        model: takes float32 [N,28,28,1] in 0..1.
        quantization: `float32`, `float16`, `dynamic`, `int8` (int8 in and out) or `int16x8`
            (int16 in and out).
        calibration: needed for `int8` and `int16x8`.

    Raises:
        ModelError: the model needs an operator that small runtimes lack.
    """
    # With the batch fixed, no shape arithmetic is left in the file: one delegate partition.
    image = keras.Input(batch_shape=(1, *model.inputs[0].shape[1:]), name="image")
    fixed = keras.Model(image, model(image), name=f"{model.name}_single")
    converter = tf.lite.TFLiteConverter.from_keras_model(fixed)
    operators = tf.lite.OpsSet
    converter.target_spec.supported_ops = [operators.TFLITE_BUILTINS]
    if quantization != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantization == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if quantization in ("int8", "int16x8"):
        if calibration is None:
            raise ModelError(f"{quantization} needs calibration images")
        converter.representative_dataset = lambda: ([image] for image in calibration.inputs())
        dtype = tf.int8 if quantization == "int8" else tf.int16
        converter.inference_input_type = converter.inference_output_type = dtype
        converter.target_spec.supported_ops = [
            operators.TFLITE_BUILTINS_INT8
            if quantization == "int8"
            else operators.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        ]
    with quiet(f"conversion to {quantization} TensorFlow Lite"):
        content: bytes = converter.convert()
    return content


def operators(content: bytes) -> tuple[str, ...]:
    """Return the sorted names of the built-in operators in a TensorFlow Lite file.

    Raises:
        ModelError: it has a custom operator.
    """
    names = {
        value: name for name, value in vars(schema.BuiltinOperator).items() if name[0].isupper()
    }
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
        found.add(names[number])
    return tuple(sorted(found))

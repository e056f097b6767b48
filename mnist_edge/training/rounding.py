"""Keras layers that round as an int8 file does, forwards; backwards as if they did not."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import layers

STEPS = 127  # of an int8 kernel, each way from zero
LEAST = 1e-6  # of a range's upper end: a tensor of zeros has a range too


def quantized_kernel(kernel: Any, axes: tuple[int, ...]) -> Any:
    """Return a kernel as an int8 file holds it, as float32; gradients pass through.

    Args:
        kernel: float32 tensor.
        axes: one scale serves all of these; the other axes have a scale an entry.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def rounded(real: Any) -> Any:
        # In float32, and halves away from zero, as the converter does: the same integers.
        most = tf.reduce_max(tf.abs(real), axis=axes, keepdims=True)
        scale = tf.where(most > 0, most / STEPS, tf.ones_like(most))
        steps = tf.floor(tf.cast(tf.abs(real) / scale, tf.float64) + 0.5)
        return tf.sign(real) * tf.cast(steps, tf.float32) * scale, lambda upstream: upstream

    return rounded(tf.convert_to_tensor(kernel))


class _Conv2D(layers.Conv2D):  # type: ignore[misc]
    axes = (0, 1, 2)

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        return super().convolution_op(inputs, quantized_kernel(kernel, self.axes))


class _DepthwiseConv2D(layers.DepthwiseConv2D):  # type: ignore[misc]
    axes = (0, 1)

    def call(self, inputs: Any) -> Any:
        kernel = quantized_kernel(self.kernel, self.axes)
        outputs = keras.ops.depthwise_conv(
            inputs,
            kernel,
            strides=self.strides,
            padding=self.padding,
            dilation_rate=self.dilation_rate,
        )
        if self.use_bias:
            outputs = outputs + self.bias
        return self.activation(outputs)


class _Dense(layers.Dense):  # type: ignore[misc]
    axes = (0,)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        outputs = keras.ops.matmul(inputs, quantized_kernel(self.kernel, self.axes))
        if self.use_bias:
            outputs = outputs + self.bias
        return self.activation(outputs)


QUANTIZED: dict[Any, Any] = {
    layers.Conv2D: _Conv2D,
    layers.DepthwiseConv2D: _DepthwiseConv2D,
    layers.Dense: _Dense,
}


class Range(layers.Layer):  # type: ignore[misc]
    """Rounds to 256 levels of a range; the ends are learnt, but a lower end of zero stays."""

    def __init__(self, low: float, high: float, *, learnt: bool, name: str) -> None:
        super().__init__(name=name)
        self._ends, self._learnt = (low, high), learnt

    def build(self, _shape: Any) -> None:
        """Make the two ends, as Keras asks for them."""
        low, high = self._ends
        constant = keras.initializers.Constant
        self.low = self.add_weight(
            (), constant(low), name="low", trainable=self._learnt and low < 0,
            constraint=lambda end: keras.ops.minimum(end, 0.0),
        )  # fmt: skip
        self.high = self.add_weight(
            (), constant(high), name="high", trainable=self._learnt,
            constraint=lambda end: keras.ops.maximum(end, LEAST),
        )  # fmt: skip

    def call(self, inputs: Any) -> Any:
        """Return the inputs, each as the nearest level."""
        return tf.quantization.fake_quant_with_min_max_vars(
            inputs, tf.convert_to_tensor(self.low), tf.convert_to_tensor(self.high), num_bits=8
        )

    def compute_output_shape(self, shape: Any) -> Any:
        """Return the shape of the output: that of the input."""
        return shape

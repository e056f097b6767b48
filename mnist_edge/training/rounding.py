"""Keras layers that round as an int8 file does, forwards; backwards as if they did not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf
from keras import layers

from mnist_edge.training.placement import LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = 127  # of an int8 kernel, each way from zero
LEAST = 1e-6  # of a range's upper end: a tensor of zeros has a range too


def kernel_scale(kernel: Any, axes: tuple[int, ...]) -> Any:
    """Return the real size of one step of a kernel, a tensor with 1 for each of `axes`."""
    most = tf.reduce_max(tf.abs(kernel), axis=axes, keepdims=True)
    return tf.where(most > 0, most / STEPS, tf.ones_like(most))


def quantized_kernel(kernel: Any, axes: tuple[int, ...]) -> Any:
    """Return a kernel as an int8 file holds it, as float32; gradients pass through.

    Args:
        kernel: float32 tensor.
        axes: one scale serves all of these; the other axes have a scale an entry.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def rounded(real: Any) -> Any:
        # In float32, and halves away from zero, as the converter does: the same integers.
        scale = kernel_scale(real, axes)
        steps = tf.floor(tf.cast(tf.abs(real) / scale, tf.float64) + 0.5)
        return tf.sign(real) * tf.cast(steps, tf.float32) * scale, lambda upstream: upstream

    return rounded(tf.convert_to_tensor(kernel))


def quantized_bias(bias: Any, step: Any) -> Any:
    """Return a bias [C] as an int8 file holds it, in steps of `step` [C] or [1]; as the kernel.

    The step is that of the input times that of the kernel: what the sums are counted in. It is
    coarse where one kernel, or one tensor, has a scale for values of very different sizes.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def rounded(real: Any) -> Any:
        wide = tf.cast(step, tf.float64)
        steps = tf.round(tf.cast(real, tf.float64) / wide)
        return tf.cast(steps * wide, tf.float32), lambda upstream: upstream

    return rounded(tf.convert_to_tensor(bias))


class _Rounded:
    """What the layers below have in common.

    Attributes:
        axes: of the kernel, that share a scale.
        input_step: gives the size of one step of the layer's input.
    """

    axes: tuple[int, ...]
    input_step: Callable[[], Any]
    kernel: Any
    bias: Any
    use_bias: bool
    activation: Any

    def _finished(self, sums: Any) -> Any:
        """Add the bias and activate, as `call` does after its sums."""
        if self.use_bias:
            scale = kernel_scale(tf.convert_to_tensor(self.kernel), self.axes)
            step = tf.stop_gradient(self.input_step() * tf.reshape(scale, [-1]))
            sums = sums + quantized_bias(self.bias, step)
        return self.activation(sums)


class _Conv2D(_Rounded, layers.Conv2D):  # type: ignore[misc]
    axes = (0, 1, 2)

    def call(self, inputs: Any) -> Any:
        kernel = quantized_kernel(self.kernel, self.axes)
        return self._finished(self.convolution_op(inputs, kernel))


class _DepthwiseConv2D(_Rounded, layers.DepthwiseConv2D):  # type: ignore[misc]
    axes = (0, 1)

    def call(self, inputs: Any) -> Any:
        sums = keras.ops.depthwise_conv(
            inputs,
            quantized_kernel(self.kernel, self.axes),
            strides=self.strides,
            padding=self.padding,
            dilation_rate=self.dilation_rate,
        )
        return self._finished(sums)


class _Dense(_Rounded, layers.Dense):  # type: ignore[misc]
    axes = (0,)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return self._finished(keras.ops.matmul(inputs, quantized_kernel(self.kernel, self.axes)))


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

    def step(self) -> Any:
        """Return the size of one step, a float32 tensor without dimensions."""
        ends = tf.convert_to_tensor(self.high) - tf.convert_to_tensor(self.low)
        return ends / LEVELS

    def compute_output_shape(self, shape: Any) -> Any:
        """Return the shape of the output: that of the input."""
        return shape

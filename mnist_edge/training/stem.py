"""A first convolution that does not see how bright the ground under an image is."""

from __future__ import annotations

from typing import Any

import keras


def hold_stem(model: Any) -> None:
    """Keep the first convolution's kernels at a mean of zero, from an optimizer's first step on.

    What a kernel that sums to zero gives is the same for an image and for the image with anything
    added to all its pixels; so is then, without padding, all that follows. Lower contrast about an
    image's mean is then no other than lower contrast on black. In int8 a kernel's sum is off zero
    by what rounding does to its weights.

    Args:
        model: it is changed; what is saved of it says nothing of this.
    """
    stem = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    # Of the variable and not of the layer, whose constraint would be written into the file.
    stem.kernel.constraint = zero_mean


def zero_mean(kernel: Any) -> Any:
    """Return a kernel, float32 [H,W,C,K], less the mean of each of its K filters."""
    return kernel - keras.ops.mean(kernel, axis=(0, 1, 2), keepdims=True)

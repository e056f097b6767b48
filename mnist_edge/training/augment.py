"""Random changes to training images, the same ones for the same seed."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

ROTATION = 0.2  # radians each way
SCALE = 0.12  # share each way
SHEAR = 0.15
SHIFT = 2.0  # pixels each way


def affine(images: Any, seed: Any) -> Any:
    """Rotate, scale, shear and shift each image by an amount of its own.

    Args:
        images: float32 [N,H,W,1] in 0..1.
        seed: int32 [2]; the same seed gives the same change.

    Returns:
        A tensor of the same shape, bilinear, dark where nothing was.
    """
    count = tf.shape(images)[0]
    size = images.shape[1]
    random = tf.random.stateless_uniform((count, 5), seed, -1.0, 1.0)
    angle, scale, shear = random[:, 0] * ROTATION, 1 + random[:, 1] * SCALE, random[:, 2] * SHEAR
    # The transform takes output pixels to input pixels: (x, y) -> (a x + b y + c, d x + e y + f).
    a, b = tf.cos(angle) * scale, shear - tf.sin(angle) * scale
    d, e = tf.sin(angle) * scale, tf.cos(angle) * scale
    middle = (size - 1) / 2
    c = middle - (a + b) * middle + random[:, 3] * SHIFT
    f = middle - (d + e) * middle + random[:, 4] * SHIFT
    none = tf.zeros_like(a)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a, b, c, d, e, f, none, none], axis=1),
        output_shape=[size, size],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )

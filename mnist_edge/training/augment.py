"""Random changes to training images, the same ones for the same seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROTATION = 0.2  # radians each way
SCALE = 0.12  # share each way
SHEAR = 0.15
SHIFT = 2.0  # pixels each way
CONTRAST = 0.3  # the least that is left of it
NOISE = 0.2  # standard deviation at most
DIM = 0.15  # the least that is left of contrast on a black ground
SPACING = 27 / 4  # pixels between the knots of an elastic grid: about a stroke's width and a gap


def affine(images: Any, seed: Any, strength: float = 1.0) -> Any:
    """Rotate, scale, shear and shift each image by an amount of its own.

    Args:
        images: float32 [N,H,W,1] in 0..1.
        seed: int32 [2]; the same seed gives the same change.
        strength: times ROTATION, SCALE, SHEAR and SHIFT are the most that is done.

    Returns:
        A tensor of the same shape, bilinear, dark where nothing was.
    """
    count = tf.shape(images)[0]
    size = images.shape[1]
    random = tf.random.stateless_uniform((count, 5), seed, -strength, strength)
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


def elastic(images: Any, seed: Any, amount: float) -> Any:
    """Bend the strokes of each image: every pixel is moved, neighbours nearly alike.

    The knots of a grid, SPACING pixels apart, are moved by normal random numbers; between them
    the movement is a uniform cubic B-spline (Rueckert et al. 1999, "Nonrigid Registration Using
    Free-Form Deformations", eq. 3), so that it is smooth. The idea for digits: Simard et al. 2003.

    Args:
        images: float32 [N,S,S,1] in 0..1.
        seed: int32 [2]; the same seed gives the same change.
        amount: standard deviation of a knot's movement along each axis, in pixels; a pixel's own
            is about half of it.

    Returns:
        A tensor of the same shape, bilinear, dark where nothing was.
    """
    count, size = tf.shape(images)[0], images.shape[1]
    weights = tf.constant(_spline(size))
    knots = tf.random.stateless_normal((count, 2, weights.shape[1], weights.shape[1]), seed)
    moved = tf.einsum("ik,ndkl,jl->ndij", weights, knots * amount, weights)
    line = tf.range(size, dtype=tf.float32)
    # Within a frame of one dark pixel; what would come from beyond it comes from it.
    last = size + 1 - 1e-3
    y = tf.clip_by_value(moved[:, 0] + line[:, None] + 1, 0.0, last)
    x = tf.clip_by_value(moved[:, 1] + line[None, :] + 1, 0.0, last)
    framed = tf.pad(images[..., 0], [[0, 0], [1, 1], [1, 1]])
    corners = tf.stack(
        [framed[:, :-1, :-1], framed[:, :-1, 1:], framed[:, 1:, :-1], framed[:, 1:, 1:]], axis=-1
    )
    top, left = tf.floor(y), tf.floor(x)
    below, right = y - top, x - left
    shares = tf.stack(
        [(1 - below) * (1 - right), (1 - below) * right, below * (1 - right), below * right],
        axis=-1,
    )
    side = size + 1
    places = tf.cast(top * side + left, tf.int32) + tf.range(count)[:, None, None] * side**2
    return tf.reduce_sum(
        tf.gather(tf.reshape(corners, (-1, 4)), places) * shares, axis=-1, keepdims=True
    )


def intensity(images: Any, seed: Any, share: float) -> Any:
    """Give a share of the images less contrast, a ground that is not black, and noise.

    Each of these images by amounts of its own, uniform up to CONTRAST and NOISE; the ground is as
    bright as the contrast leaves room for, at most. The others stay as they are.

    Args:
        images: float32 [N,H,W,1] in 0..1.
        seed: int32 [2]; the same seed gives the same change.
        share: of the images, 0..1; each is drawn by itself.

    Returns:
        A tensor of the same shape, in 0..1.
    """
    random = tf.random.stateless_uniform((tf.shape(images)[0], 4), seed)
    drawn, contrast, ground, much = (random[:, place, None, None, None] for place in range(4))
    drawn = tf.cast(drawn < share, tf.float32)
    contrast = 1 - drawn * contrast * (1 - CONTRAST)
    ground = ground * (1 - contrast)
    grain = tf.random.stateless_normal(tf.shape(images), [seed[0], seed[1] + 1])
    return tf.clip_by_value(images * contrast + ground + drawn * much * NOISE * grain, 0.0, 1.0)


def dim(images: Any, seed: Any, share: float) -> Any:
    """Give a share of the images less contrast, on a ground that stays black.

    Args:
        images: float32 [N,H,W,1] in 0..1.
        seed: int32 [2]; the same seed gives the same change.
        share: of the images, 0..1; each is drawn by itself, and what is left of it is uniform
            from DIM to 1.

    Returns:
        A tensor of the same shape, in 0..1.
    """
    drawn, lost = _drawn(images, seed, share)
    return images * (1 - drawn * lost * (1 - DIM))


def noise(images: Any, seed: Any, share: float) -> Any:
    """Give a share of the images normal noise, clipped to the range that images have.

    Args:
        images: float32 [N,H,W,1] in 0..1.
        seed: int32 [2]; the same seed gives the same change.
        share: of the images, 0..1; each is drawn by itself, and the standard deviation of its
            noise is uniform up to NOISE.

    Returns:
        A tensor of the same shape, in 0..1.
    """
    drawn, much = _drawn(images, seed, share)
    grain = tf.random.stateless_normal(tf.shape(images), [seed[0], seed[1] + 1])
    return tf.clip_by_value(images + drawn * much * NOISE * grain, 0.0, 1.0)


def _drawn(images: Any, seed: Any, share: float) -> tuple[Any, Any]:
    """Return which images are drawn, 1 or 0, and how much is done to each, 0..1: [N,1,1,1]."""
    random = tf.random.stateless_uniform((tf.shape(images)[0], 2), seed)
    drawn, much = (random[:, place, None, None, None] for place in range(2))
    return tf.cast(drawn < share, tf.float32), much


def _spline(size: int) -> NDArray[np.float32]:
    """Return how much each knot counts for each of `size` pixels in a line, [size,knots]."""
    spans = max(1, round((size - 1) / SPACING))
    place = np.arange(size) * spans / (size - 1)
    span = np.minimum(place.astype(int), spans - 1)
    u = place - span
    weights = np.zeros((size, spans + 3), np.float32)
    for knot, share in enumerate(
        ((1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3)
    ):
        weights[np.arange(size), span + knot] = share / 6
    return weights

"""The networks of the recipes, as Keras models: float32 [N,28,28,1] in 0..1 -> softmax [N,K]."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from mnist_edge.preprocess import IMAGE_SIZE
from mnist_edge.training.logits import SOFTMAX, normalised

if TYPE_CHECKING:
    from mnist_edge.training.recipe import Recipe


def build(recipe: Recipe, classes: int) -> Any:
    """Return the recipe's network with fresh weights, not compiled, for `classes` classes."""
    image = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 1), name="image")
    bodies = {
        "conv": _conv, "dense": _dense, "edge": edge, "pooled": pooled, "separable": separable,
    }  # fmt: skip
    x = bodies[recipe.network](image, recipe)
    if recipe.dropout:
        x = layers.Dropout(recipe.dropout, seed=recipe.seed)(x)
    if recipe.normalise_logits:
        x = normalised(x, classes)
    else:
        x = layers.Dense(classes, activation="softmax", name=SOFTMAX)(x)
    return keras.Model(image, x, name=recipe.name)


def _conv(x: Any, recipe: Recipe) -> Any:
    for filters in recipe.filters:
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    return _dense(x, recipe)


def _dense(x: Any, recipe: Recipe) -> Any:
    x = layers.Flatten()(x)
    if recipe.dense:
        x = layers.Dense(recipe.dense, activation="relu")(x)
    return x


def edge(x: Any, recipe: Recipe) -> Any:
    """Two to seven 3x3 convolutions with batch normalisation, then the mean over what is left.

    The first sees every pixel, the second has stride 2 and leaves a quarter of them to the rest.
    Without padding the maps shrink 28 -> 26 -> 12 -> 10 -> 8 -> 6 -> 4 -> 2. Convolutions have no
    bias: the normalisation has one, and converters fold it into the convolution.
    """
    return _head(_strided(x, recipe.filters), recipe)


def pooled(x: Any, recipe: Recipe) -> Any:
    """Return `edge` with a 2x2 pool before the last convolution, of six at most.

    Half the distance to go in a step that costs nothing: what is saved makes the last wider.
    """
    x = layers.MaxPooling2D()(_strided(x, recipe.filters[:-1]))
    return _head(_normalised(x, recipe.filters[-1]), recipe)


def _strided(x: Any, filters: tuple[int, ...]) -> Any:
    for place, count in enumerate(filters):
        x = _normalised(x, count, stride=2 if place == 1 else 1)
    return x


def _head(x: Any, recipe: Recipe) -> Any:
    x = layers.GlobalAveragePooling2D()(x)
    if recipe.dense:
        x = layers.Dense(recipe.dense, activation="relu")(x)
    return x


def _normalised(x: Any, filters: int, stride: int = 1) -> Any:
    x = layers.Conv2D(filters, 3, stride, use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.ReLU()(x)


def separable(x: Any, recipe: Recipe) -> Any:
    """A 3x3 convolution, then separable ones, for a network of a thousand parameters.

    A separable convolution is a depthwise 3x3 one and a pointwise one (Chollet 2017, "Xception").
    Only after the latter is there a normalisation, and it has no scale, as the next convolution
    has one: each filter costs one bias. Means of four after the second and the fifth bring the
    strokes together at no cost; with five filters
    28 -> 26 -> 24, mean -> 12 -> 10 -> 8 -> 6, mean -> 3.
    A depthwise convolution as large as what is left weighs its places, so that the last layer is a
    separable one too.
    """
    for place, filters in enumerate(recipe.filters):
        if place:
            x = layers.DepthwiseConv2D(3, use_bias=False)(x)
        x = layers.Conv2D(filters, 1 if place else 3, use_bias=False)(x)
        x = layers.BatchNormalization(scale=False)(x)
        x = layers.ReLU()(x)
        if place in (1, 4):
            x = layers.AveragePooling2D(2)(x)
    x = layers.DepthwiseConv2D(x.shape[1], use_bias=False)(x)
    return _dense(x, recipe)

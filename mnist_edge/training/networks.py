"""The networks of the recipes, as Keras models: float32 [N,28,28,1] in 0..1 -> softmax [N,K]."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from mnist_edge.preprocess import IMAGE_SIZE

if TYPE_CHECKING:
    from mnist_edge.training.recipes import Recipe


def build(recipe: Recipe, classes: int) -> Any:
    """Return the recipe's network with fresh weights, not compiled, for `classes` classes."""
    image = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 1), name="image")
    body = {"conv": _conv, "dense": _dense, "edge": edge}[recipe.network]
    x = body(image, recipe)
    if recipe.dropout:
        x = layers.Dropout(recipe.dropout, seed=recipe.seed)(x)
    x = layers.Dense(classes, activation="softmax", name="probabilities")(x)
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
    """Four convolutions, each with batch normalisation, then the mean over what is left.

    A first 5x5 convolution of stride 2 sees strokes whole and leaves a quarter of the pixels to
    the rest. Without padding the maps shrink 28 -> 12 -> 10 -> 8, pool -> 4 -> 2. Convolutions
    have no bias: the normalisation has one, and converters fold it into the convolution.
    """
    first, second, third, last = recipe.filters
    x = _normalised(x, first, size=5, stride=2)
    x = _normalised(x, second)
    x = _normalised(x, third)
    x = layers.MaxPooling2D()(x)
    x = _normalised(x, last)
    x = layers.GlobalAveragePooling2D()(x)
    if recipe.dense:
        x = layers.Dense(recipe.dense, activation="relu")(x)
    return x


def _normalised(x: Any, filters: int, size: int = 3, stride: int = 1) -> Any:
    x = layers.Conv2D(filters, size, stride, use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.ReLU()(x)

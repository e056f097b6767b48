"""Logits that are normalised while a network learns, and the plain network it is afterwards."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

DENSE, NORMALISATION, SOFTMAX = "logits", "normalised_logits", "probabilities"


def normalised(features: Any, classes: int) -> Any:
    """Return the probabilities of `classes` classes by a dense layer, batch-normalised.

    The normalisation keeps logits on one scale while small networks learn fast; the noise of its
    batches keeps them from being sure too early.

    Args:
        features: a Keras tensor, float32 [N,F].
        classes: how many.
    """
    x = layers.Dense(classes, use_bias=False, name=DENSE)(features)
    x = layers.BatchNormalization(name=NORMALISATION)(x)
    return layers.Softmax(name=SOFTMAX)(x)


def plain(model: Any) -> Any:
    """Return a model that ends in a dense layer with a softmax and gives what `model` gives.

    Args:
        model: one that ends in `normalised`; all other layers are shared with it.
    """
    dense, norm = model.get_layer(DENSE), model.get_layer(NORMALISATION)
    gamma, beta, mean, variance = (np.asarray(each, np.float64) for each in norm.get_weights())
    scale = gamma / np.sqrt(variance + norm.epsilon)
    (kernel,) = dense.get_weights()
    last = layers.Dense(dense.units, activation="softmax", name=SOFTMAX)
    made = keras.Model(model.input, last(dense.input), name=model.name)
    last.set_weights([kernel * scale, beta - mean * scale])
    return made

"""Confidence that is as large as the model is often right: logits divided by a temperature.

One number T is fitted on images that were held out (Guo et al. 2017, "On Calibration of Modern
Neural Networks", section 4.2) and divides the weights of the last dense layer: every model that is
exported has it, at no cost, and names the classes that it named before.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers

from mnist_edge.errors import InputError, ModelError, SettingError
from mnist_edge.training.epoch import predict
from mnist_edge.training.fold import activation_of
from mnist_edge.training.graph import calls

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mnist_edge.data import Split

LEAST, MOST = 0.05, 20.0  # temperatures that are looked at
STEPS = 24  # on the way from one to the other, before the best of them is refined
NARROWINGS = 40  # of the two steps around it, each to 0.62 of what there was
GOLDEN = (math.sqrt(5) - 1) / 2


def calibrate(model: Any, split: Split, held: NDArray[np.int64]) -> float | None:
    """Fold into `model` the temperature that suits some images of a split best; return it.

    Args:
        model: as `fold_temperature` takes it, without models within; it is changed.
        split: images and labels.
        held: places of the images in it, which the model has not learnt from.

    Returns:
        The temperature; None, and the model is as it was, where there are no images.
    """
    if not len(held):
        return None
    dense = last_dense(model)
    # Before the softmax: no probability that float32 takes for 0 is in the way.
    features = predict(keras.Model(model.inputs[0], dense.input), split.images[held])
    kernel, *bias = (np.asarray(weights, np.float64) for weights in dense.get_weights())
    temperature = fit_temperature(features @ kernel + sum(bias), split.labels[held])
    fold_temperature(model, temperature)
    return temperature


def fit_temperature(logits: NDArray[np.floating[Any]], labels: NDArray[np.uint8]) -> float:
    """Return the temperature by which logits are divided to suit their labels best.

    What is least is the negative log-likelihood of the labels, and (log T)^2 / 2: the belief,
    worth about one image, that T is near 1. Without it, T would fall without end where no image is
    named wrongly, and every answer be wholly sure.

    Args:
        logits: what goes into a softmax, or the logarithms of what comes out, [N,K].
        labels: the true class of each, [N].

    Returns:
        LEAST to MOST; above 1 where the model was too sure.

    Raises:
        InputError: no logits, other shapes, a label that is no class, or what is not finite.
    """
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise InputError(
            f"logits are {list(logits.shape)}, labels {list(labels.shape)}; wanted [N,K] and [N]"
        )
    if not len(logits):
        raise InputError("no logits to fit a temperature to: hold some images out")
    if labels.max() >= logits.shape[1]:
        raise InputError(f"label {labels.max()} is none of {logits.shape[1]} classes")
    if not np.isfinite(logits).all():
        raise InputError("logits are NaN or infinite; wanted finite numbers")
    below = logits.astype(np.float64)
    below -= below.max(1, keepdims=True)
    true = below[np.arange(len(below)), labels].sum()

    def loss(log: float) -> float:
        scale = math.exp(-log)
        likelihood = scale * true - np.log(np.exp(scale * below).sum(1)).sum()
        return float(log * log / 2 - likelihood)

    tried = np.linspace(math.log(LEAST), math.log(MOST), STEPS + 1)
    best = int(np.argmin([loss(log) for log in tried]))
    low, high = float(tried[max(best - 1, 0)]), float(tried[min(best + 1, STEPS)])
    return math.exp(_lowest(loss, low, high))


def fold_temperature(model: Any, temperature: float) -> None:
    """Divide the logits of a Keras model by `temperature`, in the weights of its last dense layer.

    The order of the probabilities stays, but where two were the same within float32's rounding.

    Args:
        model: ends in a dense layer with a softmax, or in a dense layer and a softmax; changed.
        temperature: above 0.

    Raises:
        ModelError: the model ends otherwise.
        SettingError: a temperature that is no number above 0.
    """
    if not 0 < temperature < math.inf:
        raise SettingError(f"temperature is {temperature}; wanted a number above 0")
    dense = last_dense(model)
    dense.set_weights([weights / temperature for weights in dense.get_weights()])


def last_dense(model: Any) -> Any:
    """Return the layer of a Keras model whose sums its softmax takes.

    Raises:
        ModelError: it does not end in a dense layer and a softmax.
    """
    found = calls(model)
    last, wanted = found[-1], "softmax"
    if activation_of(last.layer) == wanted and not isinstance(last.layer, layers.Dense):
        (source,) = last.sources
        last = next((call for call in found if call.name == source), last)
        wanted = "linear"
    if type(last.layer) is layers.Dense and activation_of(last.layer) == wanted:
        return last.layer
    raise ModelError(
        f"{model.name} ends in a {type(last.layer).__name__}; wanted a dense layer and its softmax"
    )


def _lowest(loss: Callable[[float], float], low: float, high: float) -> float:
    """Return where `loss` is least between two ends, by golden section."""
    for _narrowing in range(NARROWINGS):
        width = GOLDEN * (high - low)
        if loss(high - width) < loss(low + width):
            high = low + width
        else:
            low = high - width
    return (low + high) / 2

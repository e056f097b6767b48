"""Training that goes on from weights that are there: a few epochs, the best of them kept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import keras

from mnist_edge.preprocess import to_unit
from mnist_edge.training.batches import STEPS_A_CALL, Batches, one_hot, targets_of
from mnist_edge.training.epoch import one_epoch
from mnist_edge.training.stem import hold_stem

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from mnist_edge.data import Dataset
    from mnist_edge.training.recipe import Recipe
    from mnist_edge.training.state import Row
    from mnist_edge.training.watch import Watcher


class Further(NamedTuple):
    """What further training did to a model.

    Attributes:
        history: a row for each epoch, counted on from the recipe's.
        best: the epoch whose weights the model has now.
    """

    history: list[Row]
    best: int


def train_further(
    model: Any,
    recipe: Recipe,
    dataset: Dataset,
    *,
    epochs: int,
    learning_rate: float,
    says: Callable[[Any, NDArray[np.float32]], NDArray[np.float32]],
    watcher: Watcher,
) -> Further:
    """Train `model` on what `recipe` was trained on, and leave it with its best epoch's weights.

    Split, batches, augmentation and loss are the recipe's; the optimizer is Adam, its rate falling
    to zero along a cosine. The best epoch is that of the highest validation accuracy, then of the
    lowest loss; the last where the recipe holds no images out.

    Args:
        model: trained before; float32 [N,H,W,C] in 0..1 to probabilities [N,K].
        recipe: of the run that goes on.
        dataset: its `train` is learnt from, `test` is not looked at.
        epochs: 1 or more.
        learning_rate: at the start.
        says: takes the model and inputs [N,H,W,C], returns the probabilities that are judged.
        watcher: is told of each step and epoch.
    """
    kept, held = recipe.split(dataset.train.labels)
    images = to_unit(dataset.train.images[..., None])
    targets = targets_of(dataset.train.labels, recipe, len(dataset.labels))
    steps = math.ceil(len(kept) / recipe.batch_size)
    if recipe.zero_mean_stem:
        hold_stem(model)
    model.compile(
        keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(learning_rate, steps * epochs)
        ),
        loss=("" if one_hot(recipe) else "sparse_") + "categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
        steps_per_execution=STEPS_A_CALL,
    )
    first, last = recipe.epochs, recipe.epochs + epochs
    watcher.start(recipe, steps, first, last)
    batches = Batches(images[kept], targets[kept], recipe)
    validation = (images[held], targets[held]) if len(held) else None
    history: list[Row] = []
    best, score, weights = last, (-math.inf, -math.inf), []
    for epoch in range(first, last):
        row = one_epoch(model, batches, validation, epoch, watcher)
        history.append(row)
        if validation is not None:
            right = says(model, images[held]).argmax(1) == dataset.train.labels[held]
            if (float(right.mean()), -row["val_loss"]) > score:
                score = (float(right.mean()), -row["val_loss"])
                best, weights = int(row["epoch"]), model.get_weights()
        watcher.epoch(row)
    if weights:
        model.set_weights(weights)
    return Further(history, best)

"""How a network learns: its loss, its optimizer and the course of the learning rate."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import keras

from mnist_edge.training.batches import STEPS_A_CALL, one_hot
from mnist_edge.training.muon import Muon
from mnist_edge.training.networks import build
from mnist_edge.training.stem import hold_stem

if TYPE_CHECKING:
    from mnist_edge.training.recipe import Recipe


def compiled(recipe: Recipe, classes: int, steps: int) -> Any:
    """Return the recipe's network with fresh weights, loss, optimizer and learning rate.

    Args:
        recipe: what is built, and how it is to learn.
        classes: that it tells apart.
        steps: of an epoch; the learning rate's course depends on it.
    """
    model = build(recipe, classes)
    if recipe.zero_mean_stem:
        hold_stem(model)
    rate: Any = recipe.learning_rate
    rise = round(steps * recipe.epochs * recipe.warm_up)
    if recipe.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if rise else rate,
            steps * recipe.epochs - rise,
            warmup_target=rate if rise else None,
            warmup_steps=rise,
        )
    optimizers = keras.optimizers
    optimizer = {
        "adam": optimizers.Adam,
        "adamw": functools.partial(optimizers.AdamW, weight_decay=recipe.weight_decay),
        "muon": functools.partial(Muon, weight_decay=recipe.weight_decay),
        "sgd": optimizers.SGD,
        "rmsprop": optimizers.RMSprop,
    }[recipe.optimizer](rate)
    if recipe.optimizer in ("adamw", "muon"):
        optimizer.exclude_from_weight_decay(var_names=["beta", "gamma", "bias"])
    loss = "categorical_crossentropy" if one_hot(recipe) else "sparse_categorical_crossentropy"
    model.compile(
        optimizer,
        loss=loss,
        metrics=["accuracy"],
        jit_compile=False,  # XLA on a CPU: 4 times slower here, and a minute to compile
        steps_per_execution=STEPS_A_CALL,
    )
    optimizer.build(model.trainable_variables)
    return model

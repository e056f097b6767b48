"""The recipes there are, and what they were measured to reach.

No TensorFlow here, so that `mnist-edge recipes` answers at once.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from mnist_edge.errors import unknown
from mnist_edge.training.recipe import Recipe

# How our own networks are trained, but for what a recipe says otherwise.
FRONTIER: dict[str, Any] = {
    "epochs": 30,
    "optimizer": "adamw",
    "learning_rate": 4e-3,
    "schedule": "cosine",
    "warm_up": 0.05,
    "augmentation": "elastic",
    "intensity": 0.3,
    "split_seed": 0,
    "calibrate": True,
}
RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="edge",
            summary="our own: batch-normalised convolutions that fold away, augmentation",
            network="edge",
            filters=(12, 24, 32, 32, 48, 48),
            **FRONTIER,
        ),
        Recipe(
            name="micro",
            summary="edge, narrower: an int8 file of at most 16 kB",
            network="pooled",
            filters=(8, 12, 16, 16, 35),
            **FRONTIER,
        ),
        Recipe(
            name="nano",
            summary="separable convolutions: at most 1,000 parameters",
            network="separable",
            filters=(8, 8, 9, 10, 11),
            normalise_logits=True,
            zero_mean_stem=True,
            **{
                **FRONTIER,
                "epochs": 60,
                "optimizer": "muon",
                "learning_rate": 0.08,
                "augmentation": "affine",
                "intensity": 0.0,
            },
            weight_decay=0.0,
            strength=0.75,
            contrast=0.3,
            noise=0.1,
        ),
        Recipe(
            name="fast",
            summary="trained in a minute on two cores",
            network="pooled",
            filters=(8, 16, 32, 48),
            epochs=4,
            optimizer="adamw",
            learning_rate=6e-3,
            schedule="cosine",
            warm_up=0.1,
            augmentation="affine",
            strength=0.6,
        ),
        Recipe(
            name="teacher",
            summary="edge, wider: what the small ones learn from",
            network="edge",
            filters=(16, 32, 48, 48, 64, 96),
            **{**FRONTIER, "epochs": 15, "intensity": 0.0, "calibrate": False},
        ),
        Recipe(
            name="sequential",
            summary="conv32-pool-conv64-pool-dense128, batch 32",
            network="conv",
            filters=(32, 64),
            dense=128,
            epochs=5,
            batch_size=32,
            claim="~99 %",
        ),
        Recipe(
            name="dropout",
            summary="conv32-pool-conv64-pool-dropout0.3, one-hot, 30 % validation",
            network="conv",
            filters=(32, 64),
            dropout=0.3,
            epochs=10,
            one_hot=True,
            validation_share=0.3,
            claim="~98.9 %",
        ),
        Recipe(
            name="split20",
            summary="conv32-pool-dense100, 20 % validation",
            network="conv",
            filters=(32,),
            dense=100,
            epochs=5,
            batch_size=32,
            validation_share=0.2,
            claim="over 98 %",
        ),
        Recipe(
            name="batch128",
            summary="conv32-pool-conv64-pool-dense128, one-hot, batch 128",
            network="conv",
            filters=(32, 64),
            dense=128,
            epochs=12,
            one_hot=True,
            claim="~99.7 %",
        ),
        Recipe(
            name="dense",
            summary="dense128 alone, to stand beside cnn",
            network="dense",
            filters=(),
            dense=128,
            epochs=10,
            batch_size=64,
        ),
        Recipe(
            name="cnn",
            summary="dense trained the same way, with conv32-pool-conv64-pool before it",
            network="conv",
            filters=(32, 64),
            dense=128,
            epochs=10,
            batch_size=64,
            claim="~99 %",
        ),
    )
}


def find(name: str) -> Recipe:
    """Return the recipe called `name`.

    Raises:
        SettingError: there is none; the message gives the nearest name.
    """
    try:
        return RECIPES[name]
    except KeyError:
        raise unknown("recipe", name, RECIPES) from None


@cache
def measured() -> dict[str, dict[str, Any]]:
    """Return what `tools/measure_recipes.py` measured: parameters and test accuracy by recipe."""
    text = files("mnist_edge.training").joinpath("measured.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)["recipes"]
    return found

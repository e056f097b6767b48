"""The steps on the way to `edge` and `nano`, and what was tried beside them; see tools/ablation.py.

One thing is added at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mnist_edge.training.recipes import find
from tools.runs import RUNS, run_of

if TYPE_CHECKING:
    from pathlib import Path

    from mnist_edge.training.recipe import Recipe

EPOCHS = 12


@dataclass(frozen=True)
class Step:
    """One thing more.

    Attributes:
        words: what it is.
        changes: of the recipe, from here on.
        taught: whether the labels give way to what the teachers say, from here on.
        beside: whether it was only tried: the next step does not build on it.
    """

    words: str
    changes: dict[str, Any] = field(default_factory=dict)
    taught: bool = False
    beside: bool = False


EDGE, NANO = find("edge"), find("nano")
BARE = {"epochs": EPOCHS, "augmentation": "none", "intensity": 0.0, "calibrate": False}
STEPS: dict[str, tuple[Step, ...]] = {
    "edge": (
        Step(
            "five 3x3 convolutions with a pool before the last",
            {**BARE, "network": "pooled", "filters": (12, 24, 32, 48, 64)},
        ),
        Step("images moved, turned, sheared and scaled", {"augmentation": "affine"}),
        Step("six convolutions and no pool", {"network": "edge", "filters": EDGE.filters}),
        Step("strokes bent", {"augmentation": "elastic"}),
        Step("what two teachers say in place of the labels", taught=True),
        Step("three images in ten of other contrast, ground and noise", {"intensity": 0.3}),
        Step(
            "Muon in place of AdamW, without weight decay",
            {"optimizer": "muon", "learning_rate": 0.02, "weight_decay": 0.0},
            beside=True,
        ),
        Step("logits normalised while it learns", {"normalise_logits": True}, beside=True),
        Step(f"{EDGE.epochs} epochs", {"epochs": EDGE.epochs}),
    ),
    "nano": (
        Step(
            "a convolution, five separable ones, two means of four",
            {
                **BARE,
                "optimizer": "adamw",
                "learning_rate": 8e-3,
                "normalise_logits": False,
                "zero_mean_stem": False,
                "contrast": 0.0,
                "noise": 0.0,
            },
        ),
        Step("images changed three quarters as much as for `edge`", {"augmentation": "affine"}),
        Step("images changed as much as for `edge`", {"strength": 1.0}, beside=True),
        Step(
            "Muon in place of AdamW",
            {"optimizer": "muon", "learning_rate": NANO.learning_rate},
        ),
        Step("logits normalised while it learns", {"normalise_logits": True}),
        Step(
            "three images in ten of other contrast, ground and noise",
            {"intensity": 0.3},
            beside=True,
        ),
        Step("first kernels of a mean of zero", {"zero_mean_stem": True}),
        Step("three images in ten with less contrast", {"contrast": NANO.contrast}),
        Step("one image in ten with noise", {"noise": NANO.noise}),
        Step(f"{NANO.epochs} epochs", {"epochs": NANO.epochs}),
    ),
}


@dataclass(frozen=True)
class Trial:
    """A step as it is trained.

    Attributes:
        name: of its runs.
        step: what it adds.
        recipe: with all that the steps up to it changed.
        taught: whether it learns what the teachers say.
        before: place of what it adds to, in the list of trials; None for the first.
        shipped: whether it is the recipe as it is shipped, whose runs the frontier has.
    """

    name: str
    step: Step
    recipe: Recipe
    taught: bool
    before: int | None
    shipped: bool

    def folder(self, seed: int) -> Path:
        """Return where a seed's run is."""
        if self.shipped:
            return run_of(self.recipe.name, seed)
        return RUNS / f"ablation-{self.name}-{seed}"

    def answers(self, seed: int) -> Path:
        """Return where it is kept which validation images the network names rightly."""
        return RUNS / f"ablation-{self.name}-{seed}.npz"


def trials(name: str) -> list[Trial]:
    """Return what is trained for a recipe, in order."""
    recipe, taught, before, found = find(name), False, None, list[Trial]()
    for place, step in enumerate(STEPS[name]):
        now, is_taught = replace(recipe, **step.changes), taught or step.taught
        last = place == len(STEPS[name]) - 1
        found.append(Trial(f"{name}-{place}", step, now, is_taught, before, last))
        if not step.beside:
            recipe, taught, before = now, is_taught, place
    return found

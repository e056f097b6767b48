"""How a training run tells what it is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnist_edge.training.recipe import Recipe
    from mnist_edge.training.state import Row


class Watcher:
    """Is told how training goes; this one does nothing with it."""

    def start(self, recipe: Recipe, steps: int, done: int, epochs: int) -> None:
        """Training begins: `steps` an epoch, `done` of `epochs` done by an earlier run."""

    def asked(self, done: int, images: int) -> None:
        """The teachers have answered `done` of the `images` that an epoch is about to teach."""

    def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        """A step of epoch `epoch` (from 1) is done; running means of the epoch."""

    def epoch(self, row: Row) -> None:
        """An epoch is done."""

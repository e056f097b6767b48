"""The images of an epoch: one seed fixes their order and what changes in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from mnist_edge.training import augment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnist_edge.training.lessons import Lessons
    from mnist_edge.training.recipe import Recipe

STEPS_A_CALL = 8  # steps that TensorFlow takes before it reports: fewer calls into Python
# Bending costs as much as half a training step. The same bent images, moved about anew each time,
# serve for some epochs.
EPOCHS_A_BEND = 4
AT_ONCE = 500  # images that are bent together
BENDING = 1  # keeps these random numbers apart from those of the epochs


def targets_of(labels: NDArray[np.uint8], recipe: Recipe, classes: int) -> NDArray[Any]:
    """Return labels as the recipe's loss takes them: float32 [N,K], or int32 [N]."""
    if one_hot(recipe):
        return np.eye(classes, dtype=np.float32)[labels]
    return labels.astype(np.int32)


def one_hot(recipe: Recipe) -> bool:
    """Return whether the loss takes a probability of each class: teachers give nothing else."""
    return recipe.one_hot or bool(recipe.teachers)


def changed(images: Any, recipe: Recipe, seed: Any) -> Any:
    """Return images with everything done to them that the recipe's augmentation does.

    Args:
        images: float32 [N,28,28,1] in 0..1.
        recipe: says what is done, and how much.
        seed: two whole numbers; the same ones give the same change.
    """
    if recipe.augmentation == "elastic":
        images = augment.elastic(images, [seed[0], seed[1] + 1], recipe.bend)
    if recipe.augmentation != "none":
        images = augment.affine(images, seed, recipe.strength)
    return images


class Batches:
    """The training images in the order, and with the changes, of each epoch."""

    def __init__(
        self,
        images: NDArray[np.float32],
        targets: NDArray[Any],
        recipe: Recipe,
        lessons: Lessons | None = None,
    ) -> None:
        """Keep what is learnt from.

        Args:
            images: float32 [N,28,28,1] in 0..1.
            targets: from `targets_of`; [N,...].
            recipe: fixes order and changes.
            lessons: what teachers say of those images, in place of the targets.
        """
        self._images, self._targets = tf.constant(images), tf.constant(targets)
        self._recipe, self._lessons = recipe, lessons
        self._bent: tuple[int, Any] = (-1, None)

    def of_epoch(self, epoch: int) -> Any:
        """Return a `tf.data.Dataset` of (images, targets), a batch a step; epochs from 0."""
        recipe = self._recipe
        random = np.random.default_rng([recipe.seed, epoch])
        order = random.permutation(len(self._images))
        key = int(random.integers(2**31))
        images, targets, moved = self._images, self._targets, recipe.augmentation != "none"
        if self._lessons is not None:
            view = self._lessons.view((epoch + recipe.seed) % self._lessons.count)
            images, targets, moved = tf.constant(view.images), tf.constant(view.answers), False
        elif recipe.augmentation == "elastic":
            images = self._bent_for(epoch)

        def batch(step: Any, places: Any) -> tuple[Any, Any]:
            taken = tf.gather(images, places)
            if taken.dtype == tf.uint8:
                taken = tf.cast(taken, tf.float32) / 255
            step = tf.cast(step, tf.int32)
            if moved:
                taken = augment.affine(taken, [key, step], recipe.strength)
            # Teachers saw the image before this: what is asked of it stays the same.
            if recipe.intensity:
                taken = augment.intensity(taken, [key + 1, step], recipe.intensity)
            if recipe.contrast:
                taken = augment.dim(taken, [key + 2, step], recipe.contrast)
            if recipe.noise:
                taken = augment.noise(taken, [key + 3, step], recipe.noise)
            return taken, tf.gather(targets, places)

        places = tf.data.Dataset.from_tensor_slices(order).batch(recipe.batch_size)
        return places.enumerate().map(batch, num_parallel_calls=2).prefetch(2 * STEPS_A_CALL)

    def _bent_for(self, epoch: int) -> Any:
        """Return all images, bent as in the epochs around this one: uint8 [N,28,28,1]."""
        turn = epoch // EPOCHS_A_BEND
        if self._bent[0] != turn:
            seed = int(np.random.default_rng([self._recipe.seed, turn, BENDING]).integers(2**31))
            parts = [
                tf.cast(
                    tf.round(
                        255
                        * augment.elastic(
                            self._images[start : start + AT_ONCE],
                            [seed, start],
                            self._recipe.bend,
                        )
                    ),
                    tf.uint8,
                )
                for start in range(0, len(self._images), AT_ONCE)
            ]
            self._bent = (turn, tf.concat(parts, axis=0))
        return self._bent[1]

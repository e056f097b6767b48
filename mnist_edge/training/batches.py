"""The images of an epoch: one seed fixes their order and what changes in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from mnist_edge.training import augment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnist_edge.training.recipes import Recipe

STEPS_A_CALL = 8  # steps that TensorFlow takes before it reports: fewer calls into Python


def targets_of(labels: NDArray[np.uint8], recipe: Recipe, classes: int) -> NDArray[Any]:
    """Return labels as the recipe's loss takes them: float32 [N,K], or int32 [N]."""
    if recipe.one_hot:
        return np.eye(classes, dtype=np.float32)[labels]
    return labels.astype(np.int32)


class Batches:
    """The training images in the order, and with the changes, of each epoch."""

    def __init__(self, images: NDArray[np.float32], targets: NDArray[Any], recipe: Recipe) -> None:
        self._images, self._targets = tf.constant(images), tf.constant(targets)
        self._recipe = recipe

    def of_epoch(self, epoch: int) -> Any:
        """Return a `tf.data.Dataset` of (images, targets), a batch a step; epochs from 0."""
        recipe = self._recipe
        random = np.random.default_rng([recipe.seed, epoch])
        order = random.permutation(len(self._images))
        key = int(random.integers(2**31))
        images, targets = self._images, self._targets

        def batch(step: Any, places: Any) -> tuple[Any, Any]:
            taken = tf.gather(images, places)
            if recipe.augmentation == "affine":
                taken = augment.affine(taken, tf.stack([key, tf.cast(step, tf.int32)]))
            return taken, tf.gather(targets, places)

        places = tf.data.Dataset.from_tensor_slices(order).batch(recipe.batch_size)
        return places.enumerate().map(batch, num_parallel_calls=2).prefetch(2 * STEPS_A_CALL)

"""The loop that trains: one seed, one result; stopped anywhere, it goes on from the last epoch."""

from __future__ import annotations

import math
import os
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import tensorflow as tf

from mnist_edge.atomic import replacing_folder
from mnist_edge.bundle import check_replaceable
from mnist_edge.data import stratified_split
from mnist_edge.errors import OutputError, SettingError
from mnist_edge.preprocess import to_unit
from mnist_edge.training import augment
from mnist_edge.training.card import write_run
from mnist_edge.training.networks import build
from mnist_edge.training.state import Row, State, load_state
from mnist_edge.training.watch import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from mnist_edge.data import Dataset
    from mnist_edge.training.recipes import Recipe

STEPS_A_CALL = 8  # steps that TensorFlow takes before it reports: fewer calls into Python
EVALUATION_BATCH = 500


@dataclass(frozen=True)
class TrainedRun:
    """A run that ended.

    Attributes:
        folder: the bundle it wrote: the .keras file, history.csv and the manifest.
        history: a row for each epoch.
        probabilities: float32 [N,K] of the test images.
        test_accuracy: share of the test images named rightly, 0..1.
        seconds: spent training, earlier parts included.
    """

    folder: Path
    history: list[Row]
    probabilities: NDArray[np.float32]
    test_accuracy: float
    seconds: float


def train(
    recipe: Recipe,
    dataset: Dataset,
    out: Path,
    *,
    resume: bool = False,
    fresh: bool = False,
    watcher: Watcher | None = None,
    draw: Callable[[Path, list[Row], NDArray[np.float32]], None] | None = None,
) -> TrainedRun:
    """Train `recipe` on `dataset` and write the run into the folder `out`.

    While it runs, its state is in OUT.partial; OUT appears, or is replaced, when it is whole.
    The test images are looked at once, after the last epoch.

    Args:
        recipe: what to do.
        dataset: `train` is learnt from and chosen within, `test` is measured on.
        out: a folder that is absent, empty or a run.
        resume: go on from OUT.partial if it is there.
        fresh: throw OUT.partial away if it is there.
        watcher: is told of each step and epoch.
        draw: takes the new folder, the history and the test probabilities [N,K], and puts
            pictures there before the folder takes its place.

    Raises:
        SettingError: an interrupted run is there and neither `resume` nor `fresh` was said, or
            it was of another recipe or dataset.
        OutputError: `out` is something else's folder, or cannot be written to.
    """
    watcher = watcher or Watcher()
    check_replaceable(out)
    out = out if out.name else out.resolve()
    partial = out.with_name(out.name + ".partial")
    state = _earlier(partial, recipe, dataset, resume=resume, fresh=fresh)
    keras.utils.set_random_seed(recipe.seed)
    tf.config.experimental.enable_op_determinism()
    kept, held = stratified_split(dataset.train.labels, recipe.validation_share, recipe.seed)
    images = to_unit(dataset.train.images[..., None])
    targets = _targets(dataset.train.labels, recipe, len(dataset.labels))
    steps = math.ceil(len(kept) / recipe.batch_size)
    model = _compiled(recipe, len(dataset.labels), steps)
    if state is None:
        state = State(recipe, dataset.sha256, [], 0.0, _arrays(model))
        try:
            state.save(partial)  # shows, before any work, that there is room
        except OutputError:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    else:
        for variable, array in zip(_variables(model), state.arrays, strict=True):
            variable.assign(array)
    watcher.start(recipe, steps, len(state.history))
    batches = _Batches(images[kept], targets[kept], recipe)
    validation = (images[held], targets[held]) if len(held) else None
    for epoch in range(len(state.history), recipe.epochs):
        began = time.monotonic()
        row = _one_epoch(model, batches, validation, epoch, watcher)
        seconds = state.seconds + time.monotonic() - began
        state = State(recipe, dataset.sha256, [*state.history, row], seconds, _arrays(model))
        state.save(partial)
        watcher.epoch(row)
    probabilities = _predict(model, dataset.test.images)
    with replacing_folder(out) as folder:
        accuracy = write_run(folder, model, state, dataset, probabilities, (len(kept), len(held)))
        if draw is not None:
            draw(folder, state.history, probabilities)
    shutil.rmtree(partial, ignore_errors=True)
    return TrainedRun(out, state.history, probabilities, accuracy, state.seconds)


def _earlier(
    partial: Path, recipe: Recipe, dataset: Dataset, *, resume: bool, fresh: bool
) -> State | None:
    if fresh:
        shutil.rmtree(partial, ignore_errors=True)
        return None
    state = load_state(partial)
    if state is None:
        return None
    done = (
        f"{partial} holds a run stopped after epoch {len(state.history)} of {state.recipe.epochs}"
    )
    if not resume:
        raise SettingError(f"{done}: go on with --resume, or throw it away with --fresh")
    before, now = state.recipe.settings(), recipe.settings()
    other = [f"{key} {before[key]}" for key in now if before[key] != now[key]]
    if state.dataset_sha256 != dataset.sha256:
        other.append("another dataset")
    if other:
        raise SettingError(f"{done}, with {', '.join(other)}: say the same, or use --fresh")
    return state


def _targets(labels: NDArray[np.uint8], recipe: Recipe, classes: int) -> NDArray[Any]:
    if recipe.one_hot:
        return np.eye(classes, dtype=np.float32)[labels]
    return labels.astype(np.int32)


def _compiled(recipe: Recipe, classes: int, steps: int) -> Any:
    model = build(recipe, classes)
    rate: Any = recipe.learning_rate
    if recipe.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, steps * recipe.epochs)
    optimizers = keras.optimizers
    optimizer = {
        "adam": optimizers.Adam,
        "adamw": optimizers.AdamW,
        "sgd": optimizers.SGD,
        "rmsprop": optimizers.RMSprop,
    }[recipe.optimizer](rate)
    loss = "categorical_crossentropy" if recipe.one_hot else "sparse_categorical_crossentropy"
    model.compile(
        optimizer,
        loss=loss,
        metrics=["accuracy"],
        jit_compile=False,  # XLA on a CPU: 4 times slower here, and a minute to compile
        steps_per_execution=STEPS_A_CALL,
    )
    optimizer.build(model.trainable_variables)
    return model


def _variables(model: Any) -> Iterator[Any]:
    yield from model.variables  # random seeds among them
    yield from model.optimizer.variables


def _arrays(model: Any) -> list[NDArray[Any]]:
    return [np.array(variable.numpy()) for variable in _variables(model)]


class _Batches:
    """The training images in the order, and with the changes, of each epoch."""

    def __init__(self, images: NDArray[np.float32], targets: NDArray[Any], recipe: Recipe) -> None:
        self._images, self._targets = tf.constant(images), tf.constant(targets)
        self._recipe = recipe

    def of_epoch(self, epoch: int) -> Any:
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


def _one_epoch(
    model: Any, batches: _Batches, validation: tuple[Any, Any] | None, epoch: int, watcher: Watcher
) -> Row:
    class Reporter(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            if logs:
                watcher.step(epoch + 1, batch + 1, logs["loss"], logs["accuracy"])

    fitted = model.fit(
        batches.of_epoch(epoch),
        initial_epoch=epoch,
        epochs=epoch + 1,
        shuffle=False,  # the order is ours already
        verbose=0,
        callbacks=[Reporter()],
    )
    row: Row = {
        "epoch": epoch + 1,
        "loss": float(fitted.history["loss"][0]),
        "accuracy": float(fitted.history["accuracy"][0]),
        "learning_rate": float(model.optimizer.learning_rate),
    }
    if validation is not None:
        loss, accuracy = model.evaluate(*validation, batch_size=EVALUATION_BATCH, verbose=0)
        row |= {"val_loss": float(loss), "val_accuracy": float(accuracy)}
    if not math.isfinite(row["loss"]):
        raise SettingError(
            f"the loss became {row['loss']} in epoch {epoch + 1}: lower --learning-rate"
        )
    return row


def _predict(model: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    parts = [
        np.array(
            model(to_unit(images[start : start + EVALUATION_BATCH, :, :, None]), training=False)
        )
        for start in range(0, len(images), EVALUATION_BATCH)
    ]
    return np.concatenate(parts)

"""The loop that trains: one seed, one result; stopped anywhere, it goes on from the last epoch."""

from __future__ import annotations

import math
import os
import shutil
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import tensorflow as tf

from mnist_edge.atomic import replacing_folder
from mnist_edge.bundle import check_replaceable
from mnist_edge.errors import OutputError, SettingError
from mnist_edge.preprocess import to_unit
from mnist_edge.training.batches import Batches, targets_of
from mnist_edge.training.card import write_run
from mnist_edge.training.epoch import one_epoch, predict
from mnist_edge.training.learning import compiled
from mnist_edge.training.lessons import Lessons, teachers_of
from mnist_edge.training.logits import plain
from mnist_edge.training.state import Row, State, load_state
from mnist_edge.training.temperature import calibrate
from mnist_edge.training.watch import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mnist_edge.data import Dataset
    from mnist_edge.training.recipe import Recipe

LESSONS = "lessons"  # folder of what teachers say


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
    teachers: Sequence[Path] = (),
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
        teachers: finished runs whose answers are learnt in place of the labels. What they say is
            kept in `lessons` beside OUT, for other runs.
        watcher: is told of each step and epoch.
        draw: takes the new folder, the history and the test probabilities [N,K], and puts
            pictures there before the folder takes its place.

    Raises:
        SettingError: an interrupted run is there and neither `resume` nor `fresh` was said, or
            it was of another recipe or dataset; a teacher has seen what is held out.
        BundleError: a teacher is no finished run.
        OutputError: `out` is something else's folder, or cannot be written to.
    """
    watcher = watcher or Watcher()
    check_replaceable(out)
    out = out if out.name else out.resolve()
    partial = out.with_name(out.name + ".partial")
    if recipe.teachers and not teachers:
        raise SettingError("the recipe has teachers: name their runs")
    recipe, taught = taught_by(recipe, teachers, dataset)
    state = _earlier(partial, recipe, dataset, resume=resume, fresh=fresh)
    keras.utils.set_random_seed(recipe.seed)
    tf.config.experimental.enable_op_determinism()
    kept, held = recipe.split(dataset.train.labels)
    images = to_unit(dataset.train.images[..., None])
    targets = targets_of(dataset.train.labels, recipe, len(dataset.labels))
    steps = math.ceil(len(kept) / recipe.batch_size)
    model = compiled(recipe, len(dataset.labels), steps)
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
    watcher.start(recipe, steps, len(state.history), recipe.epochs)
    cache = out.parent / LESSONS
    lessons = Lessons(cache, taught, images[kept], recipe, watcher) if taught else None
    batches = Batches(images[kept], targets[kept], recipe, lessons)
    validation = (images[held], targets[held]) if len(held) else None
    for epoch in range(len(state.history), recipe.epochs):
        began = time.monotonic()
        row = one_epoch(model, batches, validation, epoch, watcher)
        seconds = state.seconds + time.monotonic() - began
        state = State(recipe, dataset.sha256, [*state.history, row], seconds, _arrays(model))
        state.save(partial)
        watcher.epoch(row)
    model = plain(model) if recipe.normalise_logits else model
    temperature = calibrate(model, dataset.train, held) if recipe.calibrate else None
    probabilities = predict(model, dataset.test.images)
    with replacing_folder(out) as folder:
        accuracy = write_run(
            folder,
            model,
            state,
            dataset,
            probabilities,
            (len(kept), len(held)),
            temperature=temperature,
        )
        if draw is not None:
            draw(folder, state.history, probabilities)
    shutil.rmtree(partial, ignore_errors=True)
    return TrainedRun(out, state.history, probabilities, accuracy, state.seconds)


def taught_by(
    recipe: Recipe, teachers: Sequence[Path], dataset: Dataset
) -> tuple[Recipe, dict[str, Any]]:
    """Return the recipe that says who its teachers are, and their models by SHA-256 of weights.

    Raises:
        BundleError, SettingError: as `lessons.teachers_of`.
    """
    taught = teachers_of(teachers, dataset, recipe)
    return replace(recipe, teachers=tuple(sorted(taught))), taught


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


def _variables(model: Any) -> Iterator[Any]:
    yield from model.variables  # random seeds among them
    yield from model.optimizer.variables


def _arrays(model: Any) -> list[NDArray[Any]]:
    return [np.array(variable.numpy()) for variable in _variables(model)]

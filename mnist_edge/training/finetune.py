"""Quantization-aware training: a finished run goes on for a few epochs as if it were int8 already.

The run that comes of it is a plain Keras model, its normalisation folded, and the ranges that it
has learnt, in its manifest; export quantizes by these instead of calibrating.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from mnist_edge.atomic import replacing_folder
from mnist_edge.bundle import check_replaceable
from mnist_edge.data import stratified_sample
from mnist_edge.errors import BundleError, DataError, SettingError
from mnist_edge.preprocess import to_unit
from mnist_edge.training.card import HISTORY, read_history, write_run
from mnist_edge.training.epoch import predict
from mnist_edge.training.fake_quant import insert, learnt_ranges, plain, predict_int8
from mnist_edge.training.fold import fold
from mnist_edge.training.further import train_further
from mnist_edge.training.placement import observed
from mnist_edge.training.recipe import from_dict
from mnist_edge.training.starting import narrow
from mnist_edge.training.state import State
from mnist_edge.training.temperature import calibrate, last_dense
from mnist_edge.training.watch import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from mnist_edge.bundle import Bundle, ModelEntry
    from mnist_edge.data import Dataset, Split
    from mnist_edge.training.placement import Ends
    from mnist_edge.training.recipe import Recipe
    from mnist_edge.training.state import Row

EPOCHS = 2
LEARNING_RATE = 1e-4
CALIBRATION = 500  # images that the ranges start from, as many as export's


@dataclass(frozen=True)
class FinetunedRun:
    """A run that was fine-tuned.

    Attributes:
        folder: the bundle it wrote.
        history: a row for each epoch, those of the parent first.
        ranges: what each tensor's range has come to, by layer.
        validation: accuracy 0..1 of the held-out images by `float32` (the parent), `post_training`
            (int8, calibrated, before a step) and `quantization_aware` (int8, after); empty where
            the run held none out.
        test: the same of the test images; nothing was chosen by it.
    """

    folder: Path
    history: list[Row]
    ranges: dict[str, Ends]
    validation: dict[str, float]
    test: dict[str, float]


def finetune(
    run: Bundle,
    dataset: Dataset,
    out: Path,
    *,
    epochs: int = EPOCHS,
    learning_rate: float = LEARNING_RATE,
    per_channel: bool = True,
    watcher: Watcher | None = None,
    draw: Callable[[Path, list[Row], NDArray[np.float32]], None] | None = None,
) -> FinetunedRun:
    """Fine-tune `run` for int8 and write the run that comes of it into the folder `out`.

    It learns from the images, with the augmentation and the seed, that the run was trained with.
    The best epoch is kept, by the validation accuracy of the int8 model, then by the loss; the
    last where the run held no images out. Nothing is written before the end.

    Args:
        run: a finished run; it is read, never changed.
        dataset: what it learnt from.
        out: a folder that is absent, empty or another run.
        epochs: passes over the training part, 1 or more.
        learning_rate: at the start, above 0; it falls to zero along a cosine.
        per_channel: whether the int8 file will have a scale for each channel of a kernel.
        watcher: is told of each step and epoch.
        draw: as in `loop.train`.

    Raises:
        SettingError: a value out of range, `out` is the run itself, or it is fine-tuned already.
        BundleError: the run does not say how it was trained, or has no Keras model.
        DataError: another dataset than the run's.
        ModelError: a layer whose quantized form is not known.
        OutputError: `out` is something else's folder, or cannot be written to.
    """
    _check(run, out, epochs, learning_rate)
    recipe, parent = _recipe(run, dataset), _keras_entry(run)
    check_replaceable(out)
    began = time.monotonic()
    keras.utils.set_random_seed(recipe.seed)
    tf.config.experimental.enable_op_determinism()
    folded = fold(keras.saving.load_model(run.folder / parent.file, compile=False, safe_mode=True))
    kept, held = recipe.split(dataset.train.labels)
    count = min(CALIBRATION, len(kept))
    chosen = kept[stratified_sample(dataset.train.labels[kept], count, recipe.seed)]
    sample = to_unit(dataset.train.images[chosen][..., None])
    calibrated = observed(folded, sample)
    model = insert(folded, calibrated, per_channel=per_channel)
    start = narrow(model, calibrated, sample, dataset.train.labels[chosen])
    further = train_further(
        model,
        recipe,
        dataset,
        epochs=epochs,
        learning_rate=learning_rate,
        says=predict_int8,
        watcher=watcher or Watcher(),
    )
    ranges, trained = learnt_ranges(model), plain(model, folded)
    temperature = calibrate(trained, dataset.train, held) if recipe.calibrate else None
    if temperature is not None:  # what suited the run before does no more; its logits are others
        logits = last_dense(trained).name
        ranges[logits] = (ranges[logits][0] / temperature, ranges[logits][1] / temperature)
    judged = {
        "float32": folded,
        "post_training": insert(folded, calibrated, per_channel=per_channel),
        # As it will be made again from what is written.
        "quantization_aware": insert(trained, ranges, per_channel=per_channel),
    }
    validation = _accuracies(judged, dataset.train, held)
    test = _accuracies(judged, dataset.test, np.arange(len(dataset.test)))
    history = read_history(run.folder) if (run.folder / HISTORY).is_file() else []
    history = [*history, *further.history]
    aware = {
        "epochs": epochs,
        "learning_rate": learning_rate,
        "learnt_from": "labels",  # even where the run before had teachers
        "granularity": "per-channel" if per_channel else "per-tensor",
        "best_epoch": further.best,
        "narrowed": {
            name: calibrated[name][1] / start[name][1]
            for name in start
            if start[name] != calibrated[name]
        },
        "parent": {"name": run.name, "file": parent.file, "sha256": parent.sha256},
        "ranges": {name: list(ends) for name, ends in ranges.items()},
        "validation_accuracy": validation,
        "test_accuracy": test,
    }
    probabilities = predict(trained, dataset.test.images)
    state = State(recipe, dataset.sha256, history, time.monotonic() - began, [])
    with replacing_folder(out) as folder:
        write_run(
            folder,
            trained,
            state,
            dataset,
            probabilities,
            (len(kept), len(held)),
            name=f"{run.name}-qat",
            temperature=temperature,
            quantization_aware=aware,
        )
        if draw is not None:
            draw(folder, history, probabilities)
    return FinetunedRun(out, history, ranges, validation, test)


def _accuracies(
    models: dict[str, Any], split: Split, places: NDArray[np.int64]
) -> dict[str, float]:
    """Return the accuracy of each model, 0..1, on some images of a split; {} if there are none.

    Only `float32` is not an int8 model.
    """
    if not len(places):
        return {}
    images, labels = split.images[places], split.labels[places]
    said = {
        name: predict(model, images)
        if name == "float32"
        else predict_int8(model, to_unit(images[..., None]))
        for name, model in models.items()
    }
    return {name: float((each.argmax(1) == labels).mean()) for name, each in said.items()}


def _check(run: Bundle, out: Path, epochs: int, learning_rate: float) -> None:
    if epochs < 1:
        raise SettingError(f"epochs is {epochs}; wanted 1 or more")
    if not 0 < learning_rate < math.inf:
        raise SettingError(f"learning_rate is {learning_rate}; wanted a number above 0")
    if "quantization_aware" in run.manifest.get("training", {}):
        raise SettingError(f"{run.folder} is fine-tuned already: name the run that it came from")
    if out.resolve() == run.folder.resolve():
        raise SettingError(f"{out} is the run that is fine-tuned: choose another --out")


def _recipe(run: Bundle, dataset: Dataset) -> Recipe:
    if run.manifest.get("training", {}).get("source"):
        raise BundleError(
            f"{run.folder} is a network of one's own, and how it was trained is not known here: "
            "fine-tune it where it was trained, and export that"
        )
    try:
        training = run.manifest["training"]
        recipe, learnt_from = from_dict(training["hyperparameters"]), training["dataset"]
        name, sha256 = learnt_from["name"], learnt_from["sha256"]
    except (KeyError, TypeError):
        raise BundleError(f"{run.folder} does not say how it was trained: train it anew") from None
    if sha256 != dataset.sha256:
        raise DataError(
            f"{run.folder} learnt from {name}, and {dataset.name} is not the same data: name the "
            "right one with --data"
        )
    return recipe


def _keras_entry(run: Bundle) -> ModelEntry:
    for entry in run.models:
        if entry.format == "keras":
            run.read_file(entry)
            return entry
    raise BundleError(f"{run.folder} has no .keras model: train it anew")

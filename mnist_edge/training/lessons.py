"""What teachers say of changed images: made once, kept on disk, learnt from by any number of runs.

Distillation (Hinton et al. 2015, "Distilling the Knowledge in a Neural Network"), and consistently:
the teachers saw the very pixels that the learner sees (Beyer et al. 2022, "Knowledge distillation:
A good teacher is patient and consistent"). A view is all training images, each changed in a way of
its own; an epoch learns from one view. Large teachers answer once for each view, not once for each
epoch of each seed.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from mnist_edge.atomic import write_file
from mnist_edge.bundle import read_bundle
from mnist_edge.errors import BundleError, SettingError
from mnist_edge.training import augment
from mnist_edge.training.batches import changed
from mnist_edge.training.recipe import from_dict
from mnist_edge.training.watch import Watcher

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mnist_edge.bundle import Bundle
    from mnist_edge.data import Dataset
    from mnist_edge.training.recipe import Recipe

VIEWS = 16
AT_ONCE = 500  # images
# What decides how images are changed: of a recipe, and of `augment`.
DECIDING = ("augmentation", "strength", "bend")
AMOUNTS = (augment.ROTATION, augment.SCALE, augment.SHEAR, augment.SHIFT, augment.SPACING)


class View(NamedTuple):
    """The training images, changed, and what the teachers say of them.

    Attributes:
        images: uint8 [N,28,28,1].
        answers: float32 [N,K], the mean of the teachers' probabilities.
    """

    images: NDArray[np.uint8]
    answers: NDArray[np.float32]


def teachers_of(folders: Sequence[Path], dataset: Dataset, recipe: Recipe) -> dict[str, Any]:
    """Return the models of finished runs by the SHA-256 of their weights, checked.

    Args:
        folders: of the runs.
        dataset: that they must have learnt from.
        recipe: of the learner: what it holds out, no teacher may have learnt from.

    Raises:
        BundleError: a folder that is no run of a recipe, or a damaged file.
        SettingError: a run of other data, or with another split.
    """
    found = {}
    for folder in folders:
        run = read_bundle(folder)
        entry = next((each for each in run.models if each.format == "keras"), None)
        if entry is None or "source" in run.manifest.get("training", {}):
            raise BundleError(
                f"{folder} is no run of a recipe: what it has learnt from is not known here; name "
                "what mnist-edge train wrote"
            )
        _check(run, dataset, recipe)
        run.read_file(entry)
        model = keras.saving.load_model(run.folder / entry.file, compile=False, safe_mode=True)
        found[weights_sha256(model)] = model
    return found


def weights_sha256(model: Any) -> str:
    """Return what tells a model from others: a .keras file differs each time it is written."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(repr((weight.shape, weight.dtype.str)).encode())
        digest.update(weight.tobytes())
    return digest.hexdigest()


def _check(run: Bundle, dataset: Dataset, recipe: Recipe) -> None:
    training = run.manifest.get("training", {})
    if training.get("dataset", {}).get("sha256") != dataset.sha256:
        raise SettingError(f"{run.folder} learnt from other data than {dataset.name}")
    teacher = from_dict(training["hyperparameters"])
    labels = dataset.train.labels
    shared = np.intersect1d(teacher.split(labels)[0], recipe.split(labels)[1])
    if len(shared):
        raise SettingError(
            f"{run.folder} has learnt from {len(shared)} of the images that this recipe holds out "
            f"to be judged on (validation share {teacher.validation_share} of split "
            f"{teacher.held_by}, here {recipe.validation_share} of {recipe.held_by})"
        )


class Lessons:
    """The views of one set of images under one set of teachers.

    Attributes:
        count: how many views there are.
    """

    count = VIEWS

    def __init__(
        self,
        cache: Path,
        teachers: dict[str, Any],
        images: NDArray[np.float32],
        recipe: Recipe,
        watcher: Watcher | None = None,
    ) -> None:
        """Make nothing yet.

        Args:
            cache: a folder for all lessons; what is there is used again.
            teachers: models by the SHA-256 of their weights.
            images: what is learnt from, float32 [N,28,28,1] in 0..1.
            recipe: says how images are changed.
            watcher: is told how the making of a view goes.
        """
        settings = recipe.settings()
        about = {key: settings[key] for key in DECIDING}
        about |= {"amounts": AMOUNTS, "teachers": sorted(teachers)}
        digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
        digest.update(images.tobytes())
        self.folder = cache / digest.hexdigest()[:16]
        self._models, self._images, self._recipe = list(teachers.values()), images, recipe
        self._watcher = watcher or Watcher()

    def view(self, number: int) -> View:
        """Return a view, 0..count-1; one that was not made yet takes the teachers a while.

        Raises:
            OutputError: it cannot be written.
        """
        path = self.folder / f"view-{number:02d}.npz"
        if not path.is_file():
            self._make(number, path)
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                return View(archive["images"], archive["answers"].astype(np.float32))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            raise SettingError(f"{path} is damaged: remove it, it is made anew") from None

    def _make(self, number: int, path: Path) -> None:
        @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
        def ask(images: Any) -> Any:
            said = [model([images], training=False) for model in self._models]
            return tf.reduce_mean(tf.stack(said), axis=0)

        images, answers = [], []
        for start in range(0, len(self._images), AT_ONCE):
            part = tf.constant(self._images[start : start + AT_ONCE])
            pixels = np.rint(255 * changed(part, self._recipe, [number, start]).numpy())
            images.append(pixels.astype(np.uint8))
            answers.append(ask(tf.constant(images[-1], tf.float32) / 255).numpy())
            self._watcher.asked(start + len(part), len(self._images))
        buffer = io.BytesIO()
        np.savez(
            buffer,
            images=np.concatenate(images),
            answers=np.concatenate(answers).astype(np.float16),
        )
        write_file(path, buffer.getvalue())

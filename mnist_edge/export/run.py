"""What every step of the workshop asks of a finished run: its network, and its data."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

from mnist_edge.errors import BundleError, DataError

if TYPE_CHECKING:
    from mnist_edge.bundle import Bundle
    from mnist_edge.data import Dataset


def keras_model(run: Bundle) -> Any:
    """Return a run's Keras model, its file checked by the manifest; no code within it is run.

    Raises:
        BundleError: it has none, or one that its manifest denies.
    """
    for entry in run.models:
        if entry.format == "keras":
            run.read_file(entry)
            return keras.saving.load_model(run.folder / entry.file, compile=False, safe_mode=True)
    raise BundleError(f"{run.folder} has no .keras model: train it anew")


def check_data(run: Bundle, dataset: Dataset) -> None:
    """Make sure that a dataset is what a run goes with, where its manifest says what that is.

    Raises:
        DataError: it is another.
    """
    known = run.manifest.get("training", {}).get("dataset", {})
    if known and known.get("sha256") != dataset.sha256:
        raise DataError(
            f"{run.name} goes with {known.get('name')}, and {dataset.name} is not the same data: "
            "name the right one with --data"
        )

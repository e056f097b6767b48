"""What a run leaves: the model, its history, and a manifest that says how it came about."""

from __future__ import annotations

import csv
import io
import platform
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import keras

from mnist_edge.bundle import (
    MANIFEST,
    SCHEMA,
    Bundle,
    installed_versions,
    make_entry,
    manifest_text,
    read_bundle,
)
from mnist_edge.preprocess import IMAGE_SIZE
from mnist_edge.training.parameters import learnt_parameters
from mnist_edge.training.recipe import from_dict

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from mnist_edge.data import Dataset
    from mnist_edge.training.recipe import Recipe
    from mnist_edge.training.state import Row, State

HISTORY = "history.csv"
COLUMNS = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")
VERSIONED = ("tensorflow", "tensorflow-cpu", "keras", "numpy", "mnist-edge")


def write_run(
    folder: Path,
    model: Any,
    state: State,
    dataset: Dataset,
    probabilities: NDArray[np.float32],
    split: tuple[int, int],
    *,
    name: str | None = None,
    temperature: float | None = None,
    quantization_aware: dict[str, Any] | None = None,
) -> float:
    """Write a finished run into an empty folder; return its accuracy on the test images, 0..1.

    Args:
        folder: empty.
        model: the Keras model.
        state: after the last epoch.
        dataset: what it learnt from and is measured on.
        probabilities: float32 [N,K] of the test images.
        split: how many training images were learnt from and how many were held out.
        name: of the run, if not the recipe's.
        temperature: by which its logits were divided, if they were.
        quantization_aware: how it was fine-tuned for int8, if it was.
    """
    recipe = state.recipe
    right = probabilities.argmax(1) == dataset.test.labels
    path = folder / f"{name or recipe.name}.keras"
    keras.Model(model.inputs, model.outputs, name=model.name).save(path)  # without its optimizer
    (folder / HISTORY).write_text(history_text(state.history), encoding="utf-8")
    shape = [IMAGE_SIZE, IMAGE_SIZE, 1]
    entry = make_entry(
        path,
        "float32",
        input={"name": "image", "shape": [None, *shape], "dtype": "float32"},
        output={
            "name": "probabilities",
            "shape": [None, len(dataset.labels)],
            "dtype": "float32",
        },
    )
    manifest: dict[str, Any] = {
        "schema": SCHEMA,
        "name": name or recipe.name,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "labels": list(dataset.labels),
        "input": {
            "shape": shape,
            "dtype": "uint8",
            "range": [0, 255],
            "polarity": "bright-on-dark",
        },
        "models": [entry.as_dict()],
        "training": {
            "recipe": recipe.name,
            "parameters": learnt_parameters(model),
            "epochs": recipe.epochs,
            "seed": recipe.seed,
            "dataset": {"name": dataset.name, "sha256": dataset.sha256},
            "split": {
                "training": split[0],
                "validation": split[1],
                "test": len(dataset.test),
                "method": "stratified by class, by seed",
            },
            "test_accuracy": float(right.mean()),
            "test_accuracy_per_class": {
                name: float(right[dataset.test.labels == index].mean())
                for index, name in enumerate(dataset.labels)
                if (dataset.test.labels == index).any()
            },
            "last_epoch": state.history[-1],
            "hyperparameters": recipe.as_dict(),
            "seconds": round(state.seconds, 1),
            "machine": f"{platform.system()} {platform.machine()}",
            "intended_use": "one centred symbol a 28x28 image, bright on dark",
            "limits": "an image of anything else still gets one of the labels",
        },
        "versions": installed_versions(VERSIONED),
    }
    if temperature is not None:
        manifest["training"]["temperature"] = temperature
    if quantization_aware is not None:
        manifest["training"]["quantization_aware"] = quantization_aware
    (folder / MANIFEST).write_text(manifest_text(manifest), encoding="utf-8")
    return float(right.mean())


def finished(folder: Path, recipe: Recipe, dataset: Dataset) -> Bundle | None:
    """Return the run in `folder` if it is this very recipe on this very data; None if not.

    One that was fine-tuned since is another.
    """
    if not (folder / MANIFEST).is_file():
        return None
    run = read_bundle(folder)
    training = run.manifest.get("training", {})
    learnt = training.get("hyperparameters")
    same = (
        isinstance(learnt, dict)
        and from_dict(learnt).settings() == recipe.settings()
        and training.get("dataset", {}).get("sha256") == dataset.sha256
    )
    return run if same and "quantization_aware" not in training else None


def read_history(folder: Path) -> list[Row]:
    """Return the history that a run left in `folder`."""
    with (folder / HISTORY).open(encoding="utf-8", newline="") as file:
        return [
            {key: float(value) for key, value in row.items() if value}
            for row in csv.DictReader(file)
        ]


def history_text(history: list[Row]) -> str:
    """Return a history as CSV; what was not measured is left empty."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for row in history:
        writer.writerow(
            {key: int(value) if key == "epoch" else f"{value:.6g}" for key, value in row.items()}
        )
    return buffer.getvalue()

"""A network of one's own becomes a run, as if it had been trained here, and is exported as one.

Its pixels' range and a softmax that it lacks become layers of it: what a device is given is the
same for every bundle, so no normalisation is left to be forgotten or done twice.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.bundle import (
    MANIFEST,
    SCHEMA,
    Bundle,
    installed_versions,
    make_entry,
    manifest_text,
    own_name,
    read_bundle,
)
from mnist_edge.data import stratified_sample
from mnist_edge.data.classes import numbers
from mnist_edge.errors import DataError
from mnist_edge.export.fitting import (
    answers,
    check_bright,
    check_probabilities,
    check_range,
    input_range_of,
)
from mnist_edge.preprocess import DIGIT_SHAPE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from mnist_edge.data import Dataset
    from mnist_edge.export.own_model import OwnModel

SOURCE = "own model"  # in place of a recipe
LOOKED_AT = 256  # images that a model is tried on before it is adopted
VALIDATION_SHARE = 0.2  # of the images that are not compared on, for whatever is chosen
VERSIONED = ("tensorflow", "tensorflow-cpu", "keras", "numpy", "mnist-edge")


def names_for(
    own: OwnModel, dataset: Dataset, asked: tuple[str, ...] | None = None
) -> tuple[str, ...]:
    """Return what a model's classes are called: as asked for, or as the images' labels are.

    Raises:
        DataError: another number of names than the model has classes.
    """
    names = asked or dataset.labels
    if not asked and names == numbers(len(names)) and len(names) <= own.classes:
        return numbers(own.classes)  # some of them may not be among the images
    if len(names) != own.classes:
        raise DataError(
            f"{own.path} has {own.classes} classes, and there are {len(names)} names "
            f"({', '.join(names[:3])}, ...): give label_names [{own.classes}] in the .npz, or "
            "--labels, in the model's order"
        )
    return names


def adopt(
    own: OwnModel,
    dataset: Dataset,
    folder: Path,
    *,
    input_range: tuple[float, float] | None = None,
    softmax: bool = False,
    note: Callable[[str], None] = lambda _line: None,
) -> Bundle:
    """Write a run of a model of one's own into an empty folder.

    Args:
        own: from `open_own`.
        dataset: images at the model's size, its classes named as `names_for` has them. `train` is
            what is calibrated on, `test` what models are compared on.
        folder: empty; the run is written here.
        input_range: of pixels, as the model learnt on them; None for 0..1, unless the model says
            or the labels show otherwise.
        softmax: the model gives logits: append one.
        note: takes a line that people should read.

    Raises:
        DataError: images that are all but black.
        ModelError: the model gives no probabilities.
        SettingError: a range or a softmax that does not fit the model.
    """
    own_name(f"{own.path.stem}.keras")
    pixels = input_range_of(own, input_range)
    seen = dataset.train.part(
        stratified_sample(dataset.train.strata, min(LOOKED_AT, len(dataset.train)), seed=0)
    )
    check_bright(seen, dataset.name)
    network = own.wrapped(pixels, softmax)
    check_probabilities(own, answers(network, seen.images, own.path), softmax)
    check_range(own, seen, pixels, input_range is not None, note)
    path = folder / f"{own.path.stem}.keras"
    network.save(path)
    manifest = _manifest(own, network, path, dataset, pixels, softmax)
    if own.image_shape == DIGIT_SHAPE and _bright_at_edges(seen.images):
        note(
            "most images are bright at their edges: mnist-edge predict turns pictures bright on "
            "dark for 28x28, so give such a model arrays, by Classifier"
        )
    (folder / MANIFEST).write_text(manifest_text(manifest), encoding="utf-8")
    return read_bundle(folder)


def _bright_at_edges(images: NDArray[np.uint8]) -> bool:
    edges = [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]]
    return float((np.median(np.concatenate(edges, 1), 1) > 127).mean()) > 0.5


def _manifest(
    own: OwnModel,
    network: Any,
    path: Path,
    dataset: Dataset,
    pixels: tuple[float, float],
    softmax: bool,
) -> dict[str, Any]:
    shape = list(own.image_shape)
    labelled = dataset.train.truth is not None
    entry = make_entry(
        path,
        "float32",
        input={"name": "image", "shape": [None, *shape], "dtype": "float32"},
        output={"name": "probabilities", "shape": [None, own.classes], "dtype": "float32"},
    )
    polarity = {"polarity": "bright-on-dark"} if own.image_shape == DIGIT_SHAPE else {}
    return {
        "schema": SCHEMA,
        "name": own.path.stem,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "labels": list(dataset.labels),
        "input": {"shape": shape, "dtype": "uint8", "range": [0, 255], **polarity},
        "models": [entry.as_dict()],
        "training": {
            "source": SOURCE,
            "file": own.path.name,
            "sha256": hashlib.sha256(own.path.read_bytes()).hexdigest(),
            "input_range": list(pixels),
            "softmax": "appended" if softmax else "its own",
            "parameters": int(network.count_params()),
            "dataset": {"name": dataset.name, "sha256": dataset.sha256},
            "split": {
                "calibration": len(dataset.train),
                "test": len(dataset.test),
                "method": _split_method(dataset, labelled),
            },
            "hyperparameters": {
                "validation_share": VALIDATION_SHARE if labelled else 0.0,
                "seed": 0,
            },
        },
        "versions": installed_versions(VERSIONED),
    }


def _split_method(dataset: Dataset, labelled: bool) -> str:
    if not dataset.held_out:
        return "as the images came"
    return f"held out by seed, {'stratified by class' if labelled else 'without labels'}"

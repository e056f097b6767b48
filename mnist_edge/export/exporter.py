"""From a trained run to a bundle: convert, run against Keras, write; or write nothing."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

from mnist_edge.atomic import replacing_folder
from mnist_edge.bundle import (
    MANIFEST,
    Bundle,
    ModelEntry,
    check_replaceable,
    installed_versions,
    make_entry,
    manifest_text,
)
from mnist_edge.data import Dataset, stratified_sample
from mnist_edge.errors import BundleError, DataError
from mnist_edge.export import onnx_model, tflite
from mnist_edge.export.calibration import choose

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mnist_edge.export.calibration import Calibration
    from mnist_edge.export.check import Check
    from mnist_edge.export.plan import Target

VERSIONED = ("onnx", "onnxruntime", "tf2onnx")
GOLDEN = "golden.npz"
GOLDEN_A_CLASS = 2
CONVERTERS = {"tflite": tflite, "onnx": onnx_model}


def export(
    run: Bundle,
    dataset: Dataset,
    out: Path,
    targets: Sequence[Target],
    check: Check,
    *,
    calibration_count: int | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> Bundle:
    """Write a bundle with the run's own files and each of `targets`, every one of them checked.

    Args:
        run: has the `.keras` model. It is read, never changed (`out` may be its own folder).
        dataset: what the run learnt from; calibration is chosen within its training part.
        out: the bundle folder; replaced when the new one is whole.
        targets: what to write. Models of the run that are not among them are kept.
        check: is asked about every model before it is called exported.
        calibration_count: images for the ranges of quantized activations; see `calibration.choose`.
        say: takes a line on what is going on.

    Raises:
        CheckFailed: a model is not what Keras is; nothing is written.
        ModelError: a conversion fails, or the run has no Keras model.
        DataError: another dataset than the run's.
        OutputError: `out` is something else's folder, or cannot be written to.
    """
    training = _training(run)
    if training["dataset"]["sha256"] != dataset.sha256:
        raise DataError(
            f"{run.folder} learnt from {training['dataset']['name']}, and {dataset.name} is not "
            "the same data: name the right one with --data"
        )
    check_replaceable(out)
    hyper = training["hyperparameters"]
    calibration = choose(dataset, hyper["validation_share"], hyper["seed"], calibration_count)
    model = _keras_model(run)
    with replacing_folder(out) as folder:
        kept = _carry_over(run, folder, {target.file(training["recipe"]) for target in targets})
        outputs: dict[str, NDArray[np.float32]] = {}
        entries = []
        for target in targets:
            say(f"{target.quantization} {target.format}")
            path = folder / target.file(training["recipe"])
            entry, outputs[path.name] = _write(path, target, model, calibration, check)
            entries.append(entry)
        say("golden samples")
        manifest = {**run.manifest, "models": [entry.as_dict() for entry in (*kept, *entries)]}
        manifest["calibration"] = calibration.as_dict()
        manifest["golden"] = _write_golden(folder / GOLDEN, dataset, check, kept, outputs)
        manifest["versions"] = {**manifest.get("versions", {}), **installed_versions(VERSIONED)}
        (folder / MANIFEST).write_text(manifest_text(manifest), encoding="utf-8")
    return run._replace(folder=out, manifest=manifest, models=(*kept, *entries))


def _training(run: Bundle) -> dict[str, Any]:
    try:
        training: dict[str, Any] = run.manifest["training"]
        for key in ("recipe", "dataset", "hyperparameters"):
            training[key]
    except (KeyError, TypeError):
        raise BundleError(f"{run.folder} does not say how it was trained: train it anew") from None
    return training


def _keras_model(run: Bundle) -> Any:
    for entry in run.models:
        if entry.format == "keras":
            run.read_file(entry)
            return keras.saving.load_model(run.folder / entry.file, compile=False, safe_mode=True)
    raise BundleError(f"{run.folder} has no .keras model: train it anew")


def _carry_over(run: Bundle, folder: Path, replaced: set[str]) -> list[ModelEntry]:
    """Copy the run's files but for the models that are made anew; return the models kept."""
    kept = [entry for entry in run.models if entry.file not in replaced]
    for entry in kept:
        run.read_file(entry)
    for path in run.folder.iterdir():
        if path.is_file() and path.name not in {MANIFEST, *replaced}:
            shutil.copy2(path, folder / path.name)
    return kept


def _write(
    path: Path, target: Target, model: Any, calibration: Calibration, check: Check
) -> tuple[ModelEntry, NDArray[np.float32]]:
    converter = CONVERTERS[target.format]
    content = converter.convert(
        model, target.quantization, calibration if target.calibrated else None
    )
    operators = converter.operators(content)
    path.write_bytes(content)
    checked = check(path, target.quantization)
    entry = make_entry(
        path,
        target.quantization,
        input=checked.input.as_dict(),
        output=checked.output.as_dict(),
        ops=operators,
        parity=checked.parity,
    )
    return entry, checked.probabilities


def _write_golden(
    path: Path,
    dataset: Dataset,
    check: Check,
    kept: Sequence[ModelEntry],
    outputs: dict[str, NDArray[np.float32]],
) -> dict[str, Any]:
    """Write a few test images with what Keras and each model say of them.

    Arrays: `images` uint8 [N,28,28], `labels` uint8 [N], `reference` float32 [N,K] from Keras,
    and one float32 [N,K] for each model, under its file name.
    """
    chosen = stratified_sample(
        dataset.test.labels,
        min(GOLDEN_A_CLASS * len(dataset.labels), len(dataset.test)),
        seed=0,
    )
    arrays = {file: found[chosen] for file, found in outputs.items()}
    for entry in kept:  # exported by an earlier call
        if entry.format in CONVERTERS:
            checked = check(path.parent / entry.file, entry.quantization)
            arrays[entry.file] = checked.probabilities[chosen]
    buffer = io.BytesIO()
    np.savez(
        buffer,
        allow_pickle=False,
        images=dataset.test.images[chosen],
        labels=dataset.test.labels[chosen],
        reference=check.reference()[chosen],
        **arrays,
    )
    path.write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    return {"file": path.name, "sha256": digest, "count": len(chosen)}

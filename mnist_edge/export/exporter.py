"""From a trained run to a bundle: convert, run against Keras, write; or write nothing."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from mnist_edge import reference
from mnist_edge.atomic import replacing_folder
from mnist_edge.bundle import (
    MANIFEST,
    Bundle,
    ModelEntry,
    check_replaceable,
    installed_versions,
    manifest_text,
)
from mnist_edge.data import Dataset, stratified_sample
from mnist_edge.errors import BundleError, SettingError
from mnist_edge.export.audit import document
from mnist_edge.export.c_array import c_array, identifier
from mnist_edge.export.calibration import of_run
from mnist_edge.export.learnt import layer_ranges
from mnist_edge.export.plan import FORMATS
from mnist_edge.export.run import check_data, keras_model
from mnist_edge.export.writer import Control, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mnist_edge.export.check import Check
    from mnist_edge.export.learnt import Ranges
    from mnist_edge.export.plan import Target

VERSIONED = ("onnx", "onnxruntime", "tf2onnx")
AUDIT, AUDIT_PICTURE = "audit.json", "audit.png"
REPORTS = ("report.html", "report.md")  # of the models that were there
GOLDEN = "golden.npz"
GOLDEN_A_CLASS = 2
GOLDEN_BYTES = 4 << 20  # of all golden samples and the answers to them, about


def export(
    run: Bundle,
    dataset: Dataset,
    out: Path,
    targets: Sequence[Target],
    check: Check,
    *,
    calibration_count: int | None = None,
    control: Control | None = None,
    c_arrays: bool = False,
    draw: Callable[[Path, dict[str, Any]], None] | None = None,
    say: Callable[[str], None] = lambda _line: None,
    note: Callable[[str], None] = lambda _line: None,
) -> Bundle:
    """Write a bundle with the run's own files and each of `targets`, every one of them checked.

    Args:
        run: has the `.keras` model. It is read, never changed (`out` may be its own folder).
        dataset: what the run learnt from, or a model of one's own was adopted with; calibration
            is chosen within its training part.
        out: the bundle folder; replaced when the new one is whole.
        targets: what to write. Models of the run that are not among them are kept.
        check: is asked about every model before it is called exported.
        calibration_count: images for the ranges of quantized activations; see `Pool.draw`.
        control: what a quantized model must keep; see `control.fit`. None: no more than `check`.
        c_arrays: write each int8 TensorFlow Lite model as C source, too; see `c_array`.
        draw: takes a path and the audit as JSON has it, and puts a picture there.
        say: takes a line on what is going on.
        note: takes a line that people should read: a doubt, a choice that was made.

    Raises:
        CheckFailed: a model is not what Keras is; nothing is written.
        ModelError: a conversion fails, or the run has no Keras model.
        DataError: another dataset than the run's.
        OutputError: `out` is something else's folder, or cannot be written to.
        SettingError: a method of calibration where ranges were learnt.
    """
    training = _training(run)
    check_data(run, dataset)
    check_replaceable(out)
    hyper = training["hyperparameters"]
    pool = of_run(dataset, hyper["validation_share"], hyper["seed"], hyper.get("split_seed"))
    calibration = pool.draw(calibration_count)
    learnt = layer_ranges(run)
    _check_methods(run, learnt, targets)
    model = keras_model(run)
    with replacing_folder(out) as folder:
        writer = Writer(
            folder, run.name, model, pool, learnt, calibration, check, control, say, note
        )
        entries = []
        for place, target in enumerate(targets, start=1):
            writer.place = f"{place} of {len(targets)}: "
            entry = writer.write(target)
            entries += [] if entry is None else [entry]
        kept = _carry_over(run, folder, {entry.file for entry in entries})
        if writer.audits:
            found = document(writer.audits, bundle=run.name, dataset=dataset.name)
            found["models"] = [*_audits_of(run, kept), *found["models"]]
            text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
            (folder / AUDIT).write_text(text, encoding="utf-8")
            if draw is not None:
                draw(folder / AUDIT_PICTURE, found)
        if c_arrays:
            _write_c_arrays(folder, entries, run.labels)
        say("golden samples")
        manifest = {**run.manifest, "models": [entry.as_dict() for entry in (*kept, *entries)]}
        if writer.calibrated or "calibration" not in manifest:
            manifest["calibration"] = {**calibration.as_dict(), **writer.about_calibration()}
        manifest["golden"] = _write_golden(folder / GOLDEN, dataset, check, kept, writer.answers)
        said, seen = check.reference(), dataset.test.images
        manifest["reference"] = reference.write(folder, said, seen, "test")
        manifest["versions"] = {**manifest.get("versions", {}), **installed_versions(VERSIONED)}
        (folder / MANIFEST).write_text(manifest_text(manifest), encoding="utf-8")
    return run._replace(folder=out, manifest=manifest, models=(*kept, *entries))


def _training(run: Bundle) -> dict[str, Any]:
    try:
        training: dict[str, Any] = run.manifest["training"]
        for key in ("dataset", "hyperparameters"):
            training[key]
    except (KeyError, TypeError):
        raise BundleError(f"{run.folder} does not say how it was trained: train it anew") from None
    return training


def _check_methods(run: Bundle, learnt: Ranges, targets: Sequence[Target]) -> None:
    """Make sure that nobody chose a method where ranges were learnt: it would have no say."""
    if learnt and any(target.method != target.plain().method for target in targets):
        raise SettingError(
            f"{run.name} has the ranges that training learnt, and --method has no say in them: "
            "leave it out"
        )


def _carry_over(run: Bundle, folder: Path, made: set[str]) -> list[ModelEntry]:
    """Copy the run's files but for what is made anew; return the models kept."""
    kept = [entry for entry in run.models if entry.file not in made]
    for entry in kept:
        run.read_file(entry)
    stale = {MANIFEST, *made}
    if made:
        stale |= {AUDIT, AUDIT_PICTURE, *REPORTS}
    for file in made:  # C source of a model that is no more
        if file.endswith(".tflite"):
            name = identifier(file.removesuffix(".tflite"))
            stale |= {f"{name}.c", f"{name}.h"}
    for path in run.folder.iterdir():
        if path.is_file() and path.name not in stale:
            shutil.copy2(path, folder / path.name)
    return kept


def _audits_of(run: Bundle, kept: Sequence[ModelEntry]) -> list[dict[str, Any]]:
    """Return what an earlier export found of the models that are kept; nothing where unreadable."""
    try:
        before = json.loads((run.folder / AUDIT).read_text(encoding="utf-8"))
        files = {entry.file for entry in kept}
        return [each for each in before["models"] if each["file"] in files]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _write_c_arrays(folder: Path, entries: Sequence[ModelEntry], labels: Sequence[str]) -> None:
    """Write a header and a source beside each int8 TensorFlow Lite model."""
    for entry in entries:
        if entry.format == "tflite" and entry.input["dtype"] == entry.output["dtype"] == "int8":
            path = folder / entry.file
            made = c_array(path.read_bytes(), path.stem, labels)
            (folder / made.header_file).write_text(made.header, encoding="utf-8")
            (folder / made.source_file).write_text(made.source, encoding="utf-8")


def _write_golden(
    path: Path,
    dataset: Dataset,
    check: Check,
    kept: Sequence[ModelEntry],
    outputs: dict[str, NDArray[np.float32]],
) -> dict[str, Any]:
    """Write a few test images with what Keras and each model say of them.

    Arrays: `images` uint8 [N,H,W] or [N,H,W,C], `labels` [N] where there are any, `reference`
    float32 [N,K] from Keras, and one float32 [N,K] for each model, under its file name.
    """
    size = dataset.test.images[0].nbytes + 4 * len(dataset.labels) * (len(outputs) + len(kept) + 1)
    wanted = min(GOLDEN_A_CLASS * len(dataset.labels), max(GOLDEN_BYTES // size, 1))
    chosen = stratified_sample(dataset.test.strata, min(wanted, len(dataset.test)), seed=0)
    arrays = {file: found[chosen] for file, found in outputs.items()}
    for entry in kept:  # exported by an earlier call
        if entry.format in FORMATS:
            checked = check(path.parent / entry.file, entry.quantization)
            arrays[entry.file] = checked.probabilities[chosen]
    buffer = io.BytesIO()
    np.savez(
        buffer,
        allow_pickle=False,
        images=dataset.test.images[chosen],
        **({} if dataset.test.truth is None else {"labels": dataset.test.truth[chosen]}),
        reference=check.reference()[chosen],
        **arrays,
    )
    path.write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    return {"file": path.name, "sha256": digest, "count": len(chosen)}

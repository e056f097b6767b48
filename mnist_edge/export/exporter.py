"""From a trained run to a bundle: convert, run against Keras, write; or write nothing."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from dataclasses import dataclass, replace
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
from mnist_edge.export.calibration import of_run
from mnist_edge.export.control import Attempt, fit
from mnist_edge.export.family import Family
from mnist_edge.export.learnt import METHOD, layer_ranges
from mnist_edge.export.plan import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mnist_edge.export.calibration import Calibration, Pool
    from mnist_edge.export.check import Check
    from mnist_edge.export.learnt import Ranges
    from mnist_edge.export.plan import Target

VERSIONED = ("onnx", "onnxruntime", "tf2onnx")
GOLDEN = "golden.npz"
GOLDEN_A_CLASS = 2
RANKED_BY = 32  # images that tell which layers add most error


@dataclass(frozen=True)
class Control:
    """What a quantized model must keep.

    Attributes:
        max_drop: accuracy that may be lost on the validation images, in points.
        check: on those images.
    """

    max_drop: float
    check: Check


def export(
    run: Bundle,
    dataset: Dataset,
    out: Path,
    targets: Sequence[Target],
    check: Check,
    *,
    calibration_count: int | None = None,
    control: Control | None = None,
    say: Callable[[str], None] = lambda _line: None,
    note: Callable[[str], None] = lambda _line: None,
) -> Bundle:
    """Write a bundle with the run's own files and each of `targets`, every one of them checked.

    Args:
        run: has the `.keras` model. It is read, never changed (`out` may be its own folder).
        dataset: what the run learnt from; calibration is chosen within its training part.
        out: the bundle folder; replaced when the new one is whole.
        targets: what to write. Models of the run that are not among them are kept.
        check: is asked about every model before it is called exported.
        calibration_count: images for the ranges of quantized activations; see `Pool.draw`.
        control: what a quantized model must keep; see `control.fit`. None: no more than `check`.
        say: takes a line on what is going on.
        note: takes a line that people should read: a doubt, a choice that was made.

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
    pool = of_run(dataset, hyper["validation_share"], hyper["seed"])
    calibration = pool.draw(calibration_count)
    model = _keras_model(run)
    with replacing_folder(out) as folder:
        kept = _carry_over(run, folder, {target.file(run.name) for target in targets})
        learnt = layer_ranges(run)
        writer = _Writer(folder, model, pool, learnt, calibration, check, control, say, note)
        entries = [writer.write(target, target.file(run.name)) for target in targets]
        say("golden samples")
        manifest = {**run.manifest, "models": [entry.as_dict() for entry in (*kept, *entries)]}
        manifest["calibration"] = {**calibration.as_dict(), **writer.about_calibration()}
        manifest["golden"] = _write_golden(folder / GOLDEN, dataset, check, kept, writer.answers)
        manifest["versions"] = {**manifest.get("versions", {}), **installed_versions(VERSIONED)}
        (folder / MANIFEST).write_text(manifest_text(manifest), encoding="utf-8")
    return run._replace(folder=out, manifest=manifest, models=(*kept, *entries))


class _Writer:
    """Makes models and writes them into a folder; each format is converted once."""

    def __init__(
        self,
        folder: Path,
        model: Any,
        pool: Pool,
        learnt: Ranges,
        calibration: Calibration,
        check: Check,
        control: Control | None,
        say: Callable[[str], None],
        note: Callable[[str], None],
    ) -> None:
        self.answers: dict[str, NDArray[np.float32]] = {}
        self._folder, self._model, self._pool, self._learnt = folder, model, pool, learnt
        self._count = len(calibration.images)
        self._check, self._control, self._say, self._note = check, control, say, note
        self._families: dict[str, Family] = {}
        self._warnings = calibration.warnings()
        self._instability: dict[str, Any] = {}
        for line in self._warnings:
            note(line)

    def about_calibration(self) -> dict[str, Any]:
        """Return what came to light about the calibration images, as a manifest writes it."""
        return {"warnings": self._warnings, "instability": self._instability}

    def write(self, target: Target, file: str) -> ModelEntry:
        """Make the model of a target, check it and write it; return its entry."""
        self._say(f"{target.quantization} {target.format}")
        if target.format not in self._families:
            made_of = (self._model, self._pool, self._learnt)
            self._families[target.format] = Family(target.format, *made_of)
        family, path = self._families[target.format], self._folder / file
        if target.calibrated:
            target = replace(target, count=self._count)
        made, tried = self._made(family, target, path)
        target = made.target if made else target
        content = made.content if made else family.make(target)
        operators = family.operators(content)
        path.write_bytes(content)
        checked = self._check(path, target.quantization)
        self.answers[file] = checked.probabilities
        self._doubt(family, target)
        options = target.options()
        if target.calibrated:
            options["calibration_count"] = target.count
        if self._learnt and target.quantization == "int8":
            options["method"] = METHOD  # the ranges of every layer; calibration gave the rest
        if tried:
            options["tried"] = [each.as_dict() for each in tried]
        return make_entry(
            path,
            target.quantization,
            input=checked.input.as_dict(),
            output=checked.output.as_dict(),
            ops=operators,
            parity=checked.parity,
            options=options,
        )

    def _made(
        self, family: Family, target: Target, path: Path
    ) -> tuple[Attempt | None, list[Attempt]]:
        """Return the attempt that keeps what it must, and all attempts; none without control."""
        control = self._control
        if control is None or target.quantization == "float32":
            return None, []

        def attempt(each: Target) -> Attempt:
            content = family.make(each)
            path.write_bytes(content)
            drop = control.check.look(path).drop
            if drop is None:
                raise DataError("max-drop needs the labels of the images that are judged on")
            return Attempt(each, drop, content)

        def rank(each: Attempt) -> Sequence[str]:
            images = self._pool.draw(min(RANKED_BY, self._count)).inputs()
            return family.rank(each.content, images)

        tried = fit(target, control.max_drop, attempt, rank, len(self._pool.images), self._say)
        if len(tried) > 1:
            self._note(
                f"{path.name}: {len(tried)} ways tried, kept {tried[-1]} points on validation"
            )
        return tried[-1], tried

    def _doubt(self, family: Family, target: Target) -> None:
        """Note what is doubtful about a target's ranges, once."""
        if target.quantization != "int8":
            return
        self._instability.setdefault(family.format, family.instability(target))
        for line in family.doubts(target):
            if line not in self._warnings:
                self._warnings.append(line)
                self._note(line)


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
        if entry.format in FORMATS:
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

"""Every model on every runtime: parity with the reference, latency, a verdict, one record."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge import machine
from mnist_edge.backends import installed_runtime, runtimes
from mnist_edge.bench.gates import gate_for
from mnist_edge.bench.parity import alone, compare
from mnist_edge.bench.process import answer_of
from mnist_edge.bundle import QUANTIZATIONS, model_format, read_bundle
from mnist_edge.errors import DataError, InputError, MissingExtraError, ModelError, SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from mnist_edge.data import Dataset

SCHEMA = 1
REFERENCES = ("keras", "tflite", "onnx")  # formats, the best judge first
WORKER_TIMEOUT_S = 600


@dataclass(frozen=True)
class Settings:
    """How to bench.

    Attributes:
        runtimes: names to run on; empty for every installed one.
        threads: for each runtime.
        seconds: at least, for each of the two timings of a model.
        samples: at least, for each of the two timings of a model.
        patience: seconds after which a timing ends even with fewer samples.
        max_drop: percentage points, instead of each quantization's own limit.
        min_agreement: percent, instead of each quantization's own limit.
    """

    runtimes: tuple[str, ...] = ()
    threads: int = 1
    seconds: float = 1.0
    samples: int = 1000
    patience: float = 10.0
    max_drop: float | None = None
    min_agreement: float | None = None


ANSWERS_ONLY: dict[str, Any] = {"seconds": 0.0, "samples": 1}
QUICK = {"seconds": 0.2, "samples": 100, "patience": 2.0}
STEADY = 1.15  # p50 of one part of a timing over that of another
TIMINGS = ("invoke_us", "predict_us")
ENOUGH = Settings().samples  # counted calls without which a p99 is a guess


@dataclass(frozen=True)
class Candidate:
    """A model file with its quantization, to be run on one runtime.

    Attributes:
        path: the model file.
        quantization: as the manifest, or else the file's name, has it.
        runtime: where to run it.
        group: models that are held against the same reference: a bundle, or all lone files.
        reference_accuracy: what the manifest says Keras reached on `dataset_sha256`, 0..1.
        dataset_sha256: of the dataset that the manifest speaks of.
    """

    path: Path
    quantization: str
    runtime: str
    group: str
    reference_accuracy: float | None = None
    dataset_sha256: str | None = None


def run_suite(
    paths: Sequence[Path],
    dataset: Dataset,
    settings: Settings,
    say: Callable[[str, int, int], None] = lambda _text, _done, _total: None,
) -> dict[str, Any]:
    """Bench every model of the bundles and files at `paths` and return the record.

    Each bundle has a reference of its own: its Keras model, or else a float32 one, which is run
    for its answers even where `settings` ask for other runtimes. A quantized model is never its
    own reference: where there is no float model, agreement is None, and accuracy is held against
    what the manifest says that Keras reached.

    Args:
        paths: bundle folders or model files.
        dataset: its test part is what models are run on; where it has no labels, agreement is
            all that can be told.
        settings: see Settings.
        say: takes what runs now, how many are done, and how many there are.

    Raises:
        DataError: other classes than a bundle's, or bundles of different classes.
        ModelError: a path without models, or not one model that could be run.
        MissingExtraError: no installed runtime opens any of them.
        SettingError: an unknown runtime, or a setting out of range.
    """
    _check_settings(settings)
    dataset = _under(paths, dataset)
    every = candidates(paths)
    wanted = _wanted(every, settings.runtimes)
    references = _references(every, {each.group for each in wanted})
    disturbed = machine.disturbances()
    jobs = [*wanted, *(each for each in references.values() if each not in wanted)]
    rows: dict[Candidate, dict[str, Any]] = {}
    answers: dict[Candidate, NDArray[np.float32] | None] = {}
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder) / "images.npy"
        np.save(images, dataset.test.images)
        for place, job in enumerate(jobs):
            say(f"{job.path.name} on {job.runtime}", place, len(jobs))
            timed = settings if job in wanted else replace(settings, **ANSWERS_ONLY)
            rows[job], answers[job] = _run(job, timed, images)
    for job in wanted:
        reference = references.get(job.group)
        _judge(rows[job], job, reference, answers, dataset, settings)
    results = [rows[job] for job in wanted]
    if all(row["status"] != "ok" for row in results):
        raise ModelError(f"nothing could be run: {results[0]['error']}")
    reasons = disturbed + _doubts(results, settings)
    first = references.get(wanted[0].group)
    return {
        "schema": SCHEMA,
        "machine": machine.describe(),
        "dataset": {
            "name": dataset.name,
            "sha256": dataset.sha256,
            "split": "test",
            "samples": len(dataset.test),
        },
        "reference": None if first is None else first.path.name,
        "settings": asdict(settings),
        "valid": not reasons,
        "invalid_reasons": reasons,
        "results": results,
    }


def _check_settings(settings: Settings) -> None:
    if settings.threads < 1:
        raise SettingError(f"threads is {settings.threads}; wanted 1 or more")
    for name in settings.runtimes:
        installed_runtime(name)
    drop, agreement = settings.max_drop, settings.min_agreement
    if drop is not None and not 0 <= drop <= 100:
        raise SettingError(f"max_drop is {drop}; wanted percentage points, 0 to 100")
    if agreement is not None and not (agreement == 0 or 1 < agreement <= 100):
        raise SettingError(f"min_agreement is {agreement}; wanted percent, such as 99.8")


def _under(paths: Sequence[Path], dataset: Dataset) -> Dataset:
    """Return the dataset with its classes as the bundles among `paths` have them."""
    known = {read_bundle(path).labels: path for path in paths if path.is_dir()}
    for labels, path in known.items():
        if len(known) > 1 and labels != dataset.labels:
            raise DataError(
                f"{path} has other classes than {dataset.name} or than another bundle named: "
                "bench them apart"
            )
        dataset = dataset.under(labels, str(path))
    return dataset


def failures(record: dict[str, Any]) -> list[str]:
    """Return what kept a record's models from passing their gates, one line each."""
    found = []
    for row in record["results"]:
        name = f"{row['model']} on {row['runtime']}"
        if row["status"] != "ok":
            found.append(f"{name} failed: {row['error']}")
        found += [f"{name}: {failure}" for failure in row["gate_failures"]]
    return found


def candidates(paths: Sequence[Path]) -> list[Candidate]:
    """Return every model at `paths` with every installed runtime that may open it, in order.

    Raises:
        ModelError: a path without models, or a file that its manifest denies.
        MissingExtraError: no installed runtime opens any of them.
    """
    found = []
    for path in paths:
        for model in _models(path):
            fitting = runtimes((model_format(model.path),))
            found += [replace(model, runtime=name) for name in fitting]
    if not found:
        shown = ", ".join(str(path) for path in paths)
        raise MissingExtraError(f"a runtime for the models at {shown}", "litert")
    return found


def _wanted(every: list[Candidate], names: tuple[str, ...]) -> list[Candidate]:
    found = [each for each in every if not names or each.runtime in names]
    if not found:
        raise ModelError(f"{', '.join(names)} opens none of the models")
    return found


def _models(path: Path) -> list[Candidate]:
    if path.is_dir():
        bundle = read_bundle(path)
        if not bundle.models:
            raise ModelError(f"{path} has no models: make some with mnist-edge export")
        for entry in bundle.models:
            bundle.read_file(entry)
        training = bundle.manifest.get("training", {})
        return [
            Candidate(
                path / entry.file,
                entry.quantization,
                runtime="",
                group=str(path),
                reference_accuracy=entry.parity.get("reference_accuracy"),
                dataset_sha256=training.get("dataset", {}).get("sha256"),
            )
            for entry in bundle.models
        ]
    if not path.is_file():
        raise ModelError(f"no model or bundle at {path}: check the path")
    model_format(path)
    named = [word for word in path.stem.split("-") if word in QUANTIZATIONS]
    quantization = named[-1] if named else "float32"
    return [Candidate(path, quantization, runtime="", group="")]


def _references(every: list[Candidate], groups: set[str]) -> dict[str, Candidate]:
    """Return for each group the model that the others are held against, where there is one."""
    found = {}
    for group in groups:
        floats = [each for each in every if each.group == group and each.quantization == "float32"]
        if floats:
            found[group] = min(floats, key=lambda each: REFERENCES.index(model_format(each.path)))
    return found


def _run(
    candidate: Candidate, settings: Settings, images: Path
) -> tuple[dict[str, Any], NDArray[np.float32] | None]:
    path, probabilities = candidate.path, images.with_name("probabilities.npy")
    job = {
        "model": str(path),
        "runtime": candidate.runtime,
        "threads": settings.threads,
        "seconds": settings.seconds,
        "samples": settings.samples,
        "patience": settings.patience,
        "images": str(images),
        "probabilities": str(probabilities),
    }
    row: dict[str, Any] = {
        "model": path.name,
        "bundle": candidate.group or None,
        "reference": None,
        "format": model_format(path),
        "quantization": candidate.quantization,
        "runtime": candidate.runtime,
        "runtime_version": None,
        "threads": settings.threads,
        "status": "failed",
        "error": None,
        "bytes": path.stat().st_size,
        "parity": None,
        "gate_failures": [],
        "latency": None,
        "memory": None,
    }
    row |= answer_of("mnist_edge.bench.worker", job, WORKER_TIMEOUT_S)
    return row, np.load(probabilities) if row["status"] == "ok" else None


def _judge(
    row: dict[str, Any],
    job: Candidate,
    reference: Candidate | None,
    answers: dict[Candidate, NDArray[np.float32] | None],
    dataset: Dataset,
    settings: Settings,
) -> None:
    """Put parity, reference and gate failures into a row that has an answer."""
    answer = answers[job]
    if answer is None:
        return
    labels = dataset.test.truth
    expected = None if reference is None else answers[reference]
    try:
        if expected is not None and reference is not None:
            parity = compare(expected, answer, labels)
            row["reference"] = reference.path.name
        else:
            known = job.reference_accuracy if job.dataset_sha256 == dataset.sha256 else None
            parity = alone(answer, labels, known)
    except InputError as error:
        row |= {"status": "failed", "error": str(error)}
        return
    gate = gate_for(job.quantization, settings.max_drop, settings.min_agreement)
    row["parity"] = parity.as_dict()
    row["gate_failures"] = gate.failures(parity)


def _doubts(results: list[dict[str, Any]], settings: Settings) -> list[str]:
    doubts = []
    if settings.samples < ENOUGH:
        doubts.append(f"fewer than {ENOUGH} calls were asked for: bench without --quick")
    ran = [row for row in results if row["status"] == "ok"]
    if len(ran) < len(results):
        doubts.append(f"{len(results) - len(ran)} of {len(results)} models failed")
    slow = [
        f"{row['model']} on {row['runtime']}"
        for row in ran
        if min(row["latency"][key]["n"] for key in TIMINGS) < settings.samples
    ]
    if slow:
        doubts.append(f"too slow for {settings.samples} calls: {', '.join(slow)}: leave it out")
    spreads = [max(row["latency"][key]["p50_spread"] for key in TIMINGS) for row in ran]
    unsteady = [spread for spread in spreads if spread > STEADY]
    if unsteady:
        doubts.append(
            f"the machine's pace changed within {len(unsteady)} of {len(ran)} timings, up to "
            f"{max(unsteady):.2f}-fold: bench again when it is quiet"
        )
    return doubts

"""Every model on every runtime: parity with the reference, latency, a verdict, one record."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.backends import installed_runtime, runtimes
from mnist_edge.bench import machine
from mnist_edge.bench.gates import gate_for
from mnist_edge.bench.parity import compare
from mnist_edge.bundle import model_format, read_bundle
from mnist_edge.errors import InputError, MissingExtraError, ModelError, SettingError

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


QUICK = {"seconds": 0.2, "samples": 100, "patience": 2.0}
STEADY = 1.15  # p50 of one part of a timing over that of another
TIMINGS = ("invoke_us", "predict_us")
ENOUGH = Settings().samples  # counted calls without which a p99 is a guess


@dataclass(frozen=True)
class Candidate:
    """A model file with its quantization, to be run on one runtime."""

    path: Path
    quantization: str
    runtime: str


def run_suite(
    paths: Sequence[Path],
    dataset: Dataset,
    settings: Settings,
    say: Callable[[str, int, int], None] = lambda _text, _done, _total: None,
) -> dict[str, Any]:
    """Bench every model of the bundles and files at `paths` and return the record.

    Args:
        paths: bundle folders or model files.
        dataset: its test part is what models are run on.
        settings: see Settings.
        say: takes what runs now, how many are done, and how many there are.

    Raises:
        ModelError: a path without models.
        MissingExtraError: no installed runtime opens any of them.
        SettingError: an unknown runtime, or threads below 1.
    """
    if settings.threads < 1:
        raise SettingError(f"threads is {settings.threads}; wanted 1 or more")
    disturbed = machine.disturbances()
    found = candidates(paths, settings.runtimes)
    reference_of = _reference(found)
    results: list[dict[str, Any]] = []
    answers: list[NDArray[np.float32] | None] = []
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder) / "images.npy"
        np.save(images, dataset.test.images)
        for place, candidate in enumerate(found):
            say(f"{candidate.path.name} on {candidate.runtime}", place, len(found))
            row, answer = _run(candidate, settings, images)
            results.append(row)
            answers.append(answer)
    reference = answers[found.index(reference_of)]
    if reference is None:
        row = results[found.index(reference_of)]
        raise ModelError(f"the reference {reference_of.path} failed: {row['error']}")
    for candidate, row, answer in zip(found, results, answers, strict=True):
        if answer is not None:
            _judge(row, candidate, reference, answer, dataset.test.labels, settings)
    reasons = disturbed + _doubts(results, settings)
    return {
        "schema": SCHEMA,
        "machine": machine.describe(),
        "dataset": {
            "name": dataset.name,
            "sha256": dataset.sha256,
            "split": "test",
            "samples": len(dataset.test),
        },
        "reference": reference_of.path.name,
        "reference_runtime": reference_of.runtime,
        "settings": asdict(settings),
        "valid": not reasons,
        "invalid_reasons": reasons,
        "results": results,
    }


def failures(record: dict[str, Any]) -> list[str]:
    """Return what kept a record's models from passing their gates, one line each."""
    found = []
    for row in record["results"]:
        name = f"{row['model']} on {row['runtime']}"
        if row["status"] != "ok":
            found.append(f"{name} failed: {row['error']}")
        found += [f"{name}: {failure}" for failure in row["gate_failures"]]
    return found


def candidates(paths: Sequence[Path], wanted: tuple[str, ...]) -> list[Candidate]:
    """Return every model at `paths` with every runtime that may open it, in a fixed order."""
    for name in wanted:
        installed_runtime(name)
    found = []
    for path in paths:
        for model, quantization in _models(path):
            fitting = runtimes((model_format(model),))
            names = [name for name in fitting if not wanted or name in wanted]
            found += [Candidate(model, quantization, name) for name in names]
    if not found:
        shown = ", ".join(str(path) for path in paths)
        if wanted:
            raise ModelError(f"{', '.join(wanted)} opens none of the models at {shown}")
        raise MissingExtraError(f"a runtime for the models at {shown}", "litert")
    return found


def _models(path: Path) -> list[tuple[Path, str]]:
    if path.is_dir():
        bundle = read_bundle(path)
        if not bundle.models:
            raise ModelError(f"{path} has no models: make some with mnist-edge export")
        for entry in bundle.models:
            bundle.read_file(entry)
        return [(path / entry.file, entry.quantization) for entry in bundle.models]
    if not path.is_file():
        raise ModelError(f"no model or bundle at {path}: check the path")
    model_format(path)
    named = path.stem.rpartition("-")[2]
    return [(path, named if named in ("float16", "dynamic", "int8", "int16x8") else "float32")]


def _reference(found: list[Candidate]) -> Candidate:
    """Return the model that the others are held against: Keras' own, else a float32 one."""
    floats = [each for each in found if each.quantization == "float32"] or found
    return min(floats, key=lambda each: REFERENCES.index(model_format(each.path)))


def _run(
    candidate: Candidate, settings: Settings, images: Path
) -> tuple[dict[str, Any], NDArray[np.float32] | None]:
    path, folder = candidate.path, images.parent
    answer, probabilities = folder / "answer.json", folder / "probabilities.npy"
    answer.unlink(missing_ok=True)
    job = {
        "model": str(path),
        "runtime": candidate.runtime,
        "threads": settings.threads,
        "seconds": settings.seconds,
        "samples": settings.samples,
        "patience": settings.patience,
        "images": str(images),
        "probabilities": str(probabilities),
        "answer": str(answer),
    }
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    row: dict[str, Any] = {
        "model": path.name,
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
    command = [sys.executable, "-m", "mnist_edge.bench.worker", str(folder / "job.json")]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=WORKER_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        row["error"] = f"no answer in {WORKER_TIMEOUT_S} s"
        return row, None
    if not answer.is_file():
        said = ended.stderr.strip().splitlines()
        how = f"signal {-ended.returncode}" if ended.returncode < 0 else f"exit {ended.returncode}"
        row["error"] = f"the process ended with {how}" + (f": {said[-1]}" if said else "")
        return row, None
    row |= json.loads(answer.read_text(encoding="utf-8"))
    return row, np.load(probabilities) if row["status"] == "ok" else None


def _judge(
    row: dict[str, Any],
    candidate: Candidate,
    reference: NDArray[np.float32],
    answer: NDArray[np.float32],
    labels: NDArray[Any],
    settings: Settings,
) -> None:
    try:
        parity = compare(reference, answer, labels)
    except InputError as error:
        row |= {"status": "failed", "error": str(error)}
        return
    gate = gate_for(candidate.quantization, settings.max_drop, settings.min_agreement)
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

"""What one seed of a small network reaches, what five do, and what a file takes of the time."""

from __future__ import annotations

import statistics
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge import Classifier
from mnist_edge.bench.paired import ratio_of
from mnist_edge.bench.process import answer_of
from mnist_edge.bundle import read_bundle
from tools.runs import command, run_of, teach, train

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mnist_edge.data import Split


def seed_row(recipe: str, seed: int, held: Split) -> dict[str, Any]:
    """Train and export one seed; return what its int8 TFLite file reaches."""
    folder = run_of(recipe, seed)
    train(recipe, seed, folder, *teach(recipe))
    if not (folder / f"{recipe}-int8.tflite").is_file():
        command("export", folder, "--int8")
    bundle = read_bundle(folder)
    training = bundle.manifest["training"]
    entry = bundle.entry(f"{recipe}-int8.tflite")
    with Classifier.open(folder / entry.file) as classifier:
        said = classifier.probabilities(held.images)
    right = said[np.arange(len(held)), held.labels]
    return {
        "seed": seed,
        "parameters": training["parameters"],
        "bytes": entry.bytes,
        "validation_int8": float((said.argmax(1) == held.labels).mean()),
        "validation_loss_int8": float(-np.log(np.maximum(right, 1e-3)).mean()),
        "test_float": training["test_accuracy"],
        "test_int8": entry.parity["accuracy"],
        "seconds": training["seconds"],
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return mean and deviation over seeds, and the seed to ship, by validation alone."""
    best = max(rows, key=lambda row: (row["validation_int8"], -row["validation_loss_int8"]))
    found: dict[str, Any] = {"shipped": best["seed"], "seeds": rows}
    for key in ("test_float", "test_int8", "seconds"):
        values = [row[key] for row in rows]
        found[key] = {
            "mean": statistics.mean(values),
            "deviation": statistics.stdev(values) if len(values) > 1 else None,
        }
    return found


def together(files: Sequence[Path], held: Split) -> dict[str, int]:
    """Return what several models get wrong of the validation images: their mean, all, any.

    How little the mean is better says how little is left to be learnt from the other seeds.
    """
    said = []
    for file in files:
        with Classifier.open(file) as classifier:
            said.append(classifier.probabilities(held.images))
    wrong = np.stack([each.argmax(1) != held.labels for each in said])
    mean = np.mean(said, axis=0).argmax(1) != held.labels
    counts = {"mean": mean, "all": wrong.all(0), "any": wrong.any(0)}
    return {name: int(each.sum()) for name, each in counts.items()}


def latency(file: Path, classic: Path) -> dict[str, Any]:
    """Return how long `file` takes, image in and label out, as a share of what `classic` takes."""
    job = {"models": [str(file), str(classic)], "runtime": "litert", "seconds": 5}
    answer = answer_of("mnist_edge.bench.paired", job, 300)
    if "ratios" not in answer:
        sys.exit(f"{file.name} and {classic.name} could not be timed: {answer}")
    found = ratio_of(answer["ratios"])
    return {"ratio": found.value, "low": found.low, "high": found.high}

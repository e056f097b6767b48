"""What each step on the way to `edge` and `nano` brings, by images that no network learns from.

    python -m tools.ablation [--jobs 2] [--only RECIPE] [--json artifacts/ablation.json]

Each network is the one before it with one thing more, trained for EPOCHS unless the step says
otherwise, by each of SEEDS. Accuracy is that of the validation split; test images choose nothing.
Both networks of a difference have the same seed and answer the same images, so its interval is that
of paired decisions: it holds what other images would have changed, not all that other seeds would.
Accuracy under stress is the mean over all the ways in which a bench corrupts images, of the same
ones. Finished networks are not trained again.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from mnist_edge import machine
from mnist_edge.atomic import write_file
from mnist_edge.bench.intervals import points, wilson
from mnist_edge.bench.stress.corruptions import CORRUPTIONS, corrupt
from mnist_edge.bundle import read_bundle
from mnist_edge.data import load
from tools.ablation_steps import STEPS, Trial, trials
from tools.runs import ROOT, TEACHERS, classic_file, command, python
from tools.seeds import latency

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from mnist_edge.data import Split

RECORD = ROOT / "artifacts" / "ablation.json"
SEEDS = {"edge": range(1), "nano": range(3)}  # nano is trained in two minutes


def kept(trial: Trial, seed: int) -> dict[str, Any] | None:
    """Return what is kept of a trial; None before it ran.

    That is `right`, bool [N]; `stressed`, accuracy 0..1; and `cpu_seconds`.
    """
    if not trial.answers(seed).is_file():
        return None
    with np.load(trial.answers(seed), allow_pickle=False) as archive:
        found = {name: archive[name] for name in archive.files}
    return found if str(found["settings"]) == settings(trial) else None


def settings(trial: Trial) -> str:
    """Return all that decides what a trial gives, but its seed."""
    return json.dumps({**trial.recipe.settings(), "taught": trial.taught}, sort_keys=True)


def train_trial(name: str, place: int, seed: int) -> None:
    """Train a trial's network, and keep what it says of the validation images."""
    import keras

    from mnist_edge.training.epoch import predict
    from mnist_edge.training.loop import train

    trial = trials(name)[place]
    dataset, folder, spent = load("mnist"), trial.folder(seed), float("nan")
    if not trial.shipped:
        recipe, teachers = replace(trial.recipe, seed=seed), TEACHERS if trial.taught else ()
        began = time.process_time()
        train(recipe, dataset, folder, fresh=True, teachers=teachers)
        spent = time.process_time() - began
    entry = next(each for each in read_bundle(folder).models if each.format == "keras")
    model = keras.saving.load_model(folder / entry.file, compile=False, safe_mode=True)
    held = dataset.train.part(trial.recipe.split(dataset.train.labels)[1])
    right = predict(model, held.images).argmax(1) == held.labels
    np.savez(
        trial.answers(seed),
        right=right,
        stressed=under_stress(lambda images: predict(model, images), held),
        cpu_seconds=spent,
        settings=settings(trial),
    )


def under_stress(says: Callable[[NDArray[np.uint8]], NDArray[np.float32]], images: Split) -> float:
    """Return the mean accuracy, 0..1, over all that a bench does to images.

    Args:
        says: takes images, uint8 [N,H,W], returns probabilities [N,K].
        images: as they are, with labels.
    """
    worse = (
        corrupt(images.images, kind, amount) for kind in CORRUPTIONS for amount in kind.amounts
    )
    return float(np.mean([(says(each).argmax(1) == images.labels).mean() for each in worse]))


def in_process(name: str, place: int, seed: int) -> None:
    """Train a trial in a process of its own, on one processor; one that is done is left so."""
    if kept(trials(name)[place], seed) is not None:
        return
    python(f"from tools.ablation import train_trial; train_trial({name!r}, {place}, {seed})")


def cost(trial: Trial, cpu_seconds: list[float], classic: Path) -> dict[str, Any]:
    """Return what a trial costs: parameters, bytes, the time of an image, processor time."""
    folder = trial.folder(0)
    file = folder / f"{trial.recipe.name}-int8.tflite"
    if not file.is_file():
        command("export", folder, "--int8", "--format", "tflite", "--no-timing", may_fail=True)
    spent = float(np.mean(cpu_seconds))
    return {
        "parameters": read_bundle(folder).manifest["training"]["parameters"],
        "bytes": file.stat().st_size,
        "latency": latency(file, classic),
        "epochs": trial.recipe.epochs,
        "cpu_seconds": None if np.isnan(spent) else spent,
    }


def rows(
    found: list[Trial],
    right: list[NDArray[np.bool_]],
    stressed: list[float],
    costs: list[dict[str, Any]],
) -> Iterator[dict[str, Any]]:
    """Yield a row for each trial.

    Args:
        found: the trials.
        right: which validation images each one's networks name rightly, bool [N] over all seeds.
        stressed: accuracy of each one's networks under stress, 0..1.
        costs: of each.
    """
    for trial, now, under, each in zip(found, right, stressed, costs, strict=True):
        row: dict[str, Any] = {
            "step": trial.step.words,
            "beside": trial.step.beside,
            "decisions": len(now),
            "errors": int((~now).sum()),
            "accuracy": float(now.mean()),
            "accuracy_ci95": list(wilson(int(now.sum()), len(now))),
            "stressed": float(under),
            **each,
        }
        if trial.before is not None:
            then = right[trial.before]
            drop = points(int((then & ~now).sum()), int((now & ~then).sum()), len(now))
            row["gain_points"] = {"value": 0 - drop.value, "low": -drop.high, "high": -drop.low}
        yield row


def main(
    jobs: Annotated[int, typer.Option(help="Networks that are trained side by side.")] = 2,
    only: Annotated[str | None, typer.Option(help=f"One of {', '.join(STEPS)}.")] = None,
    json_: Annotated[Path, typer.Option("--json", help="Where the record is.")] = RECORD,
) -> None:
    """Train what is not trained yet, and write the record."""
    if only is not None and only not in STEPS:
        sys.exit(f"unknown recipe {only!r}; one of {', '.join(STEPS)}")
    record: dict[str, Any] = {"schema": 1, "seeds": {}, "recipes": {}}
    if json_.is_file():
        record = json.loads(json_.read_text(encoding="utf-8"))
    for name in STEPS if only is None else (only,):
        found, seeds = trials(name), SEEDS[name]
        with ThreadPoolExecutor(jobs) as pool:
            places = [(name, place, seed) for seed in seeds for place in range(len(found))]
            list(pool.map(lambda each: in_process(*each), places))
        results = [[kept(trial, seed) for seed in seeds] for trial in found]
        right = [np.concatenate([each["right"] for each in result]) for result in results]
        spent = [[float(each["cpu_seconds"]) for each in result] for result in results]
        costs = [cost(*each, classic_file()) for each in zip(found, spent, strict=True)]
        stressed = [np.mean([each["stressed"] for each in result]) for result in results]
        each = list(rows(found, right, stressed, costs))
        record["recipes"][name] = each
        record["seeds"] = {**record["seeds"], name: list(seeds)}
        record["machine"] = machine.describe()
        write_file(json_, json.dumps(record, indent=1) + "\n")
        for row in each:
            print(f"{name}: {row['errors']:4d} of {row['decisions']:,} wrong  {row['step']}")


if __name__ == "__main__":
    typer.run(main)

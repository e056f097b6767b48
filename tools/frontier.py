"""Train our small networks with five seeds each and write down what their int8 files reach.

    python -m tools.frontier [--jobs 2] [--only STEP] [--json artifacts/frontier.json]

Steps, each taken up where it was stopped: `teachers` are trained, what they say is kept as
`lessons`, `seeds` learn from it and are exported, `fast` is timed beside the classic network, and
`latency` and `stress` hold the int8 files against that one's. Nothing is chosen by test images: the
seed to ship is the one whose int8 file is best on the validation split, which no teacher has seen
either. Each of the jobs has one processor: two networks side by side get half as much again done as
one on both.
"""

from __future__ import annotations

import json
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated, Any

import numpy as np
import typer

from mnist_edge import Classifier, machine
from mnist_edge.atomic import write_file
from mnist_edge.bench.paired import ratio_of
from mnist_edge.bench.process import answer_of
from mnist_edge.bundle import read_bundle
from mnist_edge.data import Split, load
from mnist_edge.training.recipes import find
from tools.fast import fast
from tools.runs import (  # fmt: skip
    LEARNERS,
    ROOT,
    RUNS,
    TAUGHT,
    TEACHERS,
    classic_file,
    command,
    python,
    run_of,
    teach,
    train,
    train_teachers,
)  # fmt: skip

RECORD = ROOT / "artifacts" / "frontier.json"
STRESS = ROOT / "artifacts" / "stress.json"
SEEDS = range(5)
STEPS = ("teachers", "lessons", "seeds", "fast", "latency", "stress")


def make_lessons(recipe: str, jobs: int, job: int) -> None:
    """Ask the teachers of a recipe for every `jobs`-th view, from `job` on."""
    from mnist_edge.preprocess import to_unit
    from mnist_edge.training.lessons import Lessons
    from mnist_edge.training.loop import LESSONS, taught_by

    dataset = load("mnist")
    taught, teachers = taught_by(find(recipe), TEACHERS, dataset)
    kept, _ = taught.split(dataset.train.labels)
    images = to_unit(dataset.train.images[kept][..., None])
    lessons = Lessons(RUNS / LESSONS, teachers, images, taught)
    for number in range(job, lessons.count, jobs):
        lessons.view(number)


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


def latency(file: Path, classic: Path) -> dict[str, Any]:
    """Return how long `file` takes, image in and label out, as a share of what `classic` takes."""
    job = {"models": [str(file), str(classic)], "runtime": "litert", "seconds": 5}
    answer = answer_of("mnist_edge.bench.paired", job, 300)
    if "ratios" not in answer:
        sys.exit(f"{file.name} and {classic.name} could not be timed: {answer}")
    found = ratio_of(answer["ratios"])
    return {"ratio": found.value, "low": found.low, "high": found.high}


class Frontier:
    """The steps, and the record that they write into."""

    def __init__(self, path: Path, names: tuple[str, ...], jobs: int) -> None:
        """Go on with the record at `path`, if there is one.

        Args:
            path: of the record.
            names: of the recipes to go through.
            jobs: networks that are trained side by side.
        """
        self.path, self.names, self.jobs = path, names, jobs
        self.record: dict[str, Any] = {"schema": 1}
        if path.is_file():
            self.record = json.loads(path.read_text(encoding="utf-8"))

    def keep(self, **found: Any) -> None:
        """Write the record with what was found."""
        self.record.update(found, machine=machine.describe())
        write_file(self.path, json.dumps(self.record, indent=1) + "\n")

    def teachers(self) -> None:
        """Train what is learnt from."""
        train_teachers(self.jobs)

    def lessons(self) -> None:
        """Ask the teachers, half of the views in each of two processes."""
        with ThreadPoolExecutor(self.jobs) as pool:
            for name in sorted(set(self.names) & set(TAUGHT)):
                call = f"make_lessons({name!r}, {self.jobs}, {{}})"
                code = f"from tools.frontier import make_lessons; {call}"
                list(pool.map(lambda job, code=code: python(code.format(job)), range(self.jobs)))

    def seeds(self) -> None:
        """Train and export every seed."""
        train = load("mnist").train
        held = {name: train.part(find(name).split(train.labels)[1]) for name in self.names}
        with ThreadPoolExecutor(self.jobs) as pool:
            rows = {
                name: [pool.submit(seed_row, name, seed, held[name]) for seed in SEEDS]
                for name in self.names
            }
            for name, each in rows.items():
                found = summary([row.result() for row in each])
                before = self.record.get(name, {})
                if before.get("shipped") == found["shipped"] and "latency" in before:
                    found["latency"] = before["latency"]
                self.keep(**{name: found})

    def latency(self) -> None:
        """Time the shipped files beside the classic one."""
        classic = classic_file()
        for name in self.names:
            self.record[name]["latency"] = latency(self.shipped(name), classic)
            self.keep()

    def stress(self) -> None:
        """Bench the shipped files and the classic one on worse images; all, or none."""
        if set(self.names) != set(LEARNERS):
            return
        files = [*map(self.shipped, self.names), classic_file()]
        words = ("--stress", "--quick", "--runtime", "litert", "--out", STRESS)
        command("bench", *files, *words, cores=2, may_fail=True)

    def fast(self) -> None:
        """Time `fast`."""
        self.keep(fast=fast(RUNS))

    def show(self) -> None:
        """Print what is known of each recipe, a line each."""
        for name in LEARNERS:
            found = self.record.get(name)
            if found is None:
                continue
            mean, spread = (100 * found["test_int8"][key] for key in ("mean", "deviation"))
            rows, time = found["seeds"], found.get("latency")
            print(
                f"{name}: {mean:.3f} % (deviation {spread:.3f}) of the test images in int8, "
                f"{rows[0]['parameters']:,} parameters, at most "
                f"{max(row['bytes'] for row in rows):,} bytes, seed {found['shipped']} is shipped"
                + (f", {time['ratio']:.2f} of the classic network's time" if time else "")
            )

    def shipped(self, recipe: str) -> Path:
        """Return the int8 file of the seed that is shipped."""
        return run_of(recipe, self.record[recipe]["shipped"]) / f"{recipe}-int8.tflite"


def main(
    jobs: Annotated[int, typer.Option(help="Networks that are trained side by side.")] = 2,
    only: Annotated[str | None, typer.Option(help=f"One of {', '.join(STEPS)}.")] = None,
    recipe: Annotated[list[str] | None, typer.Option(help="Only this one.")] = None,
    json_: Annotated[Path, typer.Option("--json", help="Where the record is.")] = RECORD,
) -> None:
    """Go through the steps."""
    steps = STEPS if only is None else (only,)
    for kind, given, known in (("recipe", recipe or (), LEARNERS), ("step", steps, STEPS)):
        for each in set(given) - set(known):
            sys.exit(f"unknown {kind} {each!r}; one of {', '.join(known)}")
    frontier = Frontier(json_, tuple(recipe or LEARNERS), jobs)
    for step in steps:
        getattr(frontier, step)()
    frontier.show()


if __name__ == "__main__":
    typer.run(main)

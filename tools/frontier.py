"""Train our small networks with five seeds each and write down what their int8 files reach.

    python -m tools.frontier [--jobs 2] [--only STEP] [--json artifacts/frontier.json]

Steps, each taken up where it was stopped: `teachers` are trained, what they say is kept as
`lessons`, `seeds` learn from it and are exported, five answer `together`, `fast` is timed beside
the classic network, and `latency` and `stress` hold the int8 files against that one's. Nothing is
chosen by test images: the seed to ship is the one whose int8 file is best on the validation split,
which no teacher has seen either. Each of the jobs has one processor: two networks side by side get
half as much again done as one on both.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated, Any

import typer

from mnist_edge import machine
from mnist_edge.atomic import write_file
from mnist_edge.data import load
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
    train_teachers,
)  # fmt: skip
from tools.seeds import latency, seed_row, summary, together

RECORD = ROOT / "artifacts" / "frontier.json"
STRESS = ROOT / "artifacts" / "stress.json"
SEEDS = range(5)
STEPS = ("teachers", "lessons", "seeds", "together", "fast", "latency", "stress")


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
                if before.get("seeds") == found["seeds"]:
                    found = {**before, **found}
                self.keep(**{name: found})

    def together(self) -> None:
        """Let the seeds of each recipe answer as one."""
        train = load("mnist").train
        for name in self.names:
            files = [run_of(name, seed) / f"{name}-int8.tflite" for seed in SEEDS]
            held = train.part(find(name).split(train.labels)[1])
            self.record[name]["validation_wrong_together"] = together(files, held)
            self.keep()

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

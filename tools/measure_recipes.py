"""Train every recipe on the full MNIST and write down what it reaches.

    python -m tools.measure_recipes [--resume] [RECIPE ...]

Writes mnist_edge/training/measured.json, which `mnist-edge recipes` and the README's table show.
With --resume it goes on where it was stopped: finished runs under artifacts/runs are not repeated.
Our own networks are the first seed's of tools/frontier.py, with its teachers.
The test images of a run are read once, at its end; nothing is chosen by these numbers.
"""

from __future__ import annotations

import json
import sys

from mnist_edge.atomic import write_file
from mnist_edge.bundle import read_bundle
from mnist_edge.training.recipes import RECIPES, find
from tools.runs import (
    LEARNERS,
    ROOT,
    RUNS,
    TAUGHT,
    command,
    from_here,
    run_of,
    teach,
    train_teachers,
)

RESUME = "--resume"
MEASURED = ROOT / "mnist_edge" / "training" / "measured.json"


def measure(name: str) -> dict[str, object]:
    """Train one recipe as it stands and return what its manifest says."""
    ours = name in (*LEARNERS, "teacher")  # others learn from these: they are not thrown away
    words = ("train", "--recipe", name, *teach(name))
    folder = run_of(name, 0) if ours else RUNS / name
    again = "--resume" if ours or RESUME in sys.argv else "--fresh"
    command(*words, "--out", folder, again, cores=2)
    training = read_bundle(folder).manifest["training"]
    return {
        "parameters": training["parameters"],
        "test_accuracy": training["test_accuracy"],
        "last_training_accuracy": round(training["last_epoch"]["accuracy"], 5),
        "epochs": training["epochs"],
        "seed": training["seed"],
        "seconds": training["seconds"],
        "command": " ".join(("mnist-edge", *from_here(words))),
    }


def main() -> None:
    """Measure the recipes named on the command line, or all."""
    known = json.loads(MEASURED.read_text(encoding="utf-8"))["recipes"]
    names = [word for word in sys.argv[1:] if word != RESUME] or list(RECIPES)
    if set(names) & {*TAUGHT, "teacher"}:
        train_teachers()
    for name in names:
        known[find(name).name] = measure(name)
        ordered = {recipe: known[recipe] for recipe in RECIPES if recipe in known}
        write_file(MEASURED, json.dumps({"recipes": ordered}, indent=1) + "\n")
        print(name, json.dumps(known[name]), flush=True)


if __name__ == "__main__":
    main()

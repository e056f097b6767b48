"""Train every recipe on the full MNIST and write down what it reaches.

    python -m tools.measure_recipes [--resume] [RECIPE ...]

Writes mnist_edge/training/measured.json, which `mnist-edge recipes` and the README's table show.
With --resume it goes on where it was stopped: finished runs under artifacts/runs are not repeated.
Our own networks are the first seed's of tools/frontier.py, with its teachers.
The test images of a run are read once, at its end; nothing is chosen by these numbers.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from mnist_edge.atomic import write_file
from mnist_edge.training.recipes import RECIPES, find
from tools.frontier import LEARNERS, ROOT, RUNS, TAUGHT, run_of, teach, train_teachers

RESUME = "--resume"
MEASURED = ROOT / "mnist_edge" / "training" / "measured.json"


def measure(name: str) -> dict[str, object]:
    """Train one recipe as it stands and return what its manifest says."""
    ours = name in (*LEARNERS, "teacher")  # others learn from these: they are not thrown away
    words = ["train", "--recipe", name, *(str(_from_here(word)) for word in teach(name))]
    folder = run_of(name, 0) if ours else RUNS / name
    again = "--resume" if ours or RESUME in sys.argv else "--fresh"
    how = ["--out", str(_from_here(folder)), "--json", again]
    command = [sys.executable, "-m", "mnist_edge", *words, *how]
    said = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    training = json.loads(said)["training"]
    return {
        "parameters": training["parameters"],
        "test_accuracy": training["test_accuracy"],
        "last_training_accuracy": round(training["last_epoch"]["accuracy"], 5),
        "epochs": training["epochs"],
        "seed": training["seed"],
        "seconds": training["seconds"],
        "command": " ".join(("mnist-edge", *words)),
    }


def _from_here(word: object) -> object:
    return word.relative_to(ROOT) if isinstance(word, Path) else word


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

"""Train every recipe on the full MNIST and write down what it reaches.

    python tools/measure_recipes.py [--resume] [RECIPE ...]

Writes mnist_edge/training/measured.json, which `mnist-edge recipes` and the README's table show.
With --resume it goes on where it was stopped: finished runs under artifacts/runs are not repeated.
The test images of a run are read once, at its end; nothing is chosen by these numbers.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from mnist_edge.atomic import write_file
from mnist_edge.training.recipes import RECIPES, find

ROOT = Path(__file__).parent.parent
RESUME = "--resume"
MEASURED = ROOT / "mnist_edge" / "training" / "measured.json"


def measure(name: str) -> dict[str, object]:
    """Train one recipe as it stands and return what its manifest says."""
    folder = ROOT / "artifacts" / "runs" / name
    command = [sys.executable, "-m", "mnist_edge", "train", "--recipe", name]
    command += ["--out", str(folder), "--json", "--resume" if RESUME in sys.argv else "--fresh"]
    training = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)[
        "training"
    ]
    return {
        "parameters": training["parameters"],
        "test_accuracy": training["test_accuracy"],
        "last_training_accuracy": round(training["last_epoch"]["accuracy"], 5),
        "epochs": training["epochs"],
        "seed": training["seed"],
        "seconds": training["seconds"],
        "command": f"mnist-edge train --recipe {name}",
    }


def main() -> None:
    """Measure the recipes named on the command line, or all."""
    known = json.loads(MEASURED.read_text(encoding="utf-8"))["recipes"]
    for name in [word for word in sys.argv[1:] if word != RESUME] or RECIPES:
        known[find(name).name] = measure(name)
        ordered = {recipe: known[recipe] for recipe in RECIPES if recipe in known}
        write_file(MEASURED, json.dumps({"recipes": ordered}, indent=1) + "\n")
        print(name, json.dumps(known[name]), flush=True)


if __name__ == "__main__":
    main()

"""How long a recipe takes to train as anyone would train it: a process's start to its end."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
CLASSIC = "batch128"  # conv32-pool-conv64-pool-dense128


def timed(recipe: str, folder: Path) -> dict[str, Any]:
    """Train a recipe into `folder`; return when each epoch was done, and all, in seconds.

    From before the process begins: imports, data and pictures are in it.
    """
    began = time.monotonic()
    words = ("train", "--recipe", recipe, "--out", folder.relative_to(ROOT), "--fresh")
    with subprocess.Popen(
        [sys.executable, "-m", "mnist_edge", *map(str, words)],
        cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    ) as child:  # fmt: skip
        lines = child.stderr or ()
        epochs = [time.monotonic() - began for line in lines if line.startswith("epoch ")]
    if child.returncode:
        sys.exit(f"mnist-edge {' '.join(map(str, words))} failed")
    seconds = time.monotonic() - began
    history = (folder / "history.csv").read_text(encoding="utf-8").splitlines()
    place = history[0].split(",").index("val_accuracy")
    training = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["training"]
    return {
        "seconds": seconds,
        "epoch_seconds": epochs,
        "validation": [float(row.split(",")[place]) for row in history[1:]],
        "test_accuracy": training["test_accuracy"],
    }


def reached(run: dict[str, Any], goal: float) -> float | None:
    """Return after how many seconds a run's validation accuracy was `goal` first; None if never."""
    for seconds, accuracy in zip(run["epoch_seconds"], run["validation"], strict=True):
        if accuracy >= goal:
            return float(seconds)
    return None


def fast(runs: Path) -> dict[str, Any]:
    """Time `fast` and the classic recipe until they reach what the classic does at its end.

    Args:
        runs: the folder that both are trained into.

    Returns:
        Both, and how many times as fast ours was; None where it did not get there.
    """
    ours, classic = timed("fast", runs / "fast"), timed(CLASSIC, runs / CLASSIC)
    goal = classic["validation"][-1]
    needed, its = reached(ours, goal), reached(classic, goal)
    ratio = None if needed is None or its is None else its / needed
    return {"fast": ours, CLASSIC: classic, "goal": goal, "times_as_fast": ratio}

"""Runs under artifacts/runs, trained and exported by the commands that anyone has.

What is there already is not made again.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tools.fast import CLASSIC

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeGuard

ROOT = Path(__file__).parent.parent
RUNS = ROOT / "artifacts" / "runs"
TEACHERS = tuple(RUNS / f"teacher-{seed}" for seed in range(2))
LEARNERS = ("edge", "micro", "nano")
TAUGHT = ("edge", "micro")  # nano has no room for more than the labels say: no gain was seen
ONE_CORE = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


def run_of(recipe: str, seed: int) -> Path:
    """Return where a seed's run is."""
    return RUNS / f"{recipe}-{seed}"


def command(*words: object, cores: int = 1, may_fail: bool = False) -> bool:
    """Run one mnist-edge command in the repository's root; what it says goes to stderr.

    Returns:
        Whether what it checked held; where it may not fail, it ends this program if not.
    """
    said = from_here(words)
    environment = {**os.environ, **(ONE_CORE if cores == 1 else {})}
    code = subprocess.run(
        [sys.executable, "-m", "mnist_edge", *said],
        cwd=ROOT, env=environment, check=False, stdout=sys.stderr,
    ).returncode  # fmt: skip
    if code and not (may_fail and code == 1):
        sys.exit(f"mnist-edge {' '.join(said)} ended with exit code {code}")
    return code == 0


def from_here(words: Sequence[object]) -> list[str]:
    """Return words with paths as they are from the repository's root."""
    return [str(word.relative_to(ROOT) if _is_here(word) else word) for word in words]


def _is_here(word: object) -> TypeGuard[Path]:
    """Return whether a word is a path of this repository: no path of a machine is kept."""
    return isinstance(word, Path) and word.is_relative_to(ROOT)


def train(recipe: str, seed: int, folder: Path, *others: object) -> None:
    """Train a recipe with a seed; a finished run is not repeated."""
    words = ("--recipe", recipe, "--seed", seed, "--out", folder, "--resume")
    command("train", *words, *others)


def train_teachers(jobs: int = 2) -> None:
    """Train what is learnt from; finished runs are not repeated."""
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda run: train("teacher", int(run.name[-1]), run), TEACHERS))


def teach(recipe: str) -> list[object]:
    """Return the options of `train` that name a recipe's teachers."""
    if recipe not in TAUGHT:
        return []
    return [word for run in TEACHERS for word in ("--teacher", run)]


def classic_file() -> Path:
    """Return the classic network's int8 file, trained and exported if it is not there."""
    folder = RUNS / CLASSIC
    if not (folder / f"{CLASSIC}-int8.tflite").is_file():
        command("train", "--recipe", CLASSIC, "--out", folder, "--resume")
        command("export", folder, "--int8")
    return folder / f"{CLASSIC}-int8.tflite"


def python(code: str) -> None:
    """Run code in a process of its own, on one processor: TensorFlow counts its threads once.

    Raises:
        CalledProcessError: it failed.
    """
    environment = {**os.environ, **ONE_CORE}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)

"""A job done in a process of its own: what crashes there is an answer here, and not the end."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_edge.errors import MnistEdgeError

if TYPE_CHECKING:
    from collections.abc import Callable


def answer_of(module: str, job: dict[str, Any], patience_s: float) -> dict[str, Any]:
    """Run `python -m module JOB.json` and return what it answered.

    Args:
        module: ends in `answer(...)` when it is run.
        job: what it is to do; it is told in `answer` where to write what came of it.
        patience_s: seconds after which it is ended.

    Returns:
        What the module answered, with `status` (`ok` or `failed`) and `error` (one line or None);
        no more than these two where it gave no answer.
    """
    with tempfile.TemporaryDirectory() as folder:
        path, place = Path(folder) / "job.json", Path(folder) / "answer.json"
        path.write_text(json.dumps({**job, "answer": str(place)}), encoding="utf-8")
        command = [sys.executable, "-m", module, str(path)]
        try:
            ended = subprocess.run(
                command, capture_output=True, text=True, timeout=patience_s, check=False
            )
        except subprocess.TimeoutExpired:
            return _failed(f"no answer in {patience_s:g} s")
        except OSError as error:
            what = sys.executable or "python"
            return _failed(f"{what} cannot be started again: {error.strerror}")
        if place.is_file():
            found: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
            return found
    said = ended.stderr.strip().splitlines()
    how = f"signal {-ended.returncode}" if ended.returncode < 0 else f"exit {ended.returncode}"
    return _failed(f"the process ended with {how}" + (f": {said[-1]}" if said else ""))


def answer(work: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Do the job of the file named on the command line; write the answer where it says."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        found = {"status": "ok", "error": None, **work(job)}
    except MnistEdgeError as error:
        found = _failed(str(error))
    Path(job["answer"]).write_text(json.dumps(found), encoding="utf-8")


def _failed(why: str) -> dict[str, Any]:
    return {"status": "failed", "error": why}

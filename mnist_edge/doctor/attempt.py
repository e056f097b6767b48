"""Try a bundle out: does what a program would open answer here?"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from mnist_edge.doctor.finding import Finding

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_S = 180  # a small board takes its time to import TensorFlow


def attempt(folder: Path) -> Finding:
    """Open the bundle at `folder` in a process of its own; say what came of it."""
    command = [sys.executable, "-m", "mnist_edge.doctor.trial", str(folder)]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:
        return _failed(f"none within {PATIENCE_S} s", "stop other programs, and try again")
    except OSError as error:
        why = f"{sys.executable or 'python'} cannot be started again: {error.strerror}"
        return _failed(f"none: {why}", "ask mnist-edge verify, which takes no second process")
    return judge(ended.returncode, ended.stdout, ended.stderr)


def judge(code: int, out: str, err: str) -> Finding:
    """Say what the exit code and the output of `mnist_edge.doctor.trial` mean."""
    if code < 0:
        return _failed(
            f"none: the runtime was ended by {signal.Signals(-code).name}",
            "try another: mnist-edge verify --runtime NAME",
        )
    try:
        said = json.loads(out.splitlines()[-1])  # after what runtimes print
    except (IndexError, ValueError):
        last = (err.strip().splitlines() or [f"exit {code}"])[-1]
        return _failed(f"none: {last}", "install the runtime anew")
    if "error" in said:
        return _failed(f"none: {said['error']}", "")
    value = f"{said['model']} on {said['runtime']} answers"
    if not said["passed_over"]:
        return Finding("bundle", "answer", value)
    value = f"{value}; passed over: {'; '.join(said['passed_over'])}"
    return Finding("bundle", "answer", value, "note")


def _failed(value: str, remedy: str) -> Finding:
    return Finding("bundle", "answer", value, "bad", remedy)

"""A worker process, asked line by line; its death is an error here and nothing more."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tools.peers.contenders import Peer

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("worker.py")
OPENING_S = 120.0  # TensorFlow on a slow machine
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}


class Gone(Exception):  # noqa: N818  what it says is a row of the table, no fault of ours
    """A peer that does not answer, or answers that it cannot; the message says why."""


class Worker:
    """A peer's process.

    Attributes:
        peer: whom it runs.
        version: of the peer's package; None where it has none.
        ways: what can be timed, see worker.py.
        macs: multiply-adds of a `run`, of those that measure the machine.
    """

    def __init__(self, peer: Peer, python: Path | str, model: Path | str, images: Path) -> None:
        """Start it and wait until the model is open.

        Raises:
            Gone: it does not come to that.
        """
        self.peer = peer
        job = {"file": str(peer.file), "model": str(model), "how": peer.how,
               "package": peer.package, "images": str(images)}  # fmt: skip
        environment = {**os.environ, **ONE_THREAD, **QUIET, "PYTHONPATH": str(ROOT)}
        if peer.environment:
            del environment["PYTHONPATH"]  # what is installed there, and nothing else
        self._said = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  closed below
        self._process = subprocess.Popen(
            [str(python), str(WORKER), json.dumps(job)], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said,
        )  # fmt: skip
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            about = self._answer(OPENING_S)
        except BaseException:
            self.close()
            raise
        self.version: str | None = about["version"]
        self.ways: list[str] = about["ways"]
        self.macs: int | None = about["macs"]

    def labels(self, patience_s: float) -> tuple[list[int], float]:
        """Return what the peer says of each image, and how many processors it kept busy.

        Raises:
            Gone: it does not.
        """
        found = self._ask({"ask": "labels"}, patience_s)
        return found["labels"], found["processors"]

    def time(self, way: str, seconds: float, patience_s: float) -> tuple[float, int]:
        """Return the p50 of one turn in microseconds, and its calls.

        Raises:
            Gone: it does not come to that.
        """
        found = self._ask({"ask": "time", "way": way, "seconds": seconds}, patience_s)
        return found["p50_us"], found["calls"]

    def close(self) -> None:
        """End the process; a second call does nothing."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._said):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:  # what it was asked last, it never read
                    continue

    def _ask(self, question: dict[str, Any], patience_s: float) -> dict[str, Any]:
        try:
            print(json.dumps(question), file=self._process.stdin, flush=True)
        except (BrokenPipeError, ValueError):
            raise Gone(self._last_words()) from None
        return self._answer(patience_s)

    def _answer(self, patience_s: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=patience_s)
        except queue.Empty:
            raise Gone(f"no answer in {patience_s:g} s") from None
        if line is None:
            raise Gone(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Gone(answer["error"])
        return answer

    def _listen(self) -> None:
        stream = self._process.stdout
        try:
            for line in stream or ():
                self._lines.put(line)
        except ValueError:  # closed meanwhile
            pass
        self._lines.put(None)

    def _last_words(self) -> str:
        code = self._process.wait()
        how = f"exit {code}" if code >= 0 else f"signal {-code} ({signal.Signals(-code).name})"
        self._said.seek(0)
        words = [line.strip() for line in self._said if line.strip()]
        return f"the process ended with {how}" + (f": {words[-1][:200]}" if words else "")

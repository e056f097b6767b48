"""Work done in a process of its own: what crashes there is an answer here, and not the end."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
from time import monotonic
from typing import IO, TYPE_CHECKING, Any, cast

from mnist_edge.errors import MnistEdgeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

CLOSING_S = 5.0  # for a process that is told to end


class JobFailed(MnistEdgeError):  # noqa: N818 - it is an answer, too
    """A job was not done; the words say why, in one line."""


class Companion:
    """A process that runs one module and does one job after the other.

    Commands go to its standard input and answers come through a pipe of their own, one line of
    JSON each: a runtime may print to its standard output what it likes. Where it ends, for
    whatever reason, `ask` says how; its last words are kept.
    """

    def __init__(self, module: str) -> None:
        """Start `python -m module`, which ends in `serve(...)`.

        Raises:
            JobFailed: Python cannot be started again.
        """
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this
        answers, theirs = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, str(theirs)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._said,
                pass_fds=[theirs],
            )
        except OSError as error:
            os.close(answers)
            self._said.close()
            what = sys.executable or "python"
            raise JobFailed(f"{what} cannot be started again: {error.strerror}") from None
        finally:
            os.close(theirs)
        self._answers = os.fdopen(answers, "rb", buffering=0)
        self._jobs = cast("IO[bytes]", self._process.stdin)

    def ask(self, job: dict[str, Any], patience_s: float) -> dict[str, Any]:
        """Have a job done and return its answer.

        Raises:
            JobFailed: the process said so, or ended, or gave no answer in `patience_s` seconds;
                in the last case it is ended.
        """
        try:
            self._jobs.write(json.dumps(job).encode() + b"\n")
            self._jobs.flush()
        except OSError:
            raise JobFailed(self._end()) from None
        found: dict[str, Any] = json.loads(self._line(monotonic() + patience_s, patience_s))
        if found["error"] is not None:
            raise JobFailed(found["error"])
        return found

    def _line(self, deadline: float, patience_s: float) -> bytes:
        line = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - monotonic())):
                    self._process.kill()
                    self._process.wait()
                    raise JobFailed(f"no answer in {patience_s:g} s")
                part = self._answers.read(1 << 20)
                if not part:
                    raise JobFailed(self._end())
                line += part
        return bytes(line)

    def _end(self) -> str:
        """Wait for the process to end; say how it did, and its last words."""
        try:
            code = self._process.wait(CLOSING_S)
        except subprocess.TimeoutExpired:  # it has closed its pipe, and goes on
            self._process.kill()
            code = self._process.wait()
        how = f"signal {-code}" if code < 0 else f"exit {code}"
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip().splitlines()
        return f"the process ended with {how}" + (f": {said[-1]}" if said else "")

    def close(self) -> None:
        """End the process; a second call does nothing."""
        if self._answers.closed:
            return
        try:
            self._jobs.close()  # what it reads ends, and so does it
            self._process.wait(CLOSING_S)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._answers.close()
        self._said.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def answer_of(module: str, job: dict[str, Any], patience_s: float) -> dict[str, Any]:
    """Have one job done in a process of its own and return its answer.

    Returns:
        What the module answered, with `status` (`ok` or `failed`) and `error` (one line or None);
        no more than these two where it gave no answer.
    """
    try:
        with Companion(module) as companion:
            return {"status": "ok", **companion.ask(job, patience_s)}
    except JobFailed as failed:
        return {"status": "failed", "error": str(failed)}


def serve(work: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Do the jobs that come from standard input; answer through the pipe named on the command line.

    A MnistEdgeError is an answer; anything else ends the process.
    """
    with os.fdopen(int(sys.argv[1]), "wb") as answers:
        for line in sys.stdin.buffer:
            try:
                found = {"error": None, **work(json.loads(line))}
            except MnistEdgeError as error:
                found = {"error": str(error)}
            answers.write(json.dumps(found).encode() + b"\n")
            answers.flush()

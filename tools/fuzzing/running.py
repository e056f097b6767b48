"""Workers of their own, so that a crash, a hang or a flood of memory is told of one case alone."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import queue
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fuzzing.judging import FAILED, Kind, Outcome, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FLOOD_MB = 600  # more memory than that for one case is a flood
CASES_A_WORKER = 500  # then a fresh one, so that what leaks cannot add up


@dataclass(frozen=True)
class Result:
    """One case and what came of it."""

    seed: int
    outcome: str
    detail: str


class Worker:
    """A child process that is told seeds and answers with outcomes."""

    def __init__(self, command: Sequence[str], timeout_s: float) -> None:
        """Prepare; the child is started when it is needed."""
        self._command, self._timeout_s = command, timeout_s
        self._child: subprocess.Popen[bytes] | None = None
        self._left = 0

    def run(self, seed: int) -> Result:
        """Have one case run; a child that fails is replaced before the next, and asked once more.

        A hang that does not come again was the machine's, not the case's.
        """
        result = self._run(seed)
        if result.outcome != FAILED:
            return result
        again = self._run(seed)
        if again.outcome == FAILED:
            return again
        if result.detail.startswith("hang"):
            return again
        return Result(seed, FAILED, f"{result.detail} (not a second time)")

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._log.close()
            self._child = None

    def _run(self, seed: int) -> Result:
        if self._child is None or self._left == 0:
            self.close()
            self._start()
        child = self._child
        assert child is not None
        assert child.stdin is not None
        assert child.stdout is not None
        self._left -= 1
        line, hung = b"", False
        try:
            child.stdin.write(b"%d\n" % seed)
            child.stdin.flush()
            hung = not select.select([child.stdout], [], [], self._timeout_s)[0]
            line = b"" if hung else child.stdout.readline()
        except BrokenPipeError:
            pass
        if line.endswith(b"\n"):
            result = Result(seed, **json.loads(line))
            if result.outcome == FAILED:
                self._left = 0  # what is left of the child may be damaged too
            return result
        if hung:
            os.kill(child.pid, signal.SIGABRT)  # has faulthandler say where it was
        code = child.wait()
        words = f"hang: no answer in {self._timeout_s:g} s" if hung else f"crash: {_death(code)}"
        words += f"; {self._last_words()}"
        self.close()
        return Result(seed, FAILED, words)

    def _start(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the child
        self._left = CASES_A_WORKER
        self._child = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
        )

    def _last_words(self) -> str:
        """Return where the child was: the innermost frames that faulthandler wrote."""
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").splitlines()
        frames = [line.split("/")[-1] for line in lines if line.startswith("  File ")]
        return " < ".join(frames[:3]) or " ".join(lines[-2:])[:300]


def _death(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def run_all(workers: list[Worker], seeds: Iterable[int], say: str) -> tuple[list[Result], bool]:
    """Have every case run, in order of their numbers; progress goes to stderr.

    Returns:
        What came of the cases by number, and False where Ctrl-C left some out.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for seed in seeds:
        waiting.put(seed)
    total = waiting.qsize()
    results: list[Result] = []

    def loop(worker: Worker) -> None:
        with contextlib.suppress(queue.Empty), contextlib.closing(worker):
            while True:
                results.append(worker.run(waiting.get_nowait()))
                if len(results) % 500 == 0:
                    failed = sum(result.outcome == FAILED for result in results)
                    print(f"{say}{len(results)} of {total}, {failed} failed", file=sys.stderr)

    threads = [threading.Thread(target=loop, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        _join(threads)
    except KeyboardInterrupt:
        with contextlib.suppress(queue.Empty):
            while True:
                waiting.get_nowait()
        _join(threads)
    return sorted(results, key=lambda result: result.seed), len(results) == total


def _join(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join()


def work(kind: Kind, memory_gb: float, *, tensorflow: bool) -> None:
    """Be a worker: read numbers from stdin, write outcomes to what was stdout, until the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever native code prints must not pass for an answer
    faulthandler.enable()
    limit = int(memory_gb * 1e9)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not tensorflow:
        warnings.simplefilter("error")  # a warning is a line on stderr that nobody asked for
        sys.modules["tensorflow"] = None  # type: ignore[assignment] # not there, as on a device
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        for line in sys.stdin:
            outcome = run_case(kind, int(line), Path(scratch))
            answers.write(json.dumps(vars(outcome)) + "\n")
            answers.flush()


def run_case(kind: Kind, seed: int, scratch: Path) -> Outcome:
    """Make and judge one case in a fresh folder within `scratch`."""
    folder = scratch / "case"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    kind.make(seed, folder)
    before = _peak_mb()
    outcome = judge(kind, seed, folder)
    grown = _peak_mb() - before
    if grown > FLOOD_MB:
        return Outcome(FAILED, f"memory: {grown} MB more; {outcome.detail}"[:300])
    return outcome


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

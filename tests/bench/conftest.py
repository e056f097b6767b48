import sys

import pytest

CRASHING = """
import os, sys
from mnist_edge.bench.process import serve
from mnist_edge.bench.worker import Worker

class Crashing(Worker):
    runtime = None
    jobs = 0

    def __call__(self, job):
        self.runtime = job.get("runtime", self.runtime)
        if (self.runtime, job["do"]) == ({runtime!r}, {job!r}):
            self.jobs += 1
            if self.jobs > {after}:
                {end}
        return super().__call__(job)

serve(Crashing())
"""


@pytest.fixture
def crashing(tmp_path, monkeypatch):
    """Puts a worker in place of the real one that does `end` when `runtime` is to do `job`.

    It does the job some times before, if asked for.
    """

    def put(runtime, job, end, after=0):
        script, shell = tmp_path / "worker.py", tmp_path / "python"
        script.write_text(CRASHING.format(runtime=runtime, job=job, end=end, after=after))
        shell.write_text(f'#!/bin/sh\nexec {sys.executable} {script} "$3"\n')
        shell.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(shell))

    return put

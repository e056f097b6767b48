import sys

import pytest

from mnist_edge.bench.process import answer_of

WORKER = """
from mnist_edge.bench.process import answer
from mnist_edge.errors import ModelError

def work(job):
    {work}

answer(work)
"""


@pytest.mark.parametrize(
    ("work", "found"),
    [
        ("return {'sum': job['one'] + 2}", {"status": "ok", "error": None, "sum": 3}),
        ("raise ModelError('it is broken')", {"status": "failed", "error": "it is broken"}),
        ("raise ValueError('a fault')",
         {"status": "failed", "error": "the process ended with exit 1: ValueError: a fault"}),
        ("import os; os.kill(os.getpid(), 9)",
         {"status": "failed", "error": "the process ended with signal 9"}),
        ("import sys; sys.exit(3)",
         {"status": "failed", "error": "the process ended with exit 3"}),
        ("import time; time.sleep(60)", {"status": "failed", "error": "no answer in 0.5 s"}),
    ],
)  # fmt: skip
def test_whatever_happens_there_is_an_answer(tmp_path, monkeypatch, root, work, found):
    (tmp_path / "helper.py").write_text(WORKER.format(work=work))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{root}")
    patience = 0.5 if "sleep" in work else 60
    assert answer_of("helper", {"one": 1}, patience) == found


def test_a_python_that_cannot_be_started_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    said = answer_of("helper", {}, 1)["error"]
    assert said == f"{tmp_path / 'python'} cannot be started again: No such file or directory"

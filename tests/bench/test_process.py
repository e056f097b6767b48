import os
import sys
from pathlib import Path

import pytest

from mnist_edge.bench.process import Companion, JobFailed, answer_of

WORKER = """
from mnist_edge.bench.process import serve
from mnist_edge.errors import ModelError

def work(job):
    {work}

serve(work)
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


def test_one_process_does_one_job_after_the_other(tmp_path, monkeypatch, root):
    work = "print('a runtime may print'); return {'pid': __import__('os').getpid(), **job}"
    (tmp_path / "helper.py").write_text(WORKER.format(work=work))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{root}")
    with Companion("helper") as companion:
        first, second = (companion.ask({"place": place}, 60) for place in (1, 2))
    assert (first["place"], second["place"]) == (1, 2)
    assert first["pid"] == second["pid"] != os.getpid()
    assert not Path(f"/proc/{first['pid']}").exists()


def test_after_a_failure_it_goes_on_and_after_a_crash_it_says_so_again(tmp_path, monkeypatch, root):
    work = "\n    ".join((
        "if job['do'] == 'fail': raise ModelError('not this one')",
        "if job['do'] == 'crash': __import__('os').abort()",
        "return {'done': True}",
    ))  # fmt: skip
    (tmp_path / "helper.py").write_text(WORKER.format(work=work))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{root}")
    with Companion("helper") as companion:
        with pytest.raises(JobFailed, match="not this one"):
            companion.ask({"do": "fail"}, 60)
        assert companion.ask({"do": "work"}, 60)["done"]
        for _time in range(2):
            with pytest.raises(JobFailed, match="ended with signal 6"):
                companion.ask({"do": "crash"}, 60)


def test_large_answers_come_whole(tmp_path, monkeypatch, root):
    (tmp_path / "helper.py").write_text(WORKER.format(work="return {'all': [7] * 1_000_000}"))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{root}")
    with Companion("helper") as companion:
        assert sum(companion.ask({}, 60)["all"]) == 7_000_000

import subprocess
from types import SimpleNamespace

import pytest

from tools import runs


@pytest.fixture
def commands(monkeypatch):
    """Commands in place of which nothing is run, and the exit codes that they are to have."""
    seen, codes = [], []

    def run(words, **options):
        seen.append((words, options))
        return SimpleNamespace(returncode=codes.pop() if codes else 0)

    monkeypatch.setattr(runs.subprocess, "run", run)
    return seen, codes


def test_a_network_that_trains_beside_another_has_one_core(commands):
    runs.train("micro", 3, runs.run_of("micro", 3), *runs.teach("micro"))
    ((words, options),) = commands[0]
    assert words[3:6] == ["train", "--recipe", "micro"]
    assert words.count("--teacher") == len(runs.TEACHERS)
    assert "artifacts/runs/micro-3" in words
    assert not any(word.startswith("/") for word in words[1:])
    assert runs.teach("nano") == []
    assert options["env"]["TF_NUM_INTRAOP_THREADS"] == "1"


def test_a_gate_that_was_not_kept_may_be_passed_over_and_nothing_else(commands):
    codes = commands[1]
    assert runs.command("bench", may_fail=True)
    codes.append(1)
    assert not runs.command("bench", may_fail=True)
    for code, may_fail in ((1, False), (2, True)):
        codes.append(code)
        with pytest.raises(SystemExit, match=f"mnist-edge bench ended with exit code {code}"):
            runs.command("bench", may_fail=may_fail)


def test_code_of_a_process_of_its_own_has_one_core(capfd):
    runs.python("import os; print(os.environ['TF_NUM_INTRAOP_THREADS'])")
    assert capfd.readouterr().out == "1\n"
    with pytest.raises(subprocess.CalledProcessError):
        runs.python("raise SystemExit(3)")

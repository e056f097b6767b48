import json
import sys

import pytest

from tools import fast as module
from tools.fast import CLASSIC, fast, reached, timed


def test_a_run_is_timed_from_outside(monkeypatch, tmp_path):
    script = (
        "import sys, time\n"
        "for epoch in (1, 2):\n"
        "    time.sleep(0.2)\n"
        "    print(f'epoch {epoch}/2  loss 1', file=sys.stderr, flush=True)\n"
        "time.sleep(0.2)\n"
    )
    (tmp_path / "history.csv").write_text("epoch,loss,val_accuracy\n1,1,0.9\n2,1,0.95\n")
    (tmp_path / "manifest.json").write_text(json.dumps({"training": {"test_accuracy": 0.94}}))
    popen = module.subprocess.Popen

    def stub(words, **options):
        assert words[1:] == [
            "-m",
            "mnist_edge",
            "train",
            "--recipe",
            "some",
            "--out",
            ".",
            "--fresh",
        ]
        return popen([sys.executable, "-c", script], **options)

    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module.subprocess, "Popen", stub)
    found = timed("some", tmp_path)
    first, second = found["epoch_seconds"]
    assert 0.2 <= first <= second - 0.15
    assert found["seconds"] >= second + 0.15
    assert (found["validation"], found["test_accuracy"]) == ([0.9, 0.95], 0.94)
    script = "raise SystemExit(2)"
    with pytest.raises(SystemExit, match="mnist-edge train --recipe some"):
        timed("some", tmp_path)


def test_both_are_timed_until_they_first_have_what_the_classic_has_at_its_end(
    monkeypatch, tmp_path
):
    runs = {
        "fast": {"epoch_seconds": [10, 20, 30], "validation": [0.9, 0.985, 0.99]},
        CLASSIC: {"epoch_seconds": [40, 80, 120], "validation": [0.98, 0.99, 0.985]},
    }
    monkeypatch.setattr(module, "timed", lambda recipe, folder: runs[recipe])
    found = fast(tmp_path)
    assert (found["goal"], found["times_as_fast"]) == (0.985, 4)
    runs["fast"]["validation"] = [0.9, 0.98, 0.984]
    assert fast(tmp_path)["times_as_fast"] is None
    assert reached(runs["fast"], 0.98) == 20

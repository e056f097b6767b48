import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent.parent


def test_threads_agree_and_memory_stays(tmp_path):
    out = tmp_path / "soak.json"
    command = [sys.executable, "tools/soak.py", "--seconds", "1", "--predictions", "30000"]
    command += ["--settled", "0"]
    ended = subprocess.run(
        [*command, "--json", str(out)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    results = json.loads(out.read_text())["results"]
    assert [each["runtime"] for each in results] == ["litert", "onnxruntime"]
    for each in results:
        assert each["threads"]["answers"] > 1000
        assert each["threads"]["wrong"] == 0
        assert each["memory"]["first_mb"] > 10
        assert each["memory"]["last_mb"] > 10


def test_an_answer_that_differs_is_counted(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    from mnist_edge import Classifier
    from tools import soak

    with Classifier.open() as classifier:
        answer, calls = classifier.backend.infer_one, itertools.count()

        def sometimes_wrong(image):
            row = answer(image)
            return row if next(calls) != soak.IMAGES + 5 else np.zeros_like(row)

        classifier.backend.infer_one = sometimes_wrong
        assert soak.together(classifier, 0.2)["wrong"] == 1

"""A runtime of somebody else that takes the process down."""

import json

import pytest

from mnist_edge.cli import run

ABORTING = """
import os
from mnist_edge import Backend
from mnist_edge.backends.onnxrt import OnnxRuntimeBackend

class Aborting(OnnxRuntimeBackend):
    def _run(self, raw):
        os.abort()
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Installs it, as pip would."""
    (tmp_path / "aborting.py").write_text(ABORTING)
    info = tmp_path / "aborting-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: aborting\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mnist_edge.backends]\naborting = aborting:Aborting\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_it_is_one_failed_row_and_the_others_stand(bundle, quadrants_file, plugin, capsys):
    model = str(bundle.folder / "edge-float32.onnx")
    code = run(["bench", model, "--data", str(quadrants_file), "--quick", "--json"])
    heard = capsys.readouterr()
    fine, crashed = json.loads(heard.out)["results"]
    assert code == 1
    assert (fine["runtime"], fine["status"]) == ("onnxruntime", "ok")
    assert fine["parity"]["accuracy"] > 0.9
    assert fine["latency"]["predict_us"]["p50"] > 0
    assert (crashed["runtime"], crashed["status"]) == ("aborting", "failed")
    assert crashed["error"].startswith("the process ended with signal 6")
    assert "edge-float32.onnx on aborting failed: the process ended with signal 6" in heard.err

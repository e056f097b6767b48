"""`mnist-edge bench --stress`, as one types it."""

import json

import numpy as np
import pytest

from mnist_edge.bench.record import Record
from mnist_edge.cli import run

pytestmark = [pytest.mark.needs("litert"), pytest.mark.usefixtures("no_fashion")]


@pytest.fixture
def words(bundle, quadrants_file):
    model = str(bundle.folder / "edge-int8.tflite")
    return ["bench", model, "--data", str(quadrants_file), "--quick", "--runtime", "litert"]


def test_it_is_printed_recorded_and_drawn(words, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("mnist_edge.cli.progress.PAUSE_S", 0)
    out = tmp_path / "r.json"
    assert run([*words, "--stress", "--out", str(out), "--pictures", str(tmp_path)]) == 0
    printed, said = capsys.readouterr()
    assert max(map(len, printed.splitlines())) <= 80
    assert "Under stress: accuracy on corrupted test images" in printed
    assert "rotation 30°" in printed
    assert "No fashion items: cannot get fashion-mnist" in printed
    assert "stress: noise: step" in said
    assert (tmp_path / "bench-stress.png").read_bytes().startswith(b"\x89PNG")
    (row,) = Record.read(out)["results"]
    assert [kind["name"] for kind in row["stress"]["corruptions"]][:2] == ["noise", "blur"]
    assert run([*words, "--json", "--stress"]) == 0
    (again,) = json.loads(capsys.readouterr().out)["results"]
    assert again["stress"] == row["stress"]


def test_without_it_nothing_is_said_of_it(words, tmp_path, capsys):
    assert run([*words, "--out", str(tmp_path / "r.json"), "--pictures", str(tmp_path)]) == 0
    printed, said = capsys.readouterr()
    assert "stress" not in printed.lower() + said.lower()
    assert not (tmp_path / "bench-stress.png").exists()
    assert Record.read(tmp_path / "r.json")["results"][0]["stress"] is None


def test_what_it_cannot_be_asked_for_is_one_line(words, bundle, tmp_path, capsys):
    assert run([*words, "--stress", "--host", "pi@nowhere"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == ("error: --stress is measured on this machine alone: leave it or --host out")
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28)).astype(np.uint8)
    np.savez(tmp_path / "blind.npz", images=images)
    words[words.index("--data") + 1] = str(tmp_path / "blind.npz")
    assert run([*words, "--stress"]) == 2
    assert "has no labels, and stress is told by accuracy" in capsys.readouterr().err

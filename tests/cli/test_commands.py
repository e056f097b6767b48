"""Each command once, as people call it, on a small bundle."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from mnist_edge import __version__
from mnist_edge.bundle import read_bundle
from mnist_edge.cli import run
from mnist_edge.training.recipes import RECIPES


@pytest.fixture
def digit(dataset, tmp_path):
    path = tmp_path / "three.png"
    Image.fromarray(dataset.test.images[3]).save(path)
    return path


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Commands write under the current folder: let it not be the repository."""
    monkeypatch.chdir(tmp_path)


def test_help_and_version(capsys):
    assert run([]) == 0
    assert "Commands:" in capsys.readouterr().out
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__
    for command in ("train", "export", "bench", "predict", "verify", "recipes", "runtimes"):
        assert run([command, "--help"]) == 0
        assert f"Example: mnist-edge {command}" in " ".join(capsys.readouterr().out.split())


def test_recipes_are_listed_with_what_was_measured(capsys):
    assert run(["recipes"]) == 0
    table = capsys.readouterr().out
    assert all(name in table for name in RECIPES)
    assert run(["recipes", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["name"] for row in rows} == set(RECIPES)
    assert all(row["measured"]["test_accuracy"] > 0.9 for row in rows)


def test_runtimes_are_listed_with_their_pip_line(capsys):
    assert run(["runtimes"]) == 0
    assert 'absent: pip install "mnist-edge[tflite]"' in capsys.readouterr().out
    assert run(["runtimes", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["litert"]["installed"]
    assert not rows["tflite-runtime"]["installed"]


def test_predict_says_the_label_and_what_it_did(bundle, digit, capsys):
    assert run(["predict", str(digit), "--model", str(bundle.folder)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{digit}: 3  (")
    assert "edge-int8.tflite on litert" in said.err
    inverted = digit.with_name("inverted.png")
    Image.fromarray(255 - np.asarray(Image.open(digit))).save(inverted)
    arguments = ["predict", str(inverted), "--model", str(bundle.folder), "--json"]
    assert run([*arguments, "--runtime", "onnxruntime"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["label"] == "3"
    assert answer["model"] == "edge-float32.onnx"
    assert answer["steps"] == ["turned dark-on-bright into bright-on-dark"]
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-3)


def test_verify_holds_or_exits_with_1(bundle, tmp_path, capsys):
    assert run(["verify", str(bundle.folder), "--runtime", "onnxruntime", "--json"]) == 0
    assert all(finding["holds"] for finding in json.loads(capsys.readouterr().out))
    shutil.copytree(bundle.folder, tmp_path / "copy")
    (tmp_path / "copy" / "edge-int8.onnx").write_bytes(b"x")
    assert run(["verify", str(tmp_path / "copy"), "--runtime", "onnxruntime"]) == 1
    said = capsys.readouterr()
    assert "BAD  edge-int8.onnx" in said.out
    assert "copy the bundle anew" in said.err


def test_verify_does_not_say_yes_where_nothing_was_run(bundle, tmp_path, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(bundle.folder, folder)
    text = (folder / "manifest.json").read_text(encoding="utf-8")
    manifest = json.loads(text)
    (entry,) = [item for item in manifest["models"] if item["file"] == "edge-int8.onnx"]
    (folder / "manifest.json").write_text(json.dumps({**manifest, "models": [entry]}))
    assert run(["verify", str(folder), "--runtime", "keras"]) == 1
    assert "no model was run" in capsys.readouterr().err
    short = {**manifest, "models": [entry], "labels": ["0", "1"]}
    (folder / "manifest.json").write_text(json.dumps(short))
    assert run(["verify", str(folder)]) == 1
    assert "has 4 classes, the manifest has 2 labels" in capsys.readouterr().err
    (folder / "manifest.json").write_text(json.dumps({**manifest, "models": []}))
    assert run(["verify", str(folder)]) == 2
    assert "names no models" in capsys.readouterr().err


def test_train_export_bench(quadrants_file, tmp_path, capsys, broken_int8):
    data = ["--data", str(quadrants_file)]
    small = ["--filters", "4,4,4,8", "--epochs", "8", "--batch-size", "16"]
    small += ["--augmentation", "none"]
    assert run(["train", *data, *small]) == 0
    said = capsys.readouterr()
    assert "edge: test accuracy" in said.out
    assert "epoch 8/8" in said.err
    folder = tmp_path / "artifacts" / "runs" / "edge"
    assert {path.name for path in folder.iterdir()} == {
        "edge.keras", "history.csv", "manifest.json",
        "curves.png", "confusion.png", "samples.png", "mistakes.png",
    }  # fmt: skip
    manifest = (folder / "manifest.json").read_bytes()
    assert run(["train", *data, *small, "--resume", "--json"]) == 0
    said = capsys.readouterr()
    assert "finished: nothing to do" in said.err
    assert json.loads(said.out) == json.loads(manifest)

    assert run(["export"]) == 2  # one's own data must be named again
    assert "name it with --data" in capsys.readouterr().err
    assert run(["export", "--int8", *data]) == 0
    said = capsys.readouterr().out
    assert "edge-int8.tflite" in said
    assert "agrees with Keras on 100.00 %" in said
    assert len(read_bundle(folder).models) == 5

    quick = ["--quick", "--runtime", "litert", "--runtime", "onnxruntime"]
    arguments = ["bench", *data, *quick, "--out", "record.json"]
    assert run(arguments) == 0
    said = capsys.readouterr().out
    assert "float32.tflite litert" in said
    assert "Timings: INVALID" in said
    assert max(len(line) for line in said.splitlines()[:8]) <= 80
    record = json.loads((tmp_path / "record.json").read_text(encoding="utf-8"))
    assert len(record["results"]) == 4
    assert all(row["status"] == "ok" for row in record["results"])

    both = [str(folder / "edge-float32.onnx"), str(broken_int8)]
    assert run(["bench", *both, *data, *quick, "--json"]) == 1
    said = capsys.readouterr()
    assert len(json.loads(said.out)["results"]) == 2
    assert said.err.startswith("error: edge-int8.onnx on onnxruntime: agreement")
    assert said.err.count("\n") == 1

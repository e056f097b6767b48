"""Each command once, as people call it, on a small bundle."""

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_edge import __version__
from mnist_edge.backends import Runtime
from mnist_edge.bundle import read_bundle
from mnist_edge.classifier import SHIPPED
from mnist_edge.cli import run
from mnist_edge.cli.train import notes, take_place
from mnist_edge.data import stratified_split
from mnist_edge.errors import SettingError
from mnist_edge.interpreter import Interpreter
from mnist_edge.training.recipe import override
from mnist_edge.training.recipes import RECIPES, find


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


def test_recipes_are_listed_with_what_was_measured(capsys):
    assert run(["recipes"]) == 0
    table = capsys.readouterr().out
    assert all(name in table for name in RECIPES)
    assert run(["recipes", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["name"] for row in rows} == set(RECIPES)
    assert all(row["measured"]["test_accuracy"] > 0.9 for row in rows)


def test_runtimes_are_listed_with_reason_and_remedy(capsys, monkeypatch):
    here = Interpreter("3.11.2", "cp311", "Linux", "armv7l", 32, "glibc", (2, 36))
    monkeypatch.setattr("mnist_edge.interpreter.this_interpreter", lambda: here)
    absent = property(lambda row: row.name not in ("litert", "tflite-runtime"))
    monkeypatch.setattr(Runtime, "installed", absent)
    assert run(["runtimes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "litert           .tflite  no wheel of ai-edge-litert for armv7l (32-bit):"
    assert lines[1].strip() == 'use tflite-runtime: pip install "mnist-edge[tflite]"'
    assert lines[2] == ('tflite-runtime   .tflite  not installed: pip install "mnist-edge[tflite]"')
    assert lines[3].startswith("onnxruntime      .onnx    1.")
    assert lines[-1] == (
        "Taken first: tensorflow-lite (.tflite), onnxruntime (.onnx), keras (.keras)"
    )
    assert run(["runtimes", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows[:3]] == ["litert", "tflite-runtime", "onnxruntime"]
    assert [row["usable"] for row in rows[:3]] == [False, False, True]
    assert rows[1]["remedy"] == 'pip install "mnist-edge[tflite]"'
    assert rows[2]["version"].startswith("1.")
    assert rows[2]["remedy"] == ""


def test_where_nothing_is_usable_the_list_says_so(capsys, monkeypatch):
    monkeypatch.setattr(Runtime, "installed", property(lambda _row: False))
    assert run(["runtimes"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Taken first: none, nothing is usable"


def test_doctor_says_whether_the_bundle_runs_here(tmp_path, capsys, monkeypatch):
    assert run(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].split() == ["ok", "answer", "edge-int8.tflite", "on", "litert", "answers"]
    assert max(map(len, lines)) <= 80 + len(str(SHIPPED))
    shutil.copytree(SHIPPED, tmp_path / "copy")
    (tmp_path / "copy" / "edge-float32.onnx").write_bytes(b"x")
    assert run(["doctor", "copy", "--json"]) == 1
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert said.err.startswith("error: edge-float32.onnx: copy/edge-float32.onnx has 1 bytes")
    found = json.loads(said.out)
    assert found["runs"] is False
    states = {finding["name"]: finding["state"] for finding in found["findings"]}
    assert (states["edge-float32.onnx"], states["edge-int8.tflite"]) == ("bad", "ok")
    assert run(["doctor", "nowhere"]) == 2
    assert "no bundle at nowhere" in capsys.readouterr().err


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


def test_predict_says_none_where_it_is_not_sure_enough(bundle, digit, capsys):
    arguments = ["predict", str(digit), "--model", str(bundle.folder), "--runtime", "onnxruntime"]
    assert run([*arguments, "--reject-below", "1"]) == 0
    said = capsys.readouterr().out
    assert re.fullmatch(rf"{digit}: none  \(best guess 3, \d+\.\d %\)\n", said)
    assert run([*arguments, "--reject-below", "1", "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["label"] is None
    assert answer["index"] == 3
    assert answer["confidence"] == max(answer["probabilities"]) < 1
    assert run([*arguments, "--reject-below", "0.3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["label"] == "3"


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


def test_a_rate_is_spoken_of_where_it_was_chosen_for_another_optimizer():
    edge = find("edge")
    assert notes(edge, override(edge, epochs=3)) == []
    assert notes(edge, override(edge, optimizer="muon", learning_rate=0.02)) == []
    (line,) = notes(edge, override(edge, optimizer="muon"))
    assert line.startswith("learning rate 0.004 was chosen for adamw, and stays with muon: --learn")


def test_a_finished_run_stays_where_another_was_to_go_on(bundle, monkeypatch):
    monkeypatch.chdir(bundle.folder)
    with pytest.raises(SettingError, match="holds a finished run of other settings or data"):
        take_place(Path(), (), resume=True)
    with pytest.raises(SettingError, match="is a teacher of the run"):
        take_place(Path(), (bundle.folder,), resume=False)


def test_train_export_bench(quadrants_file, tmp_path, capsys, broken_int8):
    data = ["--data", str(quadrants_file)]
    small = ["--filters", "4,4,4,8", "--epochs", "8", "--batch-size", "16"]
    small += ["--augmentation", "none", "--optimizer", "adam"]
    assert run(["train", *data, *small]) == 0
    said = capsys.readouterr()
    assert "learning rate 0.004 was chosen for adamw, and stays with adam" in said.err
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

    assert run(["train", *data, *small, "--seed", "9", "--resume"]) == 2
    assert "holds a finished run of other settings or data" in capsys.readouterr().err
    assert run(["train", *data, *small, "--teacher", str(folder)]) == 2
    assert "is a teacher of the run" in capsys.readouterr().err
    assert (folder / "manifest.json").read_bytes() == manifest

    assert run(["export"]) == 2  # one's own data must be named again
    assert "name it with --data" in capsys.readouterr().err
    assert run(["export", "--int8", "--c-array", "--max-drop", "0.5", *data]) == 0
    said = capsys.readouterr().out
    assert "agrees with Keras on 100.00 %" in said
    # what is said of its speed depends on the machine, and on what else it does
    assert re.search(r"edge-int8\.tflite: .* point \(.* to .*\):? ", " ".join(said.split()))
    assert "_MODEL_BYTES" in (folder / "edge_int8.h").read_text()
    assert (folder / "edge_int8.c").is_file()
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
    (error,) = (line for line in said.err.splitlines() if line.startswith("error: "))
    assert error.startswith("error: edge-int8.onnx on onnxruntime: agreement")


def test_what_max_drop_judges_on_was_held_out_and_is_not_the_test(run_folder, dataset):
    from mnist_edge.cli.export import _validation

    bundle = read_bundle(run_folder)
    hyper = bundle.manifest["training"]["hyperparameters"]
    found = _validation(bundle, dataset)
    kept, held = stratified_split(
        dataset.train.labels, hyper["validation_share"], hyper["split_seed"]
    )
    assert np.array_equal(found.images, dataset.train.images[held])
    assert np.array_equal(found.labels, dataset.train.labels[held])
    judged = {image.tobytes() for image in (*dataset.test.images, *dataset.train.images[kept])}
    assert not {image.tobytes() for image in found.images} & judged


def test_only_what_an_export_made_is_timed(bundle):
    from mnist_edge.cli.export import _made_now

    made = _made_now(bundle, bundle, {"edge-int8.tflite"})
    assert {entry.file for entry in made.models} == {
        "edge.keras", "edge-float32.tflite", "edge-float32.onnx", "edge-int8.tflite",
    }  # fmt: skip
    before = bundle._replace(models=())
    assert _made_now(bundle, before, set()).models == bundle.models


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--max-drop", "0.1"], "max-drop is for quantized models, and none was asked for"),
        (["--int8", "--calibration-count", "0"], "calibration-count is 0; wanted 1 or more"),
        (["--int8", "--format", "onnx", "--c-array"], "with --format tflite and --io int8"),
        (["--int8", "--format", "onnx", "--io", "uint8"], "add --format tflite"),
        (["--int8", "--method", "percentile", "--percentile", "0"], "percentile is 0; wanted"),
    ],
)
def test_what_cannot_be_is_said_before_any_work(arguments, said, capsys):
    assert run(["export", "nowhere", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_model_that_is_never_right_is_said_to_be_so(bundle, capsys):
    from mnist_edge.cli.export import _show

    entry = bundle.entry("edge-float32.tflite")
    wrong = entry._replace(parity={**entry.parity, "reference_accuracy": 0.0})
    training = {**bundle.manifest["training"], "source": "own model", "file": "my.keras"}
    own = bundle._replace(models=(wrong,), manifest={**bundle.manifest, "training": training})
    _show(own, [])
    said = capsys.readouterr()
    assert "my.keras itself names 0.00 % of 200 rightly" in said.out
    assert "say the model's own order with --labels" in said.err


def test_max_drop_judges_for_the_runtimes_that_were_asked_for(
    run_folder, quadrants_file, tmp_path, monkeypatch
):
    from mnist_edge.bench import exported

    asked = []
    monkeypatch.setattr(
        exported, "check_targets", lambda _content, _path, targets: asked.append(tuple(targets))
    )
    command = ["export", str(run_folder), "--float16", "--format", "tflite", "--no-timing"]
    command += ["--data", str(quadrants_file), "--out", str(tmp_path / "b")]
    assert run([*command, "--max-drop", "1", "--for", "litert"]) == 0
    assert asked == [("litert",)] * 3  # float32, then float16 on validation and on test images


def test_a_folder_of_something_else_is_refused_before_anything_that_takes_long(
    run_folder, quadrants_file, tmp_path, monkeypatch, capsys
):
    from mnist_edge.bench import exported

    def slow(*_arguments, **_more):
        raise AssertionError("Keras was run first")

    monkeypatch.setattr(exported, "ExportCheck", slow)
    (tmp_path / "thesis.txt").write_text("years of work")
    arguments = ["--data", str(quadrants_file), "--out", str(tmp_path)]
    assert run(["export", str(run_folder), *arguments]) == 2
    assert "choose another --out" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["train", "export", "finetune", "audit"])
def test_what_needs_tensorflow_says_so_where_it_is_absent(
    command, bundle, quadrants_file, tmp_path, monkeypatch, capsys
):
    import builtins

    heavy = {f"mnist_edge.{part}" for part in ("training", "export")}
    for name in [name for name in sys.modules if name.rpartition(".")[0] in heavy]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.startswith("mnist_edge.export.audit")]:
        monkeypatch.delitem(sys.modules, name)
    real = builtins.__import__

    def without(name, *rest):
        if name.partition(".")[0] in ("tensorflow", "keras"):
            raise ImportError(f"No module named {name!r}", name=name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    where = ["--out", str(tmp_path / "out")] if command == "train" else [str(bundle.folder)]
    assert run([command, *where, "--data", str(quadrants_file)]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert f"which {command} needs" in said
    assert 'pip install "mnist-edge[train]"' in said

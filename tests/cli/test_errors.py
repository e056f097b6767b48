"""Bad input: one line that says what to do, exit code 2, nothing left behind."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from mnist_edge.cli import run


def arrays(**changes):
    images = np.zeros((20, 28, 28), np.uint8)
    labels = np.arange(20) % 4
    return {"images": images, "labels": labels, **changes}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch, bundle):
    """A folder with one of everything that can be wrong."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.tflite").write_text("just some text, no model")
    onnx = (bundle.folder / "edge-float32.onnx").read_bytes()
    (tmp_path / "short.onnx").write_bytes(onnx[: len(onnx) // 2])
    (tmp_path / "text.png").write_text("just some text, no image")
    (tmp_path / "file").write_text("")
    (tmp_path / "labels").mkdir()
    manifest = {"schema": 1, "name": "a", "labels": ["a", "b"], "models": []}
    (tmp_path / "labels" / "manifest.json").write_text(json.dumps(manifest))
    drawn = np.full((28, 28), 255, np.uint8)
    drawn[6:22, 13:16] = 0
    Image.fromarray(drawn).save(tmp_path / "ok.png")
    Image.new("L", (28, 28), 255).save(tmp_path / "blank.png")
    Image.new("L", (9, 9)).save(tmp_path / "tiny.png")
    without = arrays()
    del without["labels"]
    np.savez(tmp_path / "without.npz", **without)
    np.savez(tmp_path / "shape.npz", **arrays(images=np.zeros((20, 32, 32), np.uint8)))
    np.savez(tmp_path / "dtype.npz", **arrays(images=np.zeros((20, 28, 28))))
    np.savez(tmp_path / "nan.npz", **arrays(images=np.full((20, 28, 28), np.nan, np.float32)))
    many = np.zeros((600, 28, 28), np.uint8)
    np.savez(tmp_path / "many.npz", images=many, labels=np.arange(600) % 300)
    np.savez(tmp_path / "fine.npz", **arrays())
    (tmp_path / "cut.npz").write_bytes((tmp_path / "fine.npz").read_bytes()[:300])


CASES = {
    "predict ok.png --model absent.tflite": "no model or bundle at absent.tflite",
    "predict ok.png --model text.tflite": "text.tflite is not a TensorFlow Lite model",
    "predict ok.png --model short.onnx": "short.onnx is damaged",
    "predict ok.png --model file": "file is not a model by its name; wanted .tflite",
    "predict ok.png --model .": "it has no manifest.json",
    "predict ok.png --runtime lightrt": "unknown runtime 'lightrt': did you mean 'litert'",
    "predict ok.png --runtime tflite-runtime": "runtime tflite-runtime ",
    "predict blank.png": "blank.png is blank: nothing is drawn on it",
    "predict absent.png": "no image at absent.png",
    "predict text.png": "text.png is not an image that Pillow can read",
    "predict tiny.png": "tiny.png is 9x9; wanted 28x28 or larger",
    "predict ok.png --reject-below 1.5": "reject_below is 1.5; wanted a number of 0 to 1",
    "predict ok.png --reject-below nan": "reject_below is nan; wanted a number of 0 to 1",
    "predict": "Missing argument",
    "bench absent": "no model or bundle at absent",
    "bench text.tflite --data fine.npz --quick": "text.tflite is not a TensorFlow Lite model",
    "bench --threads 0 --data fine.npz": "threads is 0; wanted 1 to 1024",
    "bench --threads 4-1 --data fine.npz": "threads is '4-1'; wanted a number, 1,2,4 or 1-4",
    "bench --threads 1-9999 --data fine.npz": "threads is '1-9999'; wanted a number, 1,2,4 or 1-4",
    "bench --threads two --data fine.npz": "threads is 'two'; wanted a number, 1,2,4 or 1-4",
    "bench --out file/b.json --data fine.npz": "cannot write file/b.json: Not a directory",
    "bench --csv . --data fine.npz": "cannot write .: Is a directory",
    "bench --pictures file --data fine.npz": "cannot write file/picture.png: Not a directory",
    "bench --sustained -1 --data fine.npz": "sustained_minutes is -1.0; wanted 0 to 1440",
    "bench --runtime lightrt --data fine.npz": "did you mean 'litert'",
    "verify absent": "no bundle at absent",
    "verify --runtime nothing": "unknown runtime 'nothing'",
    "train --recipe egde": "unknown recipe 'egde': did you mean 'edge'?",
    "train --epochs 0": "epochs is 0; wanted 1 or more",
    "train --epochs many": "Invalid value for '--epochs'",
    "train --filters many": "filters is 'many'; wanted whole numbers",
    "train --filters 1": "wanted 2 to 7 counts",
    "train --optimizer adm": "did you mean 'adam'",
    "train --data absent.npz": "no dataset at absent.npz",
    "train --data mnits": "unknown dataset 'mnits': did you mean 'mnist'",
    "train --data without.npz": "without.npz has images but no labels",
    "train --data shape.npz": "shape (training): images of shape [20, 32, 32]",
    "train --data dtype.npz": "dtype (training): images are float64; wanted uint8",
    "train --data nan.npz": "nan (training): float images from nan to nan; wanted 0..1",
    "train --data many.npz": "many has 300 classes; recipes learn 256 at most",
    "train --data cut.npz": "cut.npz is not an .npz of plain arrays",
    "bench labels --data fine.npz": "labels knows 2 classes (a, b, ...), fine has 4",
    "train --data file": "file is not an .npz",
    "train --data .": "holds neither MNIST's IDX files nor class folders",
    "train --data fine.npz --out file": "file is a file; wanted a folder",
    "train --data fine.npz --out file/run": "cannot write file/run.partial",
    "train --data fine.npz --out .": "something that is not a run",
    "export": "train one with mnist-edge train",
    "export absent": "no bundle at absent",
    "evaluate": "No such command 'evaluate'",
    "train --epoch 3": "No such option",
}


@pytest.mark.parametrize("command", CASES)
def test_bad_input_gets_one_line_and_exit_code_2(command, capsys, tmp_path):
    before = sorted(path.name for path in tmp_path.iterdir())
    assert run(command.split()) == 2
    said = capsys.readouterr()
    assert said.out == ""
    last = said.err.splitlines()[-1]
    assert last.startswith("error: ")
    assert CASES[command] in last
    assert "Traceback" not in said.err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def mnist_edge(*arguments, **settings):
    return subprocess.run(
        [sys.executable, "-m", "mnist_edge", *arguments],
        capture_output=True,
        text=True,
        check=False,
        **settings,
    )


def test_the_process_leaves_with_the_code_and_one_line(tmp_path):
    ended = mnist_edge("predict", "ok.png", "--model", "text.tflite", cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    shown = mnist_edge("predict", "ok.png", "--model", "text.tflite", "--debug", cwd=tmp_path)
    assert shown.returncode == 1
    assert "Traceback" in shown.stderr


def test_native_libraries_do_not_print_between(tmp_path):
    ended = mnist_edge("predict", "ok.png", cwd=tmp_path)
    assert ended.returncode == 0
    assert ended.stderr.splitlines() == [
        "  turned dark-on-bright into bright-on-dark",
        "edge-int8.tflite on litert",
    ]


def limit_file_size():
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def test_a_disk_that_is_full_leaves_nothing_half_written(tmp_path):
    arguments = ("train", "--data", "fine.npz", "--epochs", "1", "--out", "run")
    ended = mnist_edge(*arguments, cwd=tmp_path, preexec_fn=limit_file_size)
    assert ended.returncode == 2
    assert "error: cannot write run.partial/state.npz: " in ended.stderr
    assert not [path for path in tmp_path.iterdir() if "run" in path.name]


def test_a_folder_that_is_read_only_is_named(tmp_path):
    # /sys takes no folder, not even from root.
    place = "/sys/run"
    if os.geteuid() != 0:
        (tmp_path / "locked").mkdir(mode=0o555)
        place = "locked/run"
    ended = mnist_edge("train", "--data", "fine.npz", "--out", place, cwd=tmp_path)
    assert ended.returncode == 2
    assert f"error: cannot write {place}.partial" in ended.stderr

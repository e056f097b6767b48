import json
import re
import shutil

import pytest

from mnist_edge.bundle import read_bundle
from mnist_edge.cli import run
from mnist_edge.cli.finetune import verdict


@pytest.fixture
def parent(tmp_path, monkeypatch, run_folder):
    """A finished run in a folder of its own, which is the current one."""
    folder = tmp_path / "artifacts" / "runs" / "small"
    shutil.copytree(run_folder, folder)
    monkeypatch.chdir(tmp_path)
    return folder


def test_the_newest_run_is_fine_tuned_beside_itself(parent, quadrants_file, capsys):
    data = ["--data", str(quadrants_file)]
    assert run(["finetune", "--epochs", "1", "--granularity", "per-tensor", *data]) == 0
    said = capsys.readouterr()
    assert "fine-tuning after epoch 8 of 9" in said.err
    assert "epoch 9/9" in said.err
    _run, *folded = said.out.splitlines()
    assert re.fullmatch(
        r"int8 validation accuracy: [\d.]+ % post-training, [\d.]+ % quantization-aware "
        r"\([+-][\d.]+ points; float [\d.]+ % before; .*\)",
        " ".join(map(str.strip, folded)),
    )
    made = read_bundle(parent.with_name("small-qat"))
    assert "mnist-edge export artifacts/runs/small-qat --int8" in said.out
    assert made.manifest["training"]["quantization_aware"]["granularity"] == "per-tensor"
    assert (made.folder / "curves.png").is_file()
    assert run(["finetune", str(made.folder), *data]) == 2
    assert "is fine-tuned already" in capsys.readouterr().err


def test_its_json_is_the_manifest_and_mistakes_are_one_line(parent, quadrants_file, capsys):
    data = ["--data", str(quadrants_file)]
    out = parent.with_name("there")
    assert run(["finetune", str(parent), *data, "--out", str(out), "--json", "--epochs", "1"]) == 0
    assert json.loads(capsys.readouterr().out) == read_bundle(out).manifest
    for arguments, message in (
        (["--granularity", "per-chanel"], "did you mean 'per-channel'"),
        (["--epochs", "0"], "epochs is 0; wanted 1 or more"),
        (["--out", str(parent)], "choose another --out"),
    ):
        assert run(["finetune", str(parent), *data, *arguments]) == 2
        said = capsys.readouterr()
        assert message in said.err
        assert said.err.count("error:") == 1
        assert said.out == ""


def test_an_interruption_says_that_nothing_was_written(parent, quadrants_file, capsys, monkeypatch):
    def stop(*_anything):
        raise KeyboardInterrupt

    monkeypatch.setattr("mnist_edge.cli.progress.TrainingProgress.start", stop)
    assert run(["finetune", str(parent), "--data", str(quadrants_file)]) == 130
    assert "interrupted; nothing was written" in capsys.readouterr().err
    assert [path.name for path in parent.parent.iterdir()] == ["small"]


def test_without_validation_images_the_verdict_is_on_the_test_images():
    test = {"float32": 0.99, "post_training": 0.9712, "quantization_aware": 0.9887}
    assert verdict({}, test) == (
        "int8 test accuracy: 97.12 % post-training, 98.87 % quantization-aware "
        "(+1.75 points; float 99.00 % before; some of it may be the longer training alone)"
    )

"""`mnist-edge report` as people call it."""

import json
import shutil
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import numpy as np
import pytest

from mnist_edge.bundle import check_replaceable, read_bundle
from mnist_edge.cli import report, run
from mnist_edge.data import Dataset, Split, load

ARTIFACTS = Path(__file__).parents[2] / "artifacts"


@pytest.fixture
def nano(tmp_path, monkeypatch):
    """A copy of a shipped bundle without its report, in the folder that commands run in."""
    shutil.copytree(
        ARTIFACTS / "nano", tmp_path / "nano", ignore=shutil.ignore_patterns("report.*")
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path / "nano"


@pytest.fixture
def few(monkeypatch):
    """Fewer test images: quicker."""
    test = load("mnist").test
    part = Split(test.images[:200], test.labels[:200])
    dataset = Dataset("mnist", part, part, tuple("0123456789"))
    monkeypatch.setattr(report.console, "load_dataset", lambda *_args, **_named: dataset)


def test_a_page_is_written_into_the_bundle(nano, few, capsys):
    assert run(["report", "nano"]) == 0
    said = capsys.readouterr()
    text = (nano / "report.html").read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert said.out.strip() == f"report: nano/report.html ({len(text.encode()) / 1000:,.0f} kB)"
    assert "bench.json is of other images" in said.err
    check_replaceable(nano)


def test_the_page_has_the_bundles_own_model_to_try(nano, few):
    assert run(["report", "nano"]) == 0
    text = (nano / "report.html").read_text(encoding="utf-8")
    assert 'id="try"' in text
    assert b64encode((nano / "nano-int8.tflite").read_bytes()).decode() in text


def test_without_an_int8_model_there_is_no_pad_and_it_is_said_why(nano, few, capsys):
    path = nano / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["models"] = [each for each in manifest["models"] if each["format"] != "tflite"]
    path.write_text(json.dumps(manifest), encoding="utf-8")
    assert run(["report", "nano", "--json"]) == 0
    lacking = json.loads(capsys.readouterr().out)["missing"]
    (lack,) = (each for each in lacking if each["section"] == "try")
    assert lack["why"] == "There is no int8 .tflite, which is what runs here"
    assert lack["command"] == "mnist-edge export nano --int8"
    text = (nano / "report.html").read_text(encoding="utf-8")
    assert "pad-canvas" not in text
    assert lack["why"] in text
    assert run(["report", "nano"]) == 0
    assert lack["why"] in capsys.readouterr().err


def test_advice_is_of_the_path_that_was_typed(nano, few, tmp_path, capsys):
    (nano / "audit.json").unlink()
    (tmp_path / "deep down").mkdir()
    nano.rename(tmp_path / "deep down" / "nano")
    assert run(["report", "deep down/nano"]) == 0
    assert (
        "There is no audit.json; this would give it: mnist-edge export 'deep down/nano' --int8"
        in (" ".join(capsys.readouterr().err.split()))
    )
    text = (tmp_path / "deep down" / "nano" / "report.html").read_text(encoding="utf-8")
    assert "mnist-edge export nano --int8" in text
    assert "deep down" not in text


def test_markdown_goes_beside_it_or_where_it_is_wanted(nano, few, tmp_path, capsys):
    assert run(["report", "nano", "--markdown"]) == 0
    text = (nano / "report.md").read_text(encoding="utf-8")
    assert text.startswith("# nano\n")
    check_replaceable(nano)  # such a file keeps nobody from exporting anew
    capsys.readouterr()
    assert run(["report", "nano", "--markdown", "--out", "-"]) == 0
    assert capsys.readouterr().out == text
    assert run(["report", "nano", "--markdown", "--out", "card/nano.md"]) == 0
    assert (tmp_path / "card" / "nano.md").read_text(encoding="utf-8") == text
    assert not (nano / "report.html").exists()


def test_json_says_what_was_written_and_what_is_lacking(nano, few, capsys):
    (nano / "audit.json").unlink()
    assert run(["report", "nano", "--json", "--markdown"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["bundle"], found["file"]) == (1, "nano", "nano/report.md")
    assert found["bytes"] == (nano / "report.md").stat().st_size
    (lack,) = found["missing"]
    assert (lack["section"], lack["command"]) == ("layers", "mnist-edge export nano --int8")
    assert run(["report", "nano", "--json", "--out", "-"]) == 2
    assert "both for stdout: choose one" in capsys.readouterr().err


def test_without_the_dataset_the_report_is_whole(nano, monkeypatch, capsys):
    from mnist_edge.errors import DataError

    def unreachable(*_args, **_named):
        raise DataError("cannot get mnist")

    monkeypatch.setattr(report.console, "load_dataset", unreachable)
    assert run(["report", "nano"]) == 0
    assert "No test images: cannot get mnist; this would give it: mnist-edge report nano" in (
        capsys.readouterr().err
    )
    text = (nano / "report.html").read_text(encoding="utf-8")
    assert "No test images: cannot get mnist." in text
    bench = json.loads((nano / "bench.json").read_text(encoding="utf-8"))
    (row,) = (
        each
        for each in bench["results"]
        if (each["model"], each["runtime"]) == ("nano-int8.tflite", "litert")
    )
    time = row["latency"]["predict_us"]["p50"]
    assert f"{time:.1f} µs" in text  # what the bench says needs no images
    assert run(["report", "nano", "--data", "mnist"]) == 2  # asked for, it is an error
    assert capsys.readouterr().err.splitlines()[-1] == "error: cannot get mnist"


def test_one_line_for_what_cannot_be(nano, few, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    np.savez(tmp_path / "other.npz", images=np.zeros((40, 9, 9), np.uint8), labels=[0, 1] * 20)
    (nano / "bench.json").write_text("{")
    for arguments, said in (
        (["report", "empty"], "no bundle at empty"),
        (["report", "nano"], "bench.json is not JSON, or is cut off"),
        (["report", "nano", "--out", "nano"], "cannot write nano: Is a directory"),
        (["report"], "no run under artifacts/runs"),
    ):
        assert run(arguments) == 2
        *_progress, line = capsys.readouterr().err.splitlines()
        assert line.startswith(f"error: {said}" if "JSON" not in said else "error: ")
        assert said in line
    assert not (nano / "report.html").exists()


def test_images_of_another_size_are_refused(nano, tmp_path, capsys):
    np.savez(tmp_path / "other.npz", images=np.zeros((40, 9, 9), np.uint8), labels=[0, 1] * 20)
    assert run(["report", "nano", "--data", "other.npz"]) == 2
    assert "images of shape [40, 9, 9]; wanted [N,28,28]" in capsys.readouterr().err


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_a_missing_package_gets_the_pip_line(nano, package, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, package, None)
    assert run(["report", "nano"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f'error: {package} is not installed: pip install "mnist-edge[report]"'
    assert not (nano / "report.html").exists()


def test_it_needs_no_tensorflow(nano):
    code = (
        "import sys; sys.modules.update(tensorflow=None, keras=None);"
        "from mnist_edge.cli import run; sys.exit(run(['report', 'nano', '--json']))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["missing"] == []
    text = (nano / "report.html").read_text(encoding="utf-8")
    wrong = round(10_000 * (1 - read_bundle(nano).entry("nano-int8.tflite").parity["accuracy"]))
    assert f"{wrong} of 10,000 test images named wrongly" in text
    assert len(text.encode()) < 1_000_000


def test_ones_own_images_of_four_classes(bundle, quadrants_file, tmp_path, capsys):
    out = tmp_path / "own.html"
    assert run(["report", str(bundle.folder), "--out", str(out)]) == 0  # whole without its data
    assert "own data: name it with --data" in capsys.readouterr().err
    command = ["report", str(bundle.folder), "--data", str(quadrants_file), "--out", str(out)]
    assert run(command) == 0
    text = out.read_text(encoding="utf-8")
    assert "one of 4 classes" in text
    assert "of 200 test images" in text
    assert "No test images" not in text

"""The pages of docs/ do what they say: their commands run, in their order."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from mnist_edge.bench import Record
from mnist_edge.cli import run

ROOT = Path(__file__).parent.parent


def commands(page):
    """The commands that a page tells to type, in words."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    return [
        line.split(" #")[0].split()
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines()
    ]


EXPORT, BENCHMARK = commands("export"), commands("benchmark")


@pytest.fixture
def place(run_folder, quadrants_file, tmp_path, monkeypatch):
    """A folder with a run of quadrants, and a model of one's own on the same images."""
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    shutil.copytree(run_folder, tmp_path / "artifacts" / "runs" / "edge")
    shutil.copy(run_folder / "edge.keras", tmp_path / "my.keras")
    shutil.copy(quadrants_file, tmp_path / "my.npz")
    Image.fromarray(np.load(quadrants_file)["images"][0]).resize((56, 56)).save("photo.jpg")
    return tmp_path


def test_the_commands_on_export_run_in_their_order(place, capsys):
    names = [words[1] for words in EXPORT if words[0] == "mnist-edge"]
    assert names == ["export"] * 4 + ["audit", "finetune", "export", "bench", "predict"]
    for _program, name, *rest in EXPORT:
        own = any("my" in word for word in rest)
        extra = [] if own else ["--data", str(place / "my.npz")]
        extra += {"export": ["--no-timing"], "bench": ["--quick", "--runtime", "litert"]}.get(
            name, []
        )
        assert run([name, *rest, *extra]) == 0, capsys.readouterr().err
    assert (place / "audit.png").read_bytes().startswith(b"\x89PNG")
    assert (place / "artifacts" / "runs" / "edge-qat" / "manifest.json").is_file()


def test_the_commands_on_benchmarks_run_in_their_order(bundle, place, capsys):
    shutil.copytree(bundle.folder, place / "artifacts" / "edge")
    here = [words for words in BENCHMARK if words[0] == "mnist-edge" and "--host" not in words]
    assert [words[1] for words in here] == ["bench"] * 4
    quick = ["--quick", "--data", str(place / "my.npz"), "--runtime", "litert"]
    for _program, name, *rest in here:
        extra = ["--max-regression", "10000"] if "--compare" in rest else quick
        assert run([name, *rest, *extra]) == 0, capsys.readouterr().err
        if "record.json" in rest:
            shutil.copy("record.json", "artifacts/edge/bench.json")
    assert "image µs" in capsys.readouterr().out
    assert (place / "pictures" / "bench-latency.png").is_file()


def test_the_python_on_benchmarks_runs_and_says_what_fails(bundle, place, capsys):
    shutil.copytree(bundle.folder, place / "artifacts" / "edge")
    page = (ROOT / "docs" / "benchmark.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    code = code.replace('load("mnist")', 'load("my.npz")').replace("Settings(r", "Settings(**Q, r")
    found = {"Q": {"seconds": 0.01, "samples": 20, "launches": 1, "rounds": 1, "batches": (1,)}}
    exec(code, found)
    record, judgement = found["record"], found["judgement"]
    assert isinstance(record, Record)
    assert (bool(record), bool(judgement)) == (not record.failures, not judgement.failures)
    assert {row["runtime"] for row in record["results"]} == {"litert"}
    assert judgement.gate.max_drop == 0.5
    said = [*record.failures, *judgement.failures]
    assert capsys.readouterr().out.splitlines() == said


def test_what_it_says_of_a_sabotaged_network_is_what_export_says(sabotaged_run, capsys):
    folder, data = sabotaged_run
    assert run(["export", str(folder), "--int8", "--no-timing", "--data", str(data)]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert re.search(
        r"is not the Keras model: .*: conv2d\w* adds most of the error \(\d+ %\)", said
    )
    assert "quantized alone it leaves" in said
    assert "try --max-drop" in said
    assert not list(folder.glob("*.tflite"))
    command = ["export", str(folder), "--int8", "--no-timing", "--data", str(data)]
    assert run([*command, "--max-drop", "1"]) == 0
    assert "ways tried, kept" in capsys.readouterr().err

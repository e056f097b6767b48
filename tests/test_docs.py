"""The pages of docs/ do what they say: their commands run, in their order."""

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mnist_edge.bench import Record
from mnist_edge.cli import run

ROOT = Path(__file__).parent.parent


def text(page):
    return (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", text(page), re.DOTALL)


def commands(page):
    """The commands that a page tells to type, in words."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [line.split(" #")[0].split() for line in lines]


EXPORT, BENCHMARK = commands("export"), commands("benchmark")
RUN_HERE = {"export", "benchmark", "raspberry-pi", "runtimes", "recipes"}


def test_no_page_has_code_that_no_test_runs():
    for page in (ROOT / "docs").glob("*.md"):
        code = re.findall(r"^```(sh|python|toml)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert not code or page.stem in RUN_HERE, page.name


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
    (code,) = blocks("benchmark", "python")
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


def ran(words, capsys):
    """Run a command of a page, and return what it printed."""
    code = run(words)
    said = capsys.readouterr()
    assert code == 0, said.err
    return said.out


def test_the_commands_on_the_raspberry_pi_run(place, capsys):
    here = [words[1:] for words in commands("raspberry-pi") if words[0] == "mnist-edge"]
    assert [words[0] for words in here] == ["doctor", "verify", "predict", "bench"]
    shutil.copy(draw_a_one(place), place / "photo.png")
    for words in here[:3]:
        ran(words, capsys)
    assert "--host" in here[3]  # tests/bench/remote tries it
    (code,) = blocks("raspberry-pi", "python")
    exec(code, {})
    label, confidence = capsys.readouterr().out.split()
    assert label == "1"
    assert 0 < float(confidence) <= 1


def draw_a_one(folder):
    from PIL import Image

    drawn = Image.new("L", (90, 120), 230)
    drawn.paste(20, (40, 20, 50, 100))
    drawn.save(folder / "one.png")
    return folder / "one.png"


def test_what_is_installed_on_a_raspberry_pi_is_the_wheel_that_is_made_here():
    from mnist_edge import __version__

    named = set(re.findall(r"mnist_edge-([\d.]+)-py3-none-any\.whl", text("raspberry-pi")))
    assert named == {__version__}


def test_the_service_on_the_raspberry_pi_is_the_one_of_the_examples():
    (service,) = re.findall(r"<!-- service -->\n```sh\n(.*?)```", text("raspberry-pi"), re.DOTALL)
    examples = (ROOT / "tools" / "examples" / "README.md").read_text(encoding="utf-8")
    assert f"```sh\n{service}```" in examples


def refusals():
    """What the page says of each refusal: words, and what to do."""
    rows = re.findall(r"^\| (.*?) \| (.*) \|$", text("raspberry-pi"), re.MULTILINE)
    return {said.strip("`"): remedy.replace("\\|", "|") for said, remedy in rows}


def test_what_is_refused_on_a_raspberry_pi_is_what_is_said_there():
    from mnist_edge.backends.ladder import LADDER
    from mnist_edge.backends.wheels import why_none
    from mnist_edge.errors import MissingExtraError
    from mnist_edge.interpreter import Interpreter

    def here(minor, machine, glibc=(2, 36)):
        bits = 64 if machine == "aarch64" else 32
        return Interpreter(f"3.{minor}.2", f"cp3{minor}", "Linux", machine, bits, "glibc", glibc)

    of_machine = importlib.import_module("mnist_edge.doctor.of_machine")
    found = refusals()
    for package, system in (
        ("ai-edge-litert", here(11, "armv7l")),
        ("ai-edge-litert", here(11, "armv6l")),
        ("tflite-runtime", here(13, "aarch64")),
        ("tflite-runtime", here(11, "aarch64", (2, 31))),
    ):
        said, remedy = why_none(package, system)
        assert found[said].startswith(remedy)
    assert found["the same, with Python 3.13"] == why_none("ai-edge-litert", here(13, "armv7l"))[1]
    tflite = next(row for row in LADDER if row.name == "tflite-runtime")
    said = f"tflite-runtime needs numpy below {tflite.numpy_below}, here is "
    assert any(each.startswith(said) for each in found)
    missing = str(MissingExtraError("typer", "cli")).partition(": ")
    assert found[missing[0]] == missing[2]
    throttled = of_machine._throttling("throttled=0x1")
    assert throttled.value == "now: under-voltage"
    assert found["doctor: `throttling  now: under-voltage"] == throttled.remedy
    hot = of_machine._temperature(83)
    assert found["doctor: `temperature  83 °C"] == hot.remedy
    assert found["bench: INVALID, the governor"] in of_machine.STEADY


@pytest.mark.parametrize("size", [28, 9])
def test_a_picture_that_is_refused_on_a_raspberry_pi_is_refused_so(size, tmp_path, monkeypatch):
    from PIL import Image

    from mnist_edge.errors import InputError
    from mnist_edge.image_file import read_image

    monkeypatch.chdir(tmp_path)
    Image.new("L", (size, size), 255).save("photo.png")
    with pytest.raises(InputError) as refused:
        read_image("photo.png")
    assert str(refused.value) in refusals()


@pytest.fixture
def reference(tmp_path, monkeypatch):
    """The runtime that the page shows, as a package: its file, and the entry point of its TOML."""
    (code,) = blocks("runtimes", "python")
    (toml,) = blocks("runtimes", "toml")
    group, name, where = re.fullmatch(
        r'\[project\.entry-points\."([\w.]+)"\]\n([\w-]+) = "([\w:]+)"\n', toml
    ).groups()
    package = tmp_path / "package"
    about = package / f"{where.partition(':')[0]}-1.0.dist-info"
    about.mkdir(parents=True)
    (package / f"{where.partition(':')[0]}.py").write_text(code)
    (about / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: mnist-edge-reference\nVersion: 1.0\n"
    )
    (about / "entry_points.txt").write_text(f"[{group}]\n{name} = {where}\n")
    monkeypatch.syspath_prepend(package)
    monkeypatch.setenv("PYTHONPATH", str(package))
    importlib.invalidate_caches()
    return name


def test_the_runtime_that_is_shown_is_one(reference, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    draw_a_one(tmp_path).rename("photo.png")
    here = [words[1:] for words in commands("runtimes")]
    assert [words[0] for words in here] == ["runtimes", "verify", "predict"]
    listed, verified, predicted = (ran(words, capsys) for words in here)
    assert re.search(rf"^{reference} +\.onnx +1\.0$", listed, re.MULTILINE)
    (checked,) = [line for line in verified.splitlines() if f"on {reference}" in line]
    assert checked.startswith("ok   edge-float32.onnx")
    assert predicted.startswith("photo.png: 1 ")


def test_the_commands_on_recipes_run_in_their_order(place, capsys):
    small = ["--filters", "4,4", "--batch-size", "16", "--dense", "8"]
    taught = ["--filters", "4,4,4,4,8", "--batch-size", "16"]
    names = [words[1] for words in commands("recipes")]
    assert names == ["recipes", "train", "train", "train", "export", "bench", "train"]
    for _program, name, *rest in commands("recipes"):
        extra = {"export": ["--no-timing"], "bench": ["--runtime", "litert"]}.get(name, [])
        if name == "train":
            extra = taught if "--teacher" in rest else small
            extra = extra if "--data" in rest else [*extra, "--data", "my.npz"]
        ran([name, *rest, *extra], capsys)
    assert (place / "artifacts" / "runs" / "taught" / "manifest.json").is_file()


def test_the_python_on_recipes_runs():
    (code,) = blocks("recipes", "python")
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert ended.stdout.startswith("(60000, 28, 28) [7 2 1 0 4]"), ended.stderr

"""The README does what it says: its commands run, its tables are the measured ones."""

import re
import subprocess
import sys
from pathlib import Path

from mnist_edge.cli import run
from mnist_edge.training.recipes import RECIPES, measured

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
ARTIFACTS = ROOT / "artifacts" / "README.md"
PAGES = [ROOT / "README.md", ARTIFACTS, *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", TEXT, re.DOTALL)
SHELL = [
    line.split(" #")[0].strip()
    for language, block in BLOCKS
    if language == "sh"
    for line in block.splitlines()
]
PYTHON = [block for language, block in BLOCKS if language == "python"]


def test_it_is_short_enough_to_be_read():
    assert len(TEXT.splitlines()) < 250
    assert SHELL
    assert len(PYTHON) == 1


def test_its_python_runs():
    ended = subprocess.run(
        [sys.executable, "-c", PYTHON[0]], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("1 0.")


def test_its_make_targets_are_there():
    pages = [page.read_text(encoding="utf-8") for page in PAGES]
    told = re.compile(r"^make ([\w-]+)(?= *(?:#|$))|`make ([\w-]+)`", re.MULTILINE)
    named = {"".join(found) for text in pages for found in told.findall(text)}
    known = set(re.findall(r"^([\w-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "test", "peers", "test-arm"} <= named
    assert named <= known
    assert {"demo", "test", "check", "clean", "help"} <= known


def test_its_extras_are_there():
    every = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"mnist-edge\[([\w,]+)\]", every))
    named |= set(re.findall(r"`\[(\w+)\]`", every))
    known = set(re.findall(r"^([\w-]+) = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE))
    assert {part for names in named for part in names.split(",")} <= known


SMALL = {  # the same commands, on data that is learnt in seconds
    "train": "--filters 4,4,4,4,4,8 --batch-size 16 --learning-rate 0.01 --augmentation none",
    "bench": "--quick --runtime litert --runtime onnxruntime",
}


def test_its_commands_run_in_their_order(quadrants_file, tmp_path, monkeypatch, capsys):
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    drawn = Image.new("L", (90, 120), 230)
    drawn.paste(20, (40, 20, 50, 100))
    drawn.save("photo.png")
    commands = [line.split() for line in SHELL if line.startswith("mnist-edge ")]
    assert [words[1] for words in commands] == [
        "predict", "verify", "doctor", "recipes", "train", "export", "audit", "bench", "report",
        "runtimes",
    ]  # fmt: skip
    for _program, name, *rest in commands:
        extra = SMALL.get(name, "").split()
        if name in ("train", "export", "audit", "bench", "report"):
            extra += ["--data", str(quadrants_file)]
        assert run([name, *rest, *extra]) == 0, capsys.readouterr().err


def test_the_table_of_recipes_is_the_measured_one():
    text = ARTIFACTS.read_text(encoding="utf-8")
    for name, recipe in RECIPES.items():
        found = measured()[name]
        accuracy = f"{100 * found['test_accuracy']:.2f} %"
        row = f"| {found['parameters']:,} | {recipe.epochs} | {accuracy} | {recipe.claim or '–'} |"
        assert f"| `{name}` |" in text
        assert row in text


def test_its_tables_and_those_of_the_pages_are_the_recorded_ones():
    from tools.readme_tables import tables

    for page, each in tables().items():
        text = page.read_text(encoding="utf-8")
        for name, table in each.items():
            assert f"<!-- table: {name} -->\n{table}\n<!-- end -->" in text, (page, name)
        marks = re.findall(r"<!-- table: ([\w-]+) -->", text)
        assert set(marks) - {"demo"} == set(each)

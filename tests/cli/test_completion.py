"""What the shell completes, asked as the shell asks: by the environment."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_edge.cli import completion
from mnist_edge.training.recipes import RECIPES

PROGRAM = (sys.executable, "-m", "mnist_edge")


@pytest.fixture(autouse=True)
def near(tmp_path, monkeypatch):
    """A folder with bundles at several depths, and folders that are none."""
    monkeypatch.chdir(tmp_path)
    for place in ("mine", "artifacts/edge", "artifacts/runs/one", "a/b/c/deep", ".hidden/x"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "manifest.json").write_text("{}")
    for file in ("edge-int8.tflite", "edge.keras", "golden.npz"):
        (tmp_path / "artifacts/edge" / file).write_text("")
    (tmp_path / "artifacts/other").mkdir()
    return tmp_path


def completed(line):
    """The completions of the last word of a line, which may be empty."""
    words = line.split(" ")
    asked = {
        "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1),
        "_MNIST_EDGE_COMPLETE": "complete_bash",
    }  # fmt: skip
    ended = subprocess.run(
        PROGRAM, env={**os.environ, **asked}, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.split()


ASKED = {
    "mnist-edge tr": ["train"],
    "mnist-edge bench --ru": ["--runtime"],
    "mnist-edge train --recipe d": ["dropout", "dense"],
    "mnist-edge train --augmentation ": ["none", "affine", "elastic"],
    "mnist-edge train --data f": ["fashion-mnist"],
    "mnist-edge bench --runtime l": ["litert"],
    "mnist-edge export --format ": ["tflite", "onnx"],
    "mnist-edge export --io ": ["float32", "int8", "uint8", "int16"],
    "mnist-edge export --method e": ["entropy"],
    "mnist-edge export --for o": ["onnxruntime"],
    "mnist-edge finetune --granularity per-c": ["per-channel"],
    "mnist-edge verify ": ["mine", "artifacts/edge", "artifacts/runs/one"],
    "mnist-edge bench artifacts/edge/": ["artifacts/edge/edge-int8.tflite",
                                         "artifacts/edge/edge.keras"],
    "mnist-edge predict --model artifacts/r": ["artifacts/runs/one"],
    "mnist-edge predict ": [],  # pictures: the shell completes any path
}  # fmt: skip


@pytest.mark.parametrize("line", ASKED)
def test_commands_options_and_values_are_completed(line):
    assert completed(line) == ASKED[line]


def test_what_is_completed_is_what_there_is():
    assert [name for name, _what in completion.recipe("")] == list(RECIPES)
    assert [name for name, _what in completion.runtime("tf")] == ["tflite-runtime"]
    assert completion.data("/some/path") == []


def test_bundles_are_found_as_they_were_begun(near):
    assert completion.bundle("./m") == [("./mine", "bundle")]
    assert completion.bundle(f"{near}/a/b/") == [(f"{near}/a/b/c/deep", "bundle")]
    assert completion.bundle("nowhere/") == []
    assert completion.model("mine/") == []


def test_a_key_is_not_answered_by_a_search_of_the_whole_disk(near, monkeypatch):
    looked = []
    folders = completion._folders
    monkeypatch.setattr(
        completion, "_folders", lambda place: looked.append(place) or folders(place)
    )
    for place in range(completion.MOST_FOLDERS + 100):
        (near / "many" / str(place)).mkdir(parents=True)
    assert completion.bundle("man") == []
    assert len(looked) <= completion.MOST_FOLDERS + 1


def test_nothing_heavy_is_loaded_for_it():
    code = """
import sys, runpy
sys.argv = ["mnist-edge"]
try:
    runpy.run_module("mnist_edge", run_name="__main__")
except SystemExit as left:
    assert not left.code
heavy = ("tensorflow", "keras", "onnx", "onnxruntime", "ai_edge_litert", "matplotlib", "PIL",
         "requests", "pooch", "scipy", "mnist_edge.bench.remote", "mnist_edge.training.loop")
print([name for name in heavy if name in sys.modules], file=sys.stderr)
"""
    asked = {"COMP_WORDS": "mnist-edge bench --runtime ", "COMP_CWORD": "3"}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **asked, "_MNIST_EDGE_COMPLETE": "complete_bash"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "litert" in ended.stdout
    assert ended.stderr.strip() == "[]"


SHELLS = {
    "bash": """
source {script}
COMP_WORDS=(mnist-edge train --recipe d); COMP_CWORD=3
"$(complete -p mnist-edge | sed 's/.*-F \\([^ ]*\\).*/\\1/')" mnist-edge
printf '%s\\n' "${{COMPREPLY[@]}}"
""",
    "zsh": """
compdef() {{ : }}
_arguments() {{ print -r -- $1 }}
source {script}
words=(mnist-edge train --recipe d); CURRENT=4
_mnist_edge_completion
""",
    "fish": "source {script}; complete --do-complete 'mnist-edge train --recipe d'",
}


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shutil.which(shell)])
def test_the_script_that_a_shell_is_given_works_in_it(shell, tmp_path):
    bin_ = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{bin_}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    asked = {**environment, "_MNIST_EDGE_COMPLETE": f"source_{shell}"}
    script = subprocess.run(PROGRAM, env=asked, capture_output=True, text=True, check=True).stdout
    (tmp_path / "script").write_text(script)
    ended = subprocess.run(
        [shutil.which(shell), "-c", SHELLS[shell].format(script=tmp_path / "script")],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.findall(r'^(\w+)(?=\t|$)|"(\w+)":', ended.stdout, re.MULTILINE)
    assert sorted(map("".join, found)) == ["dense", "dropout"], (ended.stdout, ended.stderr)

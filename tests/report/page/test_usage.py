import json
import subprocess
import sys

import pytest
import typer

from mnist_edge.bundle import read_bundle
from mnist_edge.cli import app
from mnist_edge.report.page import gather
from mnist_edge.report.page.usage import digests, embedding, making
from mnist_edge.training.recipe import override
from mnist_edge.training.recipes import find


def lines(snippets):
    every = [line for each in snippets for line in each.text.splitlines()]
    return [line for line in every if line.startswith("mnist-edge ")]


def check_command(line):
    """Make sure that the command line takes a line, without running it."""
    _program, name, *rest = line.replace("RUN", "run").split()
    command = typer.main.get_command(app).commands[name]
    assert command.make_context(name, list(rest)).args == []


def test_commands_are_those_that_the_command_line_takes(nano):
    found = lines([*embedding(nano), *making(nano)])
    assert [line.split()[1] for line in found] == [
        "verify", "doctor", "predict", "train", "export", "bench", "report",
    ]  # fmt: skip
    for line in found:
        check_command(line)
    with pytest.raises(Exception, match="No such option"):
        check_command("mnist-edge report nano --no-such-option")


def test_a_run_of_its_own_settings_says_them(changed, nano):
    recipe = override(find("edge"), epochs=3, filters=(4, 8, 12), learning_rate=0.01, seed=7)
    hyper = {**recipe.as_dict(), "teachers": ["ab" * 32, "cd" * 32]}
    aware = {"epochs": 2, "learning_rate": 0.001, "granularity": "per-tensor", "ranges": {}}
    training = {
        **nano.training, "recipe": "edge", "hyperparameters": hyper, "quantization_aware": aware,
        "dataset": {"name": "mine", "sha256": "ef" * 32},
    }  # fmt: skip
    models = [entry.as_dict() for entry in nano.bundle.models]
    models[3]["options"] = {"io": "uint8", "method": "entropy", "calibration": {"count": 200}}
    found = gather(read_bundle(changed(training=training, models=models)))
    train, tune, export, bench, report = lines(making(found))
    assert train == (
        "mnist-edge train --recipe edge --epochs 3 --learning-rate 0.01 --filters 4,8,12 --seed 7 "
        "--teacher TEACHER_1 --teacher TEACHER_2 --data DATA --out RUN"
    )
    assert tune.startswith("mnist-edge finetune RUN --epochs 2 --learning-rate 0.001")
    assert "--int8 --io uint8 --method entropy --calibration-count 200" in export
    assert bench.endswith("--stress --data DATA --out nano/bench.json")
    assert report == "mnist-edge report nano --data DATA"
    for line in (train, tune, export, bench, report):
        check_command(line)
    assert [each.sha256 for each in digests(found)][-2:] == ["ab" * 32, "cd" * 32]


def train_lines(changed, nano, **hyper):
    """The lines of how to train, for a manifest with other hyperparameters."""
    hyper = {**find("edge").as_dict(), **hyper}
    training = {**nano.training, "recipe": "edge", "hyperparameters": hyper}
    made = making(gather(read_bundle(changed(training=training))))
    (text,) = [each.text for each in made if each.title == "Train"]
    return text.splitlines()


def test_what_train_cannot_be_told_is_said(changed, nano):
    said, command = train_lines(
        changed, nano, intensity=0.0, network="pooled", summary="older", seed=4
    )
    assert said == "# gives another run: here edge had network pooled, intensity 0.0"
    assert command.startswith("mnist-edge train --recipe edge --seed 4 ")


def test_nothing_is_said_of_a_recipe_as_it_is(changed, nano):
    (command,) = train_lines(changed, nano)
    assert command.startswith("mnist-edge train --recipe edge --seed ")


def test_what_a_manifest_holds_stays_on_its_line(changed, nano):
    lines = train_lines(
        changed, nano, network="a\nrm x\n```", optimizer="b\nrm y", seed="0\nrm z", name="c\nrm"
    )
    assert len(lines) == 2
    assert lines[0].startswith("# ")
    assert "train --recipe edge --optimizer 'b rm y' --seed '0 rm z' " in lines[1]


def test_a_model_of_ones_own_is_exported_from_its_file(changed):
    training = {"source": "own", "file": "my net.keras", "dataset": {"name": "mine"}}
    found = gather(read_bundle(changed(training=training)))
    export, _, _ = lines(making(found))
    assert export == "mnist-edge export 'my net.keras' --int8 --data DATA --out nano"


def test_the_python_runs_beside_the_bundle(folder):
    (code,) = [each.text for each in embedding(gather(read_bundle(folder)))
               if each.language == "python"]  # fmt: skip
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split()[0] in "0123456789"


def test_hashes_are_those_of_the_manifest(nano):
    manifest = nano.bundle.manifest
    found = {each.sha256 for each in digests(nano)}
    assert {model["sha256"] for model in manifest["models"]} < found
    assert {manifest[key]["sha256"] for key in ("golden", "reference", "calibration")} < found
    assert json.dumps(manifest).count(manifest["training"]["dataset"]["sha256"])

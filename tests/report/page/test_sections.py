"""What a report lacks: each command that it advises can be typed, and would give what it says."""

import shlex
from dataclasses import replace

import pytest
import typer

from mnist_edge.bundle import read_bundle
from mnist_edge.cli import app
from mnist_edge.report.page import gather, html, markdown
from mnist_edge.report.page.sections import missing

RECORDS = ("bench.json", "audit.json", "history.csv")


def values_of(line):
    """What a command line makes of a line, by option, without running it."""
    program, name, *rest = shlex.split(line)
    assert program == "mnist-edge"
    command = typer.main.get_command(app).commands[name]
    context = command.make_context(name, list(rest))
    assert context.args == []
    return name, context.params


@pytest.fixture
def bare(folder):
    """A bundle without any record, in a folder of an odd name."""
    for name in RECORDS:
        (folder / name).unlink()
    return folder.rename(folder.with_name("my nano"))


def without(material, *formats):
    models = tuple(each for each in material.bundle.models if each.format not in formats)
    answers = tuple(each for each in material.answers if each.entry.format not in formats)
    bundle = material.bundle._replace(models=models)
    return replace(material, bundle=bundle, answers=answers)


@pytest.mark.parametrize("place", [None, "some where/my nano"])
def test_commands_name_the_bundle_as_it_can_be_reached(bare, place):
    lacking = missing(gather(read_bundle(bare)), place)
    found = {key: values_of(each.command) for key, each in lacking.items() if each.command}
    wanted = place or "my nano"
    assert {key: name for key, (name, _) in found.items()} == {
        "stress": "bench", "latency": "bench", "layers": "export",
        "confusion": "report", "mistakes": "report", "flips": "report",
    }  # fmt: skip
    for _name, values in found.values():
        named = values.get("bundle") or values.get("run") or values["models"]
        assert [str(each) for each in (named if isinstance(named, list) else [named])] == [wanted]
    bench = found["latency"][1]
    assert (str(bench["out"]), bench["stress"]) == (f"{wanted}/bench.json", True)
    assert found["layers"][1]["int8"]


def test_for_data_of_ones_own_each_command_asks_for_it(bare, imagined):
    material = gather(read_bundle(bare))
    training = {**material.training, "dataset": {"name": "mine"}}
    manifest = {**material.bundle.manifest, "training": training}
    own = replace(material, bundle=material.bundle._replace(manifest=manifest))
    commands = [each.command for each in missing(own).values() if each.command]
    assert len(commands) == 6
    assert {values_of(line)[1]["data"] for line in commands} == {"DATA"}
    assert values_of(missing(material)["layers"].command)[1]["data"] is None
    alone = imagined("abc", [0, 1, 2], {"a.keras": [0, 1, 2]})
    assert missing(alone)["flips"].command == "mnist-edge export imagined --int8"


def test_without_a_keras_model_no_export_is_advised(bare, nano):
    lacking = missing(without(gather(read_bundle(bare)), "keras"))
    assert lacking["layers"].command == ""
    assert "the .keras model that an export of it needs is not here" in lacking["layers"].why
    alone = without(nano, "keras", "onnx")
    alone = replace(alone, answers=alone.answers[:1])
    assert missing(alone)["flips"].command == ""


def test_a_history_is_not_said_to_come_from_another_training(bare):
    lack = missing(gather(read_bundle(bare)))["training"]
    assert lack.command == ""
    assert "copy it from the run" in lack.why


def test_models_that_did_not_run_are_no_reason_to_export(nano):
    silent = tuple(each._replace(probabilities=None, why="no") for each in nano.answers)
    for answers in (silent, (*nano.answers[:1], *silent[1:])):
        lack = missing(replace(nano, answers=answers))["flips"]
        assert lack.command == ""
        assert "mnist-edge runtimes says" in lack.why


def test_why_there_is_no_pad_stands_where_it_would_be(nano, parsed):
    why = "nano-int8.tflite needs ODD, which the pad lacks"
    page = parsed(html(nano, None, why))
    assert [each["href"] for each in page.all("a")][2] == "#try"
    assert why in page.section("try")["text"]
    assert "This would give it" not in page.section("try")["text"]
    onnx = without(nano, "tflite")
    assert missing(onnx, no_pad=why)["try"].command == "mnist-edge export nano --int8"
    assert missing(without(onnx, "keras"), no_pad=why)["try"].command == ""


@pytest.mark.parametrize("write", [html, markdown])
def test_it_says_where_commands_are_run_and_whence_teachers_come(nano, write):
    said = write(nano)
    assert said.count("in the folder that has nano in it.") == 1
    assert "TEACHER" not in said
    edge = gather(read_bundle(nano.bundle.folder.with_name("edge")))
    assert "make artifacts, in the repository of mnist-edge, trains them." in write(edge)
    hyper = {**edge.training["hyperparameters"], "teachers": ["ab" * 32]}
    manifest = {**edge.bundle.manifest}
    manifest["training"] = {**edge.training, "hyperparameters": hyper}
    other = replace(edge, bundle=edge.bundle._replace(manifest=manifest))
    assert "without them it cannot be trained again." in write(other)

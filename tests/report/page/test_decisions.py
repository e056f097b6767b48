import numpy as np
import pytest

from mnist_edge.report.page import cases
from mnist_edge.report.page.answers import (
    STORED,
    alike,
    answers_of,
    deciding_alike,
    embedded,
    reference_of,
)
from mnist_edge.report.page.case import voices
from mnist_edge.report.page.cases import flipped, mistakes, moved
from mnist_edge.report.page.decisions import matrices

TRUTH = [0, 0, 1, 1, 2, 2]
FLOAT = [0, 0, 1, 0, 2, 1]
INT8 = [0, 1, 1, 1, 2, 0]
SAID = {"a.keras": FLOAT, "a-float32.tflite": FLOAT, "a-int8.tflite": INT8, "a-int8.onnx": INT8}


def test_matrices_count_and_name_the_images(imagined):
    first, second = matrices(imagined("abc", TRUTH, SAID))
    assert first.title == "int8.tflite and int8.onnx"
    assert [[cell.count for cell in row] for row in first.cells] == [
        [1, 1, 0],
        [0, 2, 0],
        [1, 0, 1],
    ]
    assert first.cells[0][1].images == (1,)
    assert first.cells[0][0].images == ()
    assert first.cells[2][0].share == 0.5
    assert first.recall == (0.5, 1.0, 0.5)
    assert (first.wrong, first.total, first.most) == (2, 6, 1)
    assert [(pair.truth, pair.named) for pair in first.pairs] == [(0, 1), (2, 0)]
    assert second.title == "a.keras and float32.tflite"
    assert second.wrong == 2


def test_a_class_without_images_has_no_share(imagined):
    (found,) = matrices(imagined("abcd", TRUTH, {"a.keras": FLOAT}))
    assert found.recall[3] is None


def test_the_surest_mistakes_come_first(imagined, monkeypatch):
    material = imagined("abc", TRUTH, SAID)
    material.answers[2].said[5] = [0.99, 0.005, 0.005]
    found = mistakes(material)
    assert (found.model, found.count) == ("int8.tflite", 2)
    assert [case.index for case in found.cases] == [5, 1]
    case = found.cases[0]
    assert (case.truth, case.named, case.before) == (2, 0, 1)
    assert case.classes[:2] == (2, 0)
    assert case.confidence == pytest.approx(0.99)
    assert [voice.name for voice in voices(material)] == ["float32", "int8.tflite", "int8.onnx"]
    assert [shares[1] for shares in case.said] == pytest.approx([0.05, 0.99, 0.9])
    monkeypatch.setattr(cases, "CARDS", 1)
    few = mistakes(material)
    assert [len(few.cases), len(few.small)] == [1, 1]


def test_flips_are_by_what_became_of_them(imagined):
    (found,) = flipped(imagined("abc", TRUTH, SAID))
    assert found.title == "int8.tflite and int8.onnx"
    assert found.counts == ("1 became wrong", "1 became right", "1 wrong both ways")
    assert [(case.index, case.kind) for case in found.cases] == [
        (1, "to_wrong"),
        (3, "to_right"),
        (5, "other"),
    ]
    assert flipped(imagined("abc", TRUTH, {"a.keras": FLOAT, "a-int8.onnx": FLOAT})) == []


def test_without_a_flip_there_is_what_moved_most(imagined):
    material = imagined("abc", TRUTH, {"a.keras": FLOAT, "a-int8.onnx": FLOAT})
    assert moved(material) == []
    material.answers[1].said[4] = [0.2, 0.2, 0.6]
    material.answers[1].said[0] = [0.8, 0.1, 0.1]
    assert [case.index for case in moved(material)] == [4, 0]


def test_models_that_differ_unnoticed_speak_together(imagined):
    every = imagined("abc", TRUTH, {"a.keras": FLOAT, "b.keras": FLOAT, "c.keras": FLOAT}).answers
    every[1].said[:] += 4e-4
    every[2].said[0] = [0.8, 0.1, 0.1]
    names = [[each.entry.file for each in group] for group in alike(every)]
    assert names == [["a.keras", "b.keras"], ["c.keras"]]
    assert len(deciding_alike(every)) == 1


def test_float_is_the_reference_and_int8_is_embedded(imagined):
    every = imagined("abc", TRUTH, SAID).answers
    assert reference_of(every).entry.file == "a.keras"
    assert reference_of(every[1:]).entry.file == "a-float32.tflite"
    assert reference_of(every[2:]) is None
    assert embedded(every).entry.file == "a-int8.tflite"
    assert embedded([each for each in every if each.entry.format != "tflite"]).entry.file == (
        "a-int8.onnx"
    )
    assert embedded([]) is None


def test_models_are_run_and_keras_answers_are_those_that_export_stored(nano, test_images):
    runtimes = {each.entry.file: each.runtime for each in nano.answers}
    assert set(runtimes) == {entry.file for entry in nano.bundle.models}
    assert runtimes["nano-int8.onnx"] == "onnxruntime"
    for each in nano.answers:
        assert each.said.shape == (len(test_images), 10)
        assert (each.named == test_images.labels).mean() > 0.97


def test_keras_is_not_started_where_its_answers_are_stored(nano, monkeypatch):
    from mnist_edge.data import load

    monkeypatch.setitem(__import__("sys").modules, "tensorflow", None)
    keras = nano.bundle._replace(models=nano.bundle.models[:1])
    (found,) = answers_of(keras, load("mnist").test.images)
    assert found.runtime == STORED
    assert found.said.shape == (10_000, 10)


def test_a_model_that_no_runtime_takes_says_why(nano, test_images, monkeypatch):
    from mnist_edge.errors import ModelError
    from mnist_edge.report.page import answers

    def refuse(_path):
        raise ModelError("no runtime here")

    monkeypatch.setattr(answers.Classifier, "open", refuse)
    found = answers_of(nano.bundle._replace(models=nano.bundle.models[1:3]), test_images.images)
    assert [each.why for each in found] == ["no runtime here"] * 2
    assert [each.probabilities for each in found] == [None, None]
    assert np.all([embedded(found) is None, reference_of(found) is None])

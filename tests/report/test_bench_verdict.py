import pytest

from mnist_edge.report.bench_verdict import models, notes, words_after

FEW = "200 images are too few to show a drop of 0.1 points: 1.0 or more would fail"
BLIND = "10 of 10 classes have too few images for max_class_drop to fail: 23 at most"


@pytest.fixture
def alone(records):
    """A row of a model that there was nothing to hold against."""
    known = {**records.parity(), "agreement": None, "drop": None}
    return records.row(parity=known, bundle=None, reference=None)


def test_what_was_held_against_nothing_did_not_pass(records, alone):
    every = records.record([alone, {**alone, "runtime": "onnxruntime"}])
    assert models(every) == ["every one ran; nothing to hold it against"]
    assert "PASSED" not in "".join(words_after(every, 80))
    mixed = records.record([records.row("edge-float32.onnx", "onnxruntime"), alone])
    assert models(mixed) == [
        "PASSED, every one of the others ran and kept its gate",
        "edge-int8.tflite on litert ran; nothing to hold it against",
    ]
    said, *reasons = models(records.record([alone, records.failed("it crashed")]))
    assert (said, len(reasons)) == ("FAILED", 2)
    asked = {**alone, "gate_failures": ["max_drop cannot be judged: there are no labels"]}
    assert models(records.record([asked])) == [
        "FAILED",
        "edge-int8.tflite on litert: max_drop cannot be judged: there are no labels",
    ]


def test_an_accuracy_that_was_held_against_a_stated_one_was_judged(records, alone):
    alone["parity"]["drop"] = 0.01
    assert models(records.record([alone])) == ["PASSED, every one ran and kept its gate"]


def test_models_are_named_as_in_the_table(records):
    rows = [records.row("edge.keras", "keras"), records.row(gate_failures=["agreement 9 %"])]
    assert models(records.record(rows)) == ["FAILED", "int8.tflite on litert: agreement 9 %"]
    rows[0]["bundle"] = "runs/other"
    assert models(records.record(rows))[1] == "edge/int8.tflite on litert: agreement 9 %"


def test_what_too_few_images_cannot_show_is_said_once(records):
    rows = records.seven()
    for row in rows[4:]:
        row["gate_notes"] = [FEW, BLIND]
    record = records.record(rows)
    where = "(int8.tflite on litert, tensorflow-lite; int8.onnx on onnxruntime)"
    assert notes(record) == [f"{FEW} {where}", f"{BLIND} {where}"]
    lines = words_after(record, 80)
    assert lines[1].startswith("Note: 200 images are too few")
    assert max(map(len, lines)) <= 80
    assert len(lines) == 8
    assert notes(records.record()) == notes(records.old()) == []


def test_of_many_models_some_are_named(records):
    rows = [records.row(bundle=f"runs/{each}", gate_notes=[FEW]) for each in range(12)]
    (note,) = notes(records.record(rows))
    assert note.endswith("7/int8.tflite on litert; and 4 more)")

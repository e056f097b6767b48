from dataclasses import replace

import pytest

from mnist_edge.report.page.model_rows import as_table, model_rows, points, shown
from mnist_edge.report.page.verdict import facts, headline, verdicts


@pytest.fixture
def of(nano):
    """Makes the same material with another record."""
    return lambda record: replace(nano, record=record)


def pair(records, call=7.3, bytes_=42_760, **flips):
    rows = [
        records.row("a-float32.tflite", image=20.0, bytes=150_000),
        records.row("a-int8.tflite", image=call, bytes=bytes_, parity=records.parity(**flips)),
    ]
    return records.record(rows)


def test_the_first_line_says_what_quantizing_brought_and_cost(of, records):
    said = headline(of(pair(records, to_wrong=[[1, 2, 2, 3]], to_right=[[5, 1, 2, 1]])))
    assert said == (
        "int8.tflite on litert is 3.5× smaller and 2.7× faster than float32. It decides 2 of "
        "10,000 test images otherwise than Keras: 1 became wrong, 1 became right."
    )
    slow = headline(of(pair(records, call=30.0, bytes_=300_000)))
    assert slow.startswith("int8.tflite on litert is 2.0× larger and 1.5× slower than float32.")
    assert slow.endswith("It decides each of 10,000 test images as Keras does.")
    same = headline(of(pair(records, call=20.0, bytes_=150_000)))
    assert "is no smaller and no faster than float32" in same


def test_without_a_quantized_model_or_a_bench_it_says_so(of, records):
    assert headline(of(records.record([records.row("a-float32.onnx")]))).startswith("No quantized")
    assert headline(of(None)).startswith("Nothing here was benched")
    assert [each.word for each in verdicts(of(None))] == ["not benched", "not measured"]
    assert [each.name for each in facts(of(None))] == ["Accuracy", "Smallest file", "Parameters"]


def test_rows_are_held_against_float_of_their_own_kind(of, records):
    float_row, row = model_rows(of(pair(records)))
    assert (float_row.smaller, float_row.faster) == ("", "")
    assert row.smaller == "3.5×"
    low, high = map(float, row.faster_ci.split(" to "))
    assert low < float(row.faster[:-1]) < high
    others = records.record([records.row("a-int8.onnx", "onnxruntime"), *pair(records)["results"]])
    assert model_rows(of(others))[0].faster == ""


def test_changes_have_their_sign_and_their_interval(of, records):
    lost = records.parity(to_wrong=[[place, 1, 1, 2] for place in range(30)])
    (row,) = model_rows(of(records.record([records.row("a-int8.tflite", parity=lost)])))
    assert row.change == "\N{MINUS SIGN}0.30"
    assert row.change_ci == "\N{MINUS SIGN}0.03 to +0.02"
    assert [points(each) for each in (0.0, -0.001, 1.0)] == ["0.00", "0.00", "+1.00"]


def test_without_a_bench_the_manifest_tells(of, nano):
    rows = model_rows(of(None))
    assert [row.name for row in rows] == [
        "nano.keras", "float32.tflite", "float32.onnx", "int8.tflite", "int8.onnx",
    ]  # fmt: skip
    assert "p50" not in shown(rows)
    parity = nano.bundle.entry("nano-int8.tflite").parity
    assert rows[3].flips == f"{parity['flips_to_wrong']}/{parity['flips_to_right']}"
    assert rows[0].accuracy == f"{100 * nano.training['test_accuracy']:.2f}"


def test_a_table_of_one_that_failed_ends_in_why(of, records):
    columns, rows = as_table(model_rows(of(records.record([records.failed(), records.row()]))))
    assert len(rows[0].cells) == 3 < len(columns) == len(rows[1].cells)
    assert rows[0].cells[2].startswith("failed: the process ended with signal 11")

import csv
import io

from mnist_edge.report.bench_csv import COLUMNS, bench_csv


def read(record):
    text = bench_csv(record)
    assert text.splitlines()[0] == ",".join(COLUMNS)
    return list(csv.DictReader(io.StringIO(text)))


def test_a_row_a_result_with_units_in_names(records):
    rows = read(records.record())
    assert len(rows) == 7
    found, row = rows[4], records.record()["results"][4]
    assert found["model"] == "edge-int8.tflite"
    assert found["valid"] == "True"
    assert float(found["predict_p50_us"]) == row["latency"]["predict_us"]["p50"]
    assert float(found["invoke_p99_9_us"]) == row["latency"]["invoke_us"]["p99.9"]
    assert int(found["predict_calls"]) == 10_000
    assert float(found["accuracy_low"]) == row["parity"]["accuracy_ci95"][0]
    assert (found["worst_class"], found["worst_class_change_points"]) == ("7", "-0.1")
    assert found["judged"] == "True"
    assert (found["best_batch_size"], found["flips_to_right"]) == ("256", "2")
    assert float(found["rss_mb"]) == 41.2
    empty = {key for key in found if not found[key]}
    assert empty == {"board", "governor", "error", "gate_failures"}


def test_what_failed_or_is_older_has_the_same_columns(records):
    failed = read(records.record([records.failed("a, b\nc")]))
    assert failed[0]["error"] == "a, b\nc"
    assert failed[0]["predict_p50_us"] == failed[0]["accuracy"] == ""
    old = read(records.old())
    assert list(old[0]) == list(failed[0]) == list(COLUMNS)
    assert old[0]["predict_p50_us"] == "353.04"
    assert old[0]["predict_p99_9_us"] == old[0]["best_batch_size"] == old[0]["created"] == ""


def test_what_was_held_against_nothing_is_told_from_what_passed(records):
    alone = records.row(parity={**records.parity(), "agreement": None, "drop": None})
    found = read(records.record([alone, records.row(), records.failed()]))
    assert [row["judged"] for row in found] == ["False", "True", "False"]
    old = read(records.old())
    assert {row["judged"] for row in old} == {"True"}


def test_columns_are_named_once():
    assert len(set(COLUMNS)) == len(COLUMNS)

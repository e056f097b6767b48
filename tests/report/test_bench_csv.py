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


def timing(*values):
    parts = ("p50", "p90", "p99", "p99.9", "max", "mad", "n", "p50_spread")
    return dict(zip(parts, values, strict=True))


def test_every_column_has_its_own_value(records):
    parity = {
        "samples": 9_000, "accuracy": 0.91, "accuracy_ci95": [0.89, 0.93],
        "reference_accuracy": 0.94, "agreement": 0.97, "flips_to_wrong": 31, "flips_to_right": 17,
        "mcnemar_p": 0.043, "max_abs_diff": 0.21, "mean_abs_diff": 0.0021, "drop": 3.25,
        "drop_ci95": [2.75, 4.5], "worst_class": {"index": 4, "label": "cat", "change": -8.5},
        "calibration_error": 0.051, "reference_calibration_error": 0.023,
    }  # fmt: skip
    latency = {
        "invoke_us": timing(11.0, 12.0, 13.0, 14.0, 15.0, 0.5, 1600, 1.07),
        "predict_us": timing(21.0, 22.0, 23.0, 24.0, 25.0, 0.6, 2600, 1.08),
        "import_ms": 41.0, "load_ms": 42.0, "first_ms": 43.0, "images_per_s": 4400.0,
        "batches": [{"size": 2, "p50_us": 1.0, "images_per_s": 4500.0},
                    {"size": 8, "p50_us": 2.0, "images_per_s": 4600.0},
                    {"size": 32, "p50_us": 3.0, "images_per_s": 4550.0}],
    }  # fmt: skip
    memory = {"rss_mb": 51.5, "peak_mb": 52.5}
    row = records.row(
        parity=parity, latency=latency, memory=memory, gate_failures=["one", "two"], threads=3
    )
    (found,) = read(records.record([row]))
    wanted = {
        "samples": 9_000, "accuracy": 0.91, "accuracy_low": 0.89, "accuracy_high": 0.93,
        "reference_accuracy": 0.94, "drop_points": 3.25, "drop_low_points": 2.75,
        "drop_high_points": 4.5, "agreement": 0.97, "flips_to_wrong": 31, "flips_to_right": 17,
        "mcnemar_p": 0.043, "max_abs_diff": 0.21, "mean_abs_diff": 0.0021,
        "calibration_error": 0.051, "reference_calibration_error": 0.023, "worst_class": "cat",
        "worst_class_change_points": -8.5, "gate_failures": "one; two",
        "invoke_p50_us": 11.0, "invoke_p90_us": 12.0, "invoke_p99_us": 13.0,
        "invoke_p99_9_us": 14.0, "invoke_max_us": 15.0, "invoke_mad_us": 0.5, "invoke_calls": 1600,
        "invoke_p50_spread": 1.07, "predict_p50_us": 21.0, "predict_p90_us": 22.0,
        "predict_p99_us": 23.0, "predict_p99_9_us": 24.0, "predict_max_us": 25.0,
        "predict_mad_us": 0.6, "predict_calls": 2600, "predict_p50_spread": 1.08,
        "import_ms": 41.0, "load_ms": 42.0, "first_ms": 43.0, "images_per_s": 4400.0,
        "best_batch_size": 8, "best_batch_images_per_s": 4600.0, "rss_mb": 51.5, "peak_mb": 52.5,
        "threads": 3, "bytes": 42_760, "runtime": "litert", "reference": "edge.keras",
    }  # fmt: skip
    assert {key: found[key] for key in wanted} == {key: str(wanted[key]) for key in wanted}

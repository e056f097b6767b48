"""Desk and boards side by side."""

from mnist_edge.bench.record import Record
from mnist_edge.bench.remote import HostResult
from mnist_edge.report.host_table import host_lines, host_table


def row(model, runtime, image, *, bundle="edge", threads=1, failures=()):
    quantization = model.split("-")[1].split(".")[0]
    return {
        "model": model, "bundle": bundle, "runtime": runtime, "threads": threads,
        "quantization": quantization, "status": "ok", "error": None, "bytes": 1000,
        "gate_failures": list(failures),
        "parity": {"accuracy": 0.9937, "agreement": 0.99996},
        "latency": {"invoke_us": {"p50": image - 1}, "predict_us": {"p50": image, "p99": 9999.0}},
    }  # fmt: skip


def record(*rows, reasons=()):
    found = {"valid": not reasons, "invalid_reasons": list(reasons), "results": list(rows)}
    return Record(found)


DESK = record(
    row("edge-float32.keras", "keras", 300.0),
    row("edge-int8.tflite", "litert", 8.0),
    row("edge-int8.tflite", "tensorflow-lite", 9.0),
    reasons=["other work kept 1.4 processors busy: stop it, or wait"],
)
BAD = {"file": "edge-int8.tflite", "runtime": "litert", "holds": False, "detail": "2 other labels"}
RESULTS = [
    HostResult(
        "pi@kitchen", "ok", None,
        record(row("edge-int8.tflite", "litert", 88.0, failures=["accuracy falls by 3 points"])),
        ({**BAD, "holds": True}, BAD), {"connect": 0.01, "install": 33.4}, "Raspberry Pi 5, 64-bit",
        ("it reached no package index: its wheels came from the desk",),
    ),
    HostResult("pi@attic", error="pi@attic: no answer: is the board switched on, and in this "
               "network?"),
]  # fmt: skip


HANDLED = "failed: no answer: is the board switched on, and in this network?"


def lines(text):
    return [line.rstrip() for line in str(text).splitlines()]


def test_each_model_is_shown_on_the_desk_and_on_every_board():
    found = lines(host_table(DESK, RESULTS))
    assert found[0].split() == ["Where", "Runtime", "Call", "Image", "p99", "Image", "Accuracy",
                                "Agree"]  # fmt: skip
    assert [line.split() for line in found[3:]] == [
        ["int8.tflite"],
        ["desk", "litert", "7.00", "8.00", "9,999", "99.37", "99.99"],
        ["desk", "tensorflow-lite", "8.00", "9.00", "9,999", "99.37", "99.99"],
        ["kitchen", "litert", "87.0", "88.0", "9,999", "11.00", "99.37", "99.99", "!"],
        ["attic", *HANDLED.split()],
    ]
    assert max(map(len, found)) <= 80


def test_without_the_desk_there_is_no_ratio():
    found = lines(host_table(None, RESULTS))
    assert "desk" not in " ".join(found)
    assert found[-2].split() == [
        "kitchen",
        "litert",
        "87.0",
        "88.0",
        "9,999",
        "99.37",
        "99.99",
        "!",
    ]


def test_threads_and_bundles_are_named_where_they_differ():
    rows = [row("edge-int8.tflite", "litert", 5.0, bundle=f"a/{name}", threads=threads)
            for name in ("one", "two") for threads in (1, 4)]  # fmt: skip
    found = lines(host_table(record(*rows), [HostResult("pi", "ok", None, record(*rows))]))
    assert [found[3].strip(), found[8].strip()] == ["one/int8.tflite", "two/int8.tflite"]
    assert found[5].split()[:3] == ["desk", "litert", "4"]


def test_a_long_name_does_not_break_the_table():
    host = f"somebody@{'x' * 70}.example.org"
    result = HostResult(host, "ok", None, RESULTS[0].record)
    found = lines(host_table(DESK, [result, HostResult(f"{host}2", error="x" * 200)]))
    assert max(map(len, found)) <= 80


def test_below_is_what_to_think_of_each():
    assert host_lines(DESK, RESULTS) == [
        "desk: timings INVALID, take them as a first look",
        "  - other work kept 1.4 processors busy: stop it, or wait",
        "kitchen: timings VALID",
        "  ! int8.tflite on litert: accuracy falls by 3 points",
        "  Raspberry Pi 5, 64-bit",
        "  verify: 1 of 2 hold",
        "  ! edge-int8.tflite on litert: 2 other labels",
        "  install 33.4 s",
        "  it reached no package index: its wheels came from the desk",
        "attic: failed: no answer: is the board switched on, and in this network?",
    ]
    assert max(map(len, host_lines(DESK, RESULTS, 50))) <= 50

import io
import json

import pytest
from rich.console import Console

from mnist_edge.bench.intervals import wilson
from mnist_edge.bench.record import Record
from mnist_edge.errors import InputError
from mnist_edge.report.bench_cells import accuracy, agreement, figures
from mnist_edge.report.bench_table import bench_output, bench_table


def printed(record, width=80, **options):
    """What a terminal of that width shows, or a pipe: nothing is folded on the way."""
    console = Console(width=width, file=io.StringIO(), highlight=False, markup=False)
    for part in bench_output(record, width, **options):
        console.print(part, soft_wrap=True)
    return console.file.getvalue()


@pytest.fixture(scope="module")
def every(records):
    """Records of every kind."""
    rows, threads = records.seven(), (1, 2, 4)
    sustained = [
        {"minute": each, "p50": 7.7 + each / 10, "p95": 9.0, "n": 7_000_000 // each,
         "temperature_c": 50.0 + each, "mhz": 1800.0}
        for each in range(1, 4)
    ]  # fmt: skip
    hot = {**rows[4], "latency": {**rows[4]["latency"], "sustained": sustained}}
    below = records.row(gate_failures=["class 7 lost 3.10 points, wanted 1 at most"])
    return {
        "seven": records.record(),
        "old": records.old(),
        "one": records.record(rows[:1]),
        "failed": records.record([rows[0], records.failed(), below], valid=False,
                                 invalid_reasons=["it was busy: " + "stop what runs " * 9]),
        "threads": records.record(
            [records.row(threads=each, image=8.0 / each) for each in threads]
            + [records.failed(runtime="onnxruntime", threads=2)]
        ),
        "unlabelled": records.record(
            [records.row(parity=records.parity(labelled=False, other=[[each, 0, 1, 2]
                                                                      for each in range(12)]))]
        ),
        "sustained": records.record([hot]),
        "long": records.record(
            [records.row("a-name-of-a-network-that-somebody-made-int8.tflite", "tensorflow-lite",
                         bundle=each, call=12345, image=123456.7, bytes=12345678)
             for each in ("a/bundle-of-somebody-with-words", "b/other")]
        ),
        "twenty": records.record([{**row, "bundle": f"runs/{each}"}
                                  for each in ("edge", "dense", "classic") for row in rows][:20]),
    }  # fmt: skip


NAMES = ("seven", "old", "one", "failed", "threads", "unlabelled", "sustained", "long", "twenty")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [80, 110, 160])
def test_every_record_fits_the_terminal(every, name, width):
    text = printed(every[name], width)
    assert max(map(len, text.splitlines())) <= width
    assert not any(line != line.rstrip() for line in text.splitlines())


def test_the_table_of_80_columns_shows_what_decides(every):
    lines = bench_table(every["seven"], 80).plain.splitlines()
    assert lines[0].split() == [
        "Model", "Runtime", "kB", "Accuracy", "Agree", "Call", "Image", "p99"
    ]  # fmt: skip
    assert lines[1].split() == ["%", "%", "µs", "µs", "µs"]
    row = lines[7].split()
    assert row[:6] == ["int8.tflite", "litert", "43", "99.62", "±0.12", "99.96"]
    times = every["seven"]["results"][4]["latency"]
    assert row[6:] == [
        f"{times['invoke_us']['p50']:.2f}",
        f"{times['predict_us']['p50']:.2f}",
        f"{times['predict_us']['p99']:.2f}",
    ]
    assert "…" not in "".join(lines)


def test_the_wide_one_shows_more_and_the_widest_all(every):
    at_110 = printed(every["seven"], 110)
    for head in ("Worst class", "Images/s", "Load", "First", "Memory"):
        assert head in at_110
    assert "226k ×256" in at_110
    assert "7 -0.10" in at_110
    everything = printed(every["seven"], 80, wide=True)
    for head in ("p90", "p99.9", "MAD", "Flips", "McNemar", "Calib.", "Import", "Images per sec"):
        assert head in everything
    assert "Import" not in printed(every["old"], 80)
    assert "p99.9" not in printed(every["old"], 80, wide=True)  # not in that revision


def test_a_failed_row_says_why_and_one_below_its_gate_is_marked(every):
    text = printed(every["failed"])
    row = next(line for line in text.splitlines() if "failed:" in line)
    assert row.startswith("int8.tflite litert  failed: the process ended with signal 11")
    assert next(line for line in text.splitlines() if line.endswith(" !"))
    assert "!: below its gate." in text
    assert "Models: FAILED\n- int8.tflite on litert failed: the process ended" in text
    assert "- int8.tflite on litert: class 7 lost 3.10 points, wanted 1 at most" in text
    assert "Timings: INVALID, take them as a first look\n- it was busy: stop" in text
    styles = [str(span.style) for span in bench_table(every["failed"]).spans]
    assert styles.count("red") == 2


def test_the_verdict_is_in_words(every):
    text = printed(every["seven"])
    assert "Models: PASSED, every one ran and kept its gate\nTimings: VALID\n" in text
    assert "Could not be checked: governor: /sys has no cpufreq here; temperature: no" in text
    assert "10,000 test images of mnist, agreement with edge.keras; 1 thread.\n" in text
    assert "On AMD EPYC, 2 cores, Linux x86_64, Python 3.11.7.\n" in text


def test_changed_decisions_are_told_once_for_all_that_changed_the_same(every):
    said = " ".join(printed(every["seven"]).split())
    assert (
        "int8.tflite on litert, tensorflow-lite; int8.onnx on onnxruntime: 4 of 10,000 decisions "
        "differ: 1 became wrong (image 582), 2 became right (images 321, 4176), 1 wrong both ways "
        "(image 9); McNemar p 1; class 7 suffers most, -0.10 points"
    ) in said
    assert "Every decision is the reference's, on every row." in printed(every["old"])


def test_one_changed_decision_is_never_100_percent(records):
    shares = (1.0, 59_999 / 60_000, 0.9998, 0.57)
    rows = [records.row(parity={**records.parity(), "agreement": share}) for share in shares]
    assert [agreement(row) for row in rows] == ["100.00", "99.99", "99.98", "57.00"]


def test_no_interval_reaches_beyond_100_percent(records):
    for samples in (1, 20, 58, 200, 10_000):
        for right in {0, 1, samples // 2, *range(max(0, samples - 60), samples + 1)}:
            share = right / samples
            known = {"accuracy": share, "accuracy_ci95": wilson(right, samples)}
            value, interval = accuracy({"parity": {**records.parity(), **known}}).split()
            assert len(value + interval) <= 17
            if "±" in interval:
                assert float(value) - float(interval[1:]) >= 0
                assert float(value) + float(interval[1:]) <= 100
            else:
                low, high = map(float, interval.split("–"))
                assert 0 <= low <= float(value) <= high <= 100
                assert low < high


def test_where_an_interval_is_one_sided_its_ends_are_shown(records, every):
    rows = records.seven()
    for row in rows:
        row["parity"] = {**row["parity"], "accuracy": 1.0, "accuracy_ci95": [0.9383, 1.0]}
    text = printed(records.record(rows))
    assert "100.0 93.8–100" in text
    assert "a–b: the 95 % Wilson interval, where it is one-sided." in text
    assert "±" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert "–" not in printed(every["seven"])


def test_the_legend_explains_the_columns_that_are_shown(every):
    rarer = ("Import: of", "Load: opening", "First: the first", "MAD: median", "Calib.: expected")
    narrow, middle = (" ".join(printed(every["seven"], width).split()) for width in (80, 110))
    everything = " ".join(printed(every["seven"], wide=True).split())
    assert [each in narrow for each in rarer] == [False] * 5
    assert [each in middle for each in rarer] == [False, True, True, False, False]
    assert [each in everything for each in rarer] == [True] * 5
    assert "MAD: median" not in printed(every["old"], wide=True)  # not in that revision


def test_without_labels_there_is_agreement_alone(every):
    text = printed(every["unlabelled"])
    assert "Accuracy" not in text
    assert "The images have no labels." in text
    assert "12 of 10,000 decisions differ (images 0, 1, 2, 3, 4 and 7 more)" in " ".join(
        text.split()
    )


def test_threads_are_shown_where_they_differ(every):
    text = printed(every["threads"])
    assert "Thr." in text
    assert "1, 2, 4 threads." in text
    table = text[text.index("by threads") :].splitlines()
    assert table[1].split() == ["Model", "Runtime", "1", "2", "4"]
    assert table[3].endswith("x)")
    assert float(table[3].split()[4].strip("(x)")) == pytest.approx(2, abs=0.05)
    assert table[4].split() == ["int8.tflite", "onnxruntime", "failed"]
    assert "Images per second by images in a batch:" in text
    assert "Thr." not in printed(every["seven"])


def test_minutes_are_held_against_the_first(every):
    text = printed(every["sustained"])
    assert "int8.tflite on litert, minute 3 against 1: p50 +2.6 %, p95 +0.0 %" in text
    row = next(line for line in text.splitlines() if line.strip().startswith("3 "))
    assert row.split() == ["3", "8.00", "9.00", "2,333,333", "53.0", "1,800"]


def test_a_minute_that_is_alone_is_held_against_nothing(records):
    def text(*seconds):
        minutes = [
            {"minute": place + 1, "p50": 7.7, "p95": 9.0, "n": 9}
            | ({} if lasted is None else {"seconds": lasted})
            for place, lasted in enumerate(seconds)
        ]
        row = records.row(bundle=None)
        return printed(
            records.record([{**row, "latency": {**row["latency"], "sustained": minutes}}])
        )

    assert "edge-int8.tflite on litert, 12 s only, nothing to compare\n" in text(12.0)
    assert "litert, one minute only, nothing to compare\n" in text(60.0)
    assert "litert, one minute only, nothing to compare\n" in text(None)
    assert "litert, minute 2 (7.5 s of it) against 1: p50 +0.0 %" in text(60.0, 7.5)
    assert "litert, minute 2 against 1: p50 +0.0 %" in text(60.0, 60.0)


def test_whatever_can_be_read_can_be_shown(records, tmp_path):
    document, shown = records.record([records.row(), records.failed(threads=2)]), 0
    path = tmp_path / "bench.json"
    for seed in range(300):
        path.write_text(json.dumps(records.damaged(document, seed)))
        try:
            record = Record.read(path)
        except InputError:
            continue
        assert printed(record)
        assert printed(record, wide=True)
        shown += 1
    assert shown > 50


def test_what_was_seen_stands_beside_valid(every):
    checks = [
        {"name": "launches agree", "status": "ok", "value": "p50 within 4 %"},
        {"name": "clock", "status": "unknown", "value": ""},
    ]
    text = printed({**every["seven"], "checks": checks})
    assert "Timings: VALID (launches agree: p50 within 4 %)" in text


def test_every_column_has_its_own_figure(records):
    row, parts = records.row(), ("p50", "p90", "p99", "p99.9", "mad")
    for key, first in (("invoke_us", 110), ("predict_us", 210)):
        row["latency"][key] |= {part: float(first + i) for i, part in enumerate(parts)}
    row["latency"] |= {
        "import_ms": 301.0, "load_ms": 302.0, "first_ms": 303.0, "images_per_s": 1.0,
        "batches": [{"size": 8, "images_per_s": 4600.0}, {"size": 32, "images_per_s": 4500.0}],
    }  # fmt: skip
    row["parity"] |= {
        "drop": 0.25, "flips_to_wrong": 31, "flips_to_right": 17, "mcnemar_p": 0.043,
        "max_abs_diff": 0.21, "mean_abs_diff": 0.02, "calibration_error": 0.051,
        "reference_calibration_error": 0.023,
        "worst_class": {"index": 4, "label": "cat", "change": -8.5},
    }  # fmt: skip
    row["memory"] = {"rss_mb": 51.0, "peak_mb": 61.0}
    found = {
        " ".join(figure.column.head).strip(): figure.cell(row)
        for figure in figures(records.record([row]))
    }
    wanted = {
        "kB": "43", "Drop points": "0.25", "Flips -/+": "31/17", "McNemar p": "0.043",
        "Worst class points": "cat -8.50", "Max diff": "0.21", "Calib. error": "0.0510",
        "Call µs": "110", "Call p90 µs": "111", "Call p99 µs": "112", "Image µs": "210",
        "p90 µs": "211", "p99 µs": "212", "p99.9 µs": "213", "MAD µs": "214",
        "Images/s at best": "4.60k ×8", "Import ms": "301", "Load ms": "302", "First ms": "303",
        "Memory MB": "51",
    }  # fmt: skip
    assert {key: found[key] for key in wanted} == wanted
    text = printed(records.record([row]), wide=True)
    assert " 214 " in text
    assert " 114 " not in text  # the MAD of the bare call

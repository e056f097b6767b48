import json

from mnist_edge.bench.record import Record
from mnist_edge.errors import InputError
from mnist_edge.report.bench_markdown import bench_markdown


def test_a_readme_gets_verdict_machine_and_main_figures(records):
    lines = bench_markdown(records.record()).splitlines()
    assert lines[0] == "**Models: PASSED**, every one ran and kept its gate"
    lines = lines[2:]
    assert lines[0] == (
        "**Timings: VALID.** 10,000 test images of mnist, agreement with edge.keras; 1 thread. "
        "On AMD EPYC, 2 cores, Linux x86_64, Python 3.11.7."
    )
    assert lines[2:4] == [
        "| Model | Runtime | kB | Accuracy % | Agree % | Call µs | Image µs | p99 µs |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    assert lines[8].startswith("| `int8.tflite` | litert | 43 | 99.62 ±0.12 | 99.96 | 7.36 |")
    assert {line.count("|") for line in lines[2:11]} == {9}
    assert any("4 of 10,000 decisions differ: 1 became wrong (image 582)" in line for line in lines)


def test_what_is_invalid_or_failed_says_so(records):
    rows = [records.row(), records.failed("a | b <script>\nx")]
    text = bench_markdown(records.record(rows, valid=False, invalid_reasons=["busy: stop it"]))
    assert text.startswith(
        "**Models: FAILED**\n\n- int8.tflite on litert failed: a | b &lt;script> x\n\n"
        "**Timings: INVALID, take them as a first look.**"
    )
    assert "| `int8.tflite` | litert | failed: a \\| b &lt;script> x |  |  |  |  |  |" in text
    assert "\n- busy: stop it\n" in text
    assert "<script" not in text


def test_what_is_below_its_gate_is_marked_and_the_mark_explained(records):
    below = records.row(gate_failures=["agreement 98 %"], gate_notes=["200 images are too few"])
    lines = bench_markdown(records.record([below, records.row("edge.keras", "keras")])).splitlines()
    assert lines[:3] == ["**Models: FAILED**", "", "- int8.tflite on litert: agreement 98 %"]
    assert any(line.startswith("| `int8.tflite`") and line.endswith("| ! |") for line in lines)
    assert any(line.endswith("!: below its gate.") for line in lines)
    assert "- 200 images are too few (int8.tflite on litert)" in lines
    alone = records.row(parity={**records.parity(), "agreement": None, "drop": None})
    text = bench_markdown(records.record([alone]))
    assert text.startswith("**Models: every one ran; nothing to hold it against**\n\n")


def test_whatever_can_be_read_can_be_written(records, tmp_path):
    document, path = records.record([records.row(), records.failed()]), tmp_path / "bench.json"
    for seed in range(200):
        path.write_text(json.dumps(records.damaged(document, seed)))
        try:
            record = Record.read(path)
        except InputError:
            continue
        table = [line for line in bench_markdown(record).splitlines() if line.startswith("|")]
        assert len({line.replace("\\|", "").count("|") for line in table}) == 1

import io

import pytest
from rich.console import Console

from mnist_edge.bench.compare import compare
from mnist_edge.bench.record import Record
from mnist_edge.report.compare_table import compare_markdown, compare_output


def printed(found, width=80, **options):
    console = Console(width=width, file=io.StringIO(), highlight=False, markup=False)
    for part in compare_output(found, width, **options):
        console.print(part, soft_wrap=True)
    return console.file.getvalue()


@pytest.fixture(scope="module")
def changed(records):
    """A comparison in which everything changed that may."""
    new = records.scaled(records.record(), 1.2, "predict_us")
    rows = new["results"]
    rows[1]["latency"]["invoke_us"] = records.timing(12.0, seed=3)
    rows[2] = records.failed(model="edge-float32.tflite", runtime="tensorflow-lite", bytes=138_528)
    rows[4] |= {"bytes": 43_000, "runtime_version": "2.4.0"}
    rows[5] |= {"bytes": 43_000, "runtime_version": "2.4.0"}
    for each in rows[6]["latency"]["launches"]:
        each["load_ms"] *= 2
    rows[6]["latency"]["load_ms"] *= 2
    new |= {"valid": False, "invalid_reasons": ["other work kept 2.0 processors busy: stop it"]}
    new["machine"]["processor"] = "Cortex-A76"
    rows.append(records.row("a-model-with-a-name-that-goes-on-and-on-and-on-int8.tflite"))
    return compare(Record(records.record()), Record(new), any_machine=True)


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits(changed, records, width):
    long = Record(records.record([records.row("a-name-" * 12 + "int8.tflite", threads=4)]))
    for found in (changed, compare(long, long)):
        assert max(map(len, printed(found, width).splitlines())) <= width


def test_each_row_has_both_times_with_their_intervals(changed):
    lines = printed(changed).splitlines()
    row = next(place for place, line in enumerate(lines) if line.startswith("edge-float32.tflite"))
    assert lines[row].split()[1:5] == ["call", "µs", "14.6", "12.0"]
    assert lines[row].endswith("faster")
    assert lines[row + 1].split()[:4] == ["on", "litert", "image", "µs"]
    assert "+20.0" in lines[row + 1]
    assert lines[row + 1].endswith("slower")
    assert any(line.endswith("not shown") for line in lines)


def test_starting_up_is_shown_where_it_differs(changed):
    text = printed(changed)
    assert text.count("load ms") == 1
    assert "import ms" not in text
    assert "import ms" in printed(changed, wide=True)


def test_what_else_changed_is_said(changed):
    said = " ".join(printed(changed).split())
    assert "edge-int8.tflite on litert: size 42,760 to 43,000 bytes, litert 2.3.0 to 2.4.0" in said
    assert "- compared all the same: machine: processor AMD EPYC, now Cortex-A76" in said
    assert "- only in NEW: a-model-with-a-name" in said
    assert "- NEW was INVALID: other work kept 2.0 processors busy: stop it" in said
    assert "REGRESSED: - edge.keras on keras, 1 thread: predict_us +20.0 %" in said
    assert "edge-float32.tflite failed: the process ended with signal 11" in said
    assert "1 thread ran before, and failed: the process ended" in said


def test_nothing_changed_is_said_too(records):
    base = Record(records.record())
    text = printed(compare(base, base))
    assert text.endswith("no change.\n\nNo regression beyond +10 %.\n")


def test_a_time_without_an_interval_is_said_to_be_judged_by_itself(records):
    old, new = Record(records.old()), records.old()
    new["results"][0]["latency"]["invoke_us"]["p50"] *= 3
    lines = printed(compare(old, Record(new))).splitlines()
    assert [line[-10:] for line in lines[3:5]] == ["over limit", " not known"]
    assert lines[3].split()[-4:] == ["+200.0", "none", "over", "limit"]
    said = " ".join(" ".join(lines).split())
    assert "Over limit: beyond +10 %, by the change itself, without an interval." in said
    assert "invoke_us +200.0 % without an interval, allowed +10 %" in said
    text = compare_markdown(compare(old, Record(new)))
    assert "+200.0 % without an interval, over limit**" in text
    assert "without one the ratio is judged" in text
    assert (
        "over limit " not in printed(compare(old, Record(new), max_regression=300)).split("Call")[0]
    )


def test_starting_up_is_not_judged(records):
    old, new = Record(records.old()), records.old()
    new["results"][0]["latency"]["load_ms"] *= 3
    found = compare(old, Record(new))
    assert found
    (line,) = (each for each in printed(found, wide=True).splitlines() if "+200.0" in each)
    assert line.endswith("not known")


def test_the_legend_explains_the_words_of_the_table_alone(changed, records):
    def explained(found):
        said = " ".join(printed(found).split())
        return [
            word
            for word in ("Not shown:", "An interval", "Not known:", "Over limit:")
            if word in said
        ]

    base, old, failed = (
        Record(each)
        for each in (records.record(), records.old(), records.record([records.failed()]))
    )
    assert explained(changed) == explained(compare(base, base)) == ["Not shown:", "An interval"]
    assert explained(compare(base, Record(records.scaled(base, 3)))) == ["An interval"]
    assert explained(compare(old, old)) == ["Not known:"]
    assert explained(compare(failed, failed)) == []
    text = printed(compare(failed, failed))
    assert "\n\n\n" not in text
    assert "Call:" not in printed(compare(failed, failed))


def test_markdown_has_a_row_a_model(changed, records):
    lines = compare_markdown(changed).splitlines()
    assert lines[0].startswith("**REGRESSED** (limit +10 %).")
    assert {line.count("|") for line in lines if line.startswith("|")} == {5}
    assert any("**15.7 → 18.9, +20.0 % (" in line and "slower**" in line for line in lines)
    assert any("failed: the process ended with signal 11" in line for line in lines)
    base = Record(records.record())
    assert compare_markdown(compare(base, base)).startswith("**No regression** (limit +10 %).")

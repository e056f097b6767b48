import json

import pytest

from mnist_edge.bench.compare import compare
from mnist_edge.bench.record import REVISION, Record
from mnist_edge.errors import InputError
from mnist_edge.report.bench_table import bench_output


@pytest.fixture
def written(tmp_path):
    def write(document):
        path = tmp_path / "bench.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    return write


def test_all_revisions_are_read(records, written):
    new, old = Record.read(written(records.record())), Record.read(records.OLD)
    assert (old.revision, new.revision) == (1, REVISION)
    assert new == records.record()
    assert new.valid
    assert not old.valid
    assert new
    assert old
    newer = Record.read(written({**records.record(), "revision": REVISION + 1, "more": 1}))
    assert newer.revision == REVISION + 1
    before = Record.read(written(records.revision_2()))
    assert (before.revision, before) == (2, records.revision_2())


def test_what_stress_told_is_read_and_its_damage_named(records, written):
    document = records.stressed(missing="cannot get fashion-mnist")
    assert Record.read(written(document)) == document
    document["results"][1]["stress"]["corruptions"][0]["levels"][2]["accuracy"] = 99.6
    said = "'accuracy' of item 2 of 'levels' of item 0 of 'corruptions' of 'stress' of item 1"
    with pytest.raises(InputError, match=f"{said} .*is 99.6; wanted a number, 0 to 1"):
        Record.read(written(document))


def test_one_record_has_stress_and_the_other_not(records):
    with_it, without = Record(records.stressed()), Record(records.record())
    before = Record(records.revision_2())
    for old, new in ((with_it, without), (without, with_it), (before, with_it), (with_it, before)):
        found = compare(old, new)
        assert found
        assert len(found.pairs) == 7
        assert {pair.accuracy_points for pair in found.pairs} == {0}


def test_the_first_records_of_revision_1_are_read_shown_and_compared(records):
    first, old = Record.read(records.FIRST), Record.read(records.OLD)
    assert first.revision == 1
    assert [(row["bundle"], row["reference"]) for row in first["results"]] == [
        (None, "edge.keras")
    ] * 2
    for part in bench_output(first):
        assert "None" not in str(part)
    assert compare(first, first)
    found = compare(old, first, any_machine=True)
    assert [pair.key.model for pair in found.pairs] == ["edge-float32.tflite", "edge-int8.tflite"]
    assert found.pairs[0].accuracy_points == 0


def test_a_row_of_revision_2_names_its_bundle_itself(records, written):
    document = records.record()
    del document["results"][1]["bundle"]
    with pytest.raises(InputError, match="item 1 of 'results' of the record has no 'bundle'"):
        Record.read(written(document))


def test_it_is_true_where_every_model_ran_and_passed(records):
    crashed = records.failed("out of\tluck")
    below = records.row(gate_failures=["agreement 99.70 %, wanted 99.8 %"])
    found = Record(records.record([crashed, below, records.row()]))
    assert not found
    assert found.valid  # of the timings alone
    assert found.failures == [
        "edge-int8.tflite on litert failed: out of\tluck",
        "edge-int8.tflite on litert: agreement 99.70 %, wanted 99.8 %",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not JSON, or is cut off"),
        ('{"schema": 1, "results": [', "is not JSON, or is cut off"),
        ('{"schema": NaN, "results": []}', "NaN is no number of JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[1]", "is no bench record"),
        ('{"format": "other"}', "is no bench record"),
        ('{"schema": 2, "results": []}', "is of schema 2, this version reads 1: upgrade"),
        ('{"schema": "1", "results": []}', "is of schema '1'; wanted 1"),
        ('{"schema": true, "results": []}', "is of schema True; wanted 1"),
        ('{"schema": 1, "results": []}', "is damaged: the record has no 'machine'"),
    ],
)
def test_what_is_no_record_is_refused_in_a_line(written, text, said):
    with pytest.raises(InputError, match=r"bench\.json") as caught:
        Record.read(written(text))
    assert said in str(caught.value)
    assert len(str(caught.value)) < 300


def test_what_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file or directory: check"):
        Record.read(tmp_path / "none.json")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        Record.read(tmp_path)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="is not text"):
        Record.read(tmp_path / "bytes")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("results",), [], "'results' of the record is empty"),
        (("results",), {}, "'results' of the record is a dict; wanted a list"),
        (("valid",), 1, "'valid' of the record is 1; wanted true or false"),
        (("results", 0), None, "item 0 of 'results' of the record is a NoneType; wanted an object"),
        (("results", 0, "latency"), None, "item 0 of 'results' ran, and has no 'latency'"),
        (("results", 0, "latency", "invoke_us", "p50"), 0, "'p50' of 'invoke_us' of .* is 0"),
        (("results", 0, "latency", "invoke_us", "p50"), 10**400, "wanted a number above 0"),
        (("results", 0, "parity", "accuracy"), 99.6, "is 99.6; wanted a number, 0 to 1"),
        (("results", 0, "parity", "accuracy_ci95"), [0.9], "has 1 items; wanted 2"),
        (("results", 0, "gate"), {"max_drop": "0"}, "'max_drop' of 'gate' of item 0 .* is '0'"),
        (("settings", "threads"), ["1"], "'threads' of 'settings' of the record is '1'"),
        (("settings", "threads"), "1", "'threads' of 'settings' of the record is '1'"),
        (("settings", "runtimes"), "litert", "'runtimes' .* is a str; wanted a list"),
        (("results", 0, "bytes"), True, "is True; wanted a whole number"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(records, written, path, value, said):
    document = records.record()
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(InputError, match=rf"is damaged: .*{said}.*: ?.*; bench again|{said}"):
        Record.read(written(document))


def test_damage_is_an_error_of_ours_or_none(records, written):
    document = records.record([records.row(), records.failed()])
    outcomes = set()
    for seed in range(400):
        try:
            Record.read(written(records.damaged(document, seed)))
            outcomes.add("read")
        except InputError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_one_that_is_not_true_is_written_whole_all_the_same(records):
    found = Record(records.record([records.failed()]))
    assert not found
    assert json.loads(json.dumps(found.document)) == dict(found)
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(found)  # a dict that is not true would be written as {}

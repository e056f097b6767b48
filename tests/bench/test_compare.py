import copy
import dataclasses
import json

import pytest

from mnist_edge.bench.compare import compare
from mnist_edge.bench.ratios import percent
from mnist_edge.bench.record import Record
from mnist_edge.errors import InputError, SettingError


@pytest.fixture(scope="module")
def base(records):
    return Record(records.record())


def changed(record, part, **values):
    found = copy.deepcopy(dict(record))
    found[part].update(values)
    return Record(found)


def test_a_record_is_no_slower_than_itself(base):
    found = compare(base, base)
    assert found
    assert found.regressions() == []
    assert len(found.pairs) == 7
    assert found.notes == found.differences == ()
    assert found.missing == found.only_old == found.only_new == ()
    for pair in found.pairs:
        assert set(pair.ratios) == {"invoke_us", "predict_us", "import_ms", "load_ms", "first_ms"}
        assert {each.verdict for each in pair.ratios.values()} == {"no difference shown"}
        assert {each.value for each in pair.ratios.values()} == {1}
        assert (pair.accuracy_points, pair.agreement_points, pair.bytes_change) == (0, 0, 0)


def test_what_became_slower_is_found_and_judged_by_the_limit(base, records):
    slow = Record(records.scaled(base, 1.2, "predict_us"))
    found = compare(base, slow)
    assert not found
    assert len(found.regressions()) == 7
    assert found.regressions()[4].startswith(
        "edge-int8.tflite on litert, 1 thread: predict_us +20.0 % (+"
    )
    assert found.regressions()[4].endswith("), allowed +10 %")
    assert {pair.ratios["invoke_us"].verdict for pair in found.pairs} == {"no difference shown"}
    assert {pair.ratios["predict_us"].verdict for pair in found.pairs} == {"slower"}
    assert compare(base, slow, max_regression=20)  # intervals reach below
    assert found.regressions(30) == []
    assert compare(slow, base)
    assert compare(slow, base).pairs[0].ratios["predict_us"].verdict == "faster"


def test_rows_are_found_by_model_runtime_and_threads(records):
    two = records.row(threads=2, call=5.0, image=6.0)
    old = Record(records.record([records.row(), two, records.row(runtime="onnxruntime")]))
    new = Record(records.record([two, records.row("edge-float32.tflite"), records.row()]))
    found = compare(old, new)
    assert [str(pair.key) for pair in found.pairs] == [
        "edge-int8.tflite on litert, 2 threads", "edge-int8.tflite on litert, 1 thread"
    ]  # fmt: skip
    assert found.missing == ("edge-int8.tflite on onnxruntime, 1 thread",)
    assert found.only_old == ()
    assert found.only_new == ("edge-float32.tflite on litert, 1 thread",)
    assert {pair.ratios["invoke_us"].value for pair in found.pairs} == {1}
    with pytest.raises(SettingError, match="no row in common"):
        compare(old, Record(records.record([records.row("other.onnx")])))


def test_bundles_tell_rows_apart_where_names_do_not(records):
    rows = [records.row(bundle=f"here/{name}", call=call) for name, call in (("a", 9), ("b", 7))]
    old = Record(records.record(rows))
    new = Record(records.record([{**each, "bundle": f"/there/{each['bundle'][-1]}"}
                                 for each in reversed(rows)]))  # fmt: skip
    found = compare(old, new)
    assert [str(pair.key)[:6] for pair in found.pairs] == ["b/edge", "a/edge"]
    assert {pair.ratios["invoke_us"].value for pair in found.pairs} == {1}
    twice = Record(records.record([rows[0], rows[0]]))
    with pytest.raises(InputError, match=r"a/edge-int8\.tflite on litert, 1 thread twice"):
        compare(twice, twice)


def test_a_model_that_no_longer_runs_is_a_regression(records):
    old = Record(records.record([records.row(), records.failed(threads=2)]))
    new = Record(records.record([records.failed("no answer in 600 s"), records.row(threads=2)]))
    found = compare(old, new)
    assert found.regressions() == [
        "edge-int8.tflite on litert, 1 thread ran before, and failed: no answer in 600 s"
    ]
    assert found.pairs[1].error_before.startswith("the process ended")
    assert found.pairs[1].ratios == {}
    assert compare(new, new)  # it failed before, too


def judged(records, before, after, samples=10_000, old=(), new=(), **row):
    """Compare a row of one accuracy with the same of another."""
    one, other = (
        records.row(**row, parity=records.parity(accuracy, samples=samples), gate_failures=failures)
        for accuracy, failures in ((before, list(old)), (after, list(new)))
    )
    return compare(Record(records.record([one])), Record(records.record([other])))


def test_accuracy_that_is_lost_beyond_the_gate_is_a_regression(records):
    exact = {"model": "edge-float32.tflite", "gate": {"max_drop": 0.0, "min_agreement": 100.0}}
    found = judged(records, 0.9961, 0.5061, **exact)
    assert found.regressions() == [
        "edge-float32.tflite on litert, 1 thread: accuracy down 49.00 points, allowed 0"
    ]
    assert not found
    assert judged(records, 0.5061, 0.9961, **exact)
    assert not judged(records, 0.9961, 0.9960, **exact)
    assert judged(records, 0.9961, 0.9951)
    assert not judged(records, 0.9961, 0.9950)
    wide = {"max_drop": 2.0, "min_agreement": 90.0, "max_class_drop": None}
    assert judged(records, 0.9961, 0.9761, gate=wide)


def test_one_image_of_few_is_allowed_as_by_the_gate(records):
    assert judged(records, 0.99, 0.985, samples=200)
    assert not judged(records, 0.99, 0.98, samples=200)
    exact = {"max_drop": 0.0, "min_agreement": 100.0}
    assert not judged(records, 0.99, 0.985, samples=200, gate=exact)


def test_rows_without_a_gate_are_judged_by_that_of_their_quantization(records):
    old, new = Record(records.old()), records.old()
    kinds = [row["quantization"] for row in new["results"]]
    assert set(kinds) == {"float32", "int8"}
    for row in new["results"]:
        row["parity"]["accuracy"] -= 0.0005
    assert len(compare(old, Record(new)).regressions()) == kinds.count("float32")
    new["settings"]["max_drop"] = 0.2
    assert compare(old, Record(new))
    for row in new["results"]:
        row["quantization"] = "int3"
    assert compare(old, Record(new))


def test_other_images_accuse_no_model(base, records):
    worse = Record(records.record([records.row(parity=records.parity(0.5))]))
    other = changed(worse, "dataset", images_sha256="e" * 64)
    lines = compare(base, other, any_machine=True).regressions()
    assert not any("accuracy" in line for line in lines)


def test_a_gate_that_fails_now_is_a_regression_and_one_that_did_before_is_none(records):
    below = "agreement 99.70 %, wanted 99.8 %"
    lost = "class '7' down 3.10 points (31 of 1000 images), wanted 1 at most"
    assert judged(records, 0.99, 0.99, new=[below]).regressions() == [
        f"edge-int8.tflite on litert, 1 thread kept its gate before, and not now: {below}"
    ]
    assert judged(records, 0.99, 0.99, old=[below], new=["agreement 99.60 %, wanted 99.8 %"])
    assert judged(records, 0.99, 0.99, old=[below, lost], new=[lost.replace("3.10", "3.20")])
    found = judged(records, 0.99, 0.99, old=[lost], new=[lost, lost.replace("'7'", "'8'")])
    assert [each.kind for each in found.found()] == ["gate"]
    assert "class '8'" in found.regressions()[0]
    assert judged(records, 0.99, 0.99, old=[below])


def test_a_row_that_new_lacks_is_a_regression_unless_it_was_not_asked_for(records):
    rows = [records.row(), records.row(threads=2), records.row(runtime="onnxruntime")]
    old = Record(records.record(rows))

    def only(runtimes, threads):
        document = records.record(rows[:1])
        document["settings"] |= {"runtimes": runtimes, "threads": threads}
        return compare(old, Record(document))

    two, other = (
        "edge-int8.tflite on litert, 2 threads",
        "edge-int8.tflite on onnxruntime, 1 thread",
    )
    found = only([], [1, 2])
    assert (found.missing, found.only_old) == ((two, other), ())
    assert found.regressions()[0].startswith(
        f"{two} is in OLD alone: bench it, or leave it out by --runtime"
    )
    assert not found
    found = only(["litert"], [1])
    assert (found.missing, found.only_old) == ((), (two, other))
    assert found
    assert only([], 1).missing == (other,)  # revision 1 has a number, and no list
    assert only(["litert"], [1, 2]).missing == (two,)
    document = records.record(rows[:1])
    document["settings"] = {}
    assert compare(old, Record(document)).missing == (two, other)


def test_changes_of_decisions_and_size_are_told(records):
    worse = records.parity(0.9951, [[1, 2, 2, 3]] * 10)
    old = Record(records.record([records.row()]))
    new = Record(records.record([records.row(parity=worse, bytes=40_000, runtime_version="2.4")]))
    (pair,) = compare(old, new).pairs
    assert pair.accuracy_points == pytest.approx(-0.1)
    assert pair.agreement_points == pytest.approx(-0.1)
    assert (pair.bytes_change, pair.bytes_now) == (-2760, 40_000)
    assert pair.runtime_versions == ("2.3.0", "2.4")
    unlabelled = Record(records.record([records.row(parity=records.parity(labelled=False))]))
    assert compare(old, unlabelled).pairs[0].accuracy_points is None


@pytest.mark.parametrize(
    ("part", "values", "said"),
    [
        ("machine", {"processor": "Cortex-A76"}, "machine: processor AMD EPYC, now Cortex-A76"),
        ("machine", {"architecture": "aarch64"}, "machine: architecture x86_64, now aarch64"),
        ("machine", {"system": "Darwin"}, "machine: system Linux, now Darwin"),
        ("machine", {"cores": 4}, "machine: cores 2, now 4"),
        ("machine", {"memory_mb": 8000}, "machine: memory 24105 MB, now 8000 MB"),
        ("dataset", {"images_sha256": "e" * 64}, f"images: images_sha256 7fa1, now {'e' * 12}"),
        ("settings", {"seconds": 0.2}, "settings: seconds 1.0, now 0.2"),
        ("settings", {"samples": 100}, "settings: samples 1000, now 100"),
    ],
)
def test_other_machines_images_and_paces_are_refused_unless_told(base, part, values, said):
    other = changed(base, part, **values)
    with pytest.raises(SettingError) as caught:
        compare(base, other)
    assert said in str(caught.value)
    assert "--any-machine" in str(caught.value)
    told = compare(base, other, any_machine=True)
    assert told.differences == (said,)
    assert (told.pairs[0].accuracy_points is None) == (part == "dataset")


def test_boards_differ_where_both_tell(base):
    fours, five = (changed(base, "machine", board=f"Raspberry Pi {each}") for each in (4, 5))
    with pytest.raises(SettingError, match="board Raspberry Pi 4, now Raspberry Pi 5"):
        compare(fours, five)
    assert compare(base, five).differences == ()


def test_the_same_images_under_another_name_are_the_same(base):
    assert compare(base, changed(base, "dataset", name="digits", sha256="f" * 64))
    unknown = changed(base, "dataset", name="digits", images_sha256=None)
    with pytest.raises(SettingError, match="images: name mnist, now digits"):
        compare(base, unknown)


def test_what_may_change_on_a_machine_is_a_note(base):
    other = changed(base, "machine", governor="performance", python="3.12.1", memory_mb=24000)
    other = changed(other, "settings", launches=10)
    other = Record(
        {**other, "valid": False, "invalid_reasons": ["other work: stop it"], "version": "0.2.0"}
    )
    powersave = changed(base, "machine", governor="powersave")
    assert compare(powersave, other).notes == (
        "governor powersave, now performance",
        "python 3.11.7, now 3.12.1",
        "settings: launches 5, now 10",
        "version 0.1.0, now 0.2.0",
        "NEW was INVALID: other work: stop it",
    )


def test_a_record_of_revision_1_gives_ratios_without_intervals(records):
    old = Record(records.old())
    new = copy.deepcopy(old)
    for row in new["results"]:
        row["latency"]["predict_us"]["p50"] *= 1.2
    found = compare(old, new)
    assert (
        "OLD has fewer than 3 launches of each model, as records had: no intervals, the ratio "
        "alone is judged"
    ) in found.notes
    assert {each.interval for pair in found.pairs for each in pair.ratios.values()} == {None}
    assert found.pairs[0].ratios["predict_us"].value == pytest.approx(1.2)
    assert percent(found.pairs[0].ratios["predict_us"]) == "+20.0 % without an interval"
    assert len(found.regressions()) == 3
    assert found.regressions()[0].endswith("predict_us +20.0 % without an interval, allowed +10 %")
    assert found.regressions(25) == []


def test_a_quick_record_gives_none_either(records):
    quick = records.row(latency=records.latency(7.3, 7.7, launches=1))
    quick["latency"]["launches"] = quick["latency"]["launches"][:1]
    found = compare(Record(records.record([quick])), Record(records.record([records.row()])))
    assert found.notes == (
        "OLD has fewer than 3 launches of each model, as --quick has: no intervals, the ratio "
        "alone is judged",
    )
    assert {each.verdict for each in found.pairs[0].ratios.values()} == {"no interval"}


def test_the_result_is_frozen_and_becomes_json(base, records):
    found = compare(base, Record(records.scaled(base, 1.5)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.max_regression = 100.0
    document = json.loads(json.dumps(found.as_dict()))
    assert document["schema"] == 1
    assert document["passed"] is False
    assert len(document["regressions"]) == 14
    assert document["pairs"][0]["ratios"]["invoke_us"]["verdict"] == "slower"
    for limit in (-1, float("nan")):
        with pytest.raises(SettingError, match="wanted percent, 0 or more"):
            compare(base, base, max_regression=limit)

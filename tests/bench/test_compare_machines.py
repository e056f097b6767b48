import pytest

from mnist_edge.bench.compare_machines import compare_machines
from mnist_edge.bench.machines import Machine
from mnist_edge.bench.record import Record
from mnist_edge.errors import SettingError


@pytest.fixture(scope="module")
def fine(records):
    return Machine(Record(records.record()), None)


@pytest.fixture(scope="module")
def slow(records):
    return Machine(Record(records.scaled(records.record(), 1.3)), None)


LOST = Machine(None, "no route to it")


def test_each_machine_is_held_against_itself(fine, slow):
    found = compare_machines({"desk": fine, "shed": slow}, {"shed": slow, "desk": slow})
    assert [each.host for each in found.hosts] == ["shed", "desk"]
    assert [bool(each) for each in found.hosts] == [True, False]
    assert not found
    assert found.summary() == "desk: 7 rows slower by more than 10 %"
    assert compare_machines({"a": fine}, {"a": slow}, max_regression=40)
    document = found.as_dict()
    assert (document["schema"], document["passed"]) == (1, False)
    assert [each["host"] for each in document["hosts"]] == ["shed", "desk"]
    assert [len(each["comparison"]["regressions"]) for each in document["hosts"]] == [0, 14]


def test_a_machine_that_is_in_one_alone_is_said_and_no_regression(fine):
    found = compare_machines({"a": fine, "b": fine}, {"c": fine, "a": fine})
    assert [(each.host, each.said) for each in found.hosts] == [
        ("c", "only in NEW"), ("a", None), ("b", "only in OLD")
    ]  # fmt: skip
    assert found
    assert found.as_dict()["hosts"][0]["comparison"] is None


def test_a_machine_that_fails_now_is_a_regression_and_one_that_did_before_is_none(fine, slow):
    found = compare_machines(
        {"a": fine, "b": LOST, "c": LOST, "d": fine}, {"a": LOST, "b": LOST, "c": fine, "d": fine}
    )
    assert [each.said for each in found.hosts] == [
        "failed in NEW: no route to it",
        "failed in NEW, as in OLD: no route to it",
        "failed in OLD, and not in NEW: no route to it",
        None,
    ]
    assert [bool(each) for each in found.hosts] == [False, True, True, True]
    assert found.summary() == "a: failed"
    assert not compare_machines({"a": fine}, {"a": LOST})
    late = Machine(slow.record, "the connection was lost")
    assert compare_machines({"a": fine}, {"a": late}).summary() == (
        "a: failed, 7 rows slower by more than 10 %"
    )


def test_machines_are_checked_one_by_one(fine, records):
    other = records.record()
    other["machine"]["cores"] = 4
    other = Machine(Record(other), None)
    assert compare_machines({"a": fine, "b": other}, {"a": fine, "b": other})
    with pytest.raises(SettingError, match=r"^b: the records differ.* cores 2, now 4"):
        compare_machines({"a": fine, "b": fine}, {"a": fine, "b": other})
    assert compare_machines({"b": fine}, {"b": other}, any_machine=True)


def test_nothing_to_compare_is_no_success(fine):
    with pytest.raises(SettingError, match=r"no machine .*: b: only in NEW; a: only in OLD"):
        compare_machines({"a": fine}, {"b": fine})
    with pytest.raises(SettingError, match="a: failed in NEW, as in OLD"):
        compare_machines({"a": LOST}, {"a": LOST})

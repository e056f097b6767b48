import json

import pytest

from mnist_edge.bench.machines import read
from mnist_edge.bench.record import Record
from mnist_edge.errors import InputError


@pytest.fixture
def written(tmp_path):
    def write(document):
        (tmp_path / "hosts.json").write_text(json.dumps(document))
        return tmp_path / "hosts.json"

    return write


def test_a_record_is_read_as_one_and_several_by_name(records, written):
    assert read(written(records.record())) == Record(records.record())
    failed = records.host("pi@attic", None, status="failed", error="pi@attic: no route to it")
    found = read(written(records.hosts([records.host("pi@shed"), failed], records.record())))
    assert list(found) == ["desk", "pi@shed", "pi@attic"]
    assert found["desk"].record == found["pi@shed"].record == records.record()
    assert found["pi@attic"].record is None
    assert [each.error for each in found.values()] == [None, None, "no route to it"]
    assert list(read(written(records.hosts([failed])))) == ["pi@attic"]


def test_one_that_failed_after_its_record_came_has_both(records, written):
    late = records.host("pi", status="failed", error="pi: the connection was lost")
    found = read(written(records.hosts([late])))["pi"]
    assert (found.record, found.error) == (records.record(), "the connection was lost")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"schema": 2}, "is of schema 2, this version reads 1: upgrade"),
        ({"schema": None}, "is of schema None; wanted 1"),
        ({"hosts": {}}, "is damaged: 'hosts' of the document is a dict; wanted a list"),
        ({"hosts": [{"host": "pi"}]}, "item 0 of 'hosts' of the document has no 'status'"),
        ({"desk": []}, "desk in .*hosts.json is no bench record"),
        ({"desk": {"schema": 1, "results": []}}, "desk in .* is damaged: the record has no"),
    ],
)
def test_what_is_damaged_is_refused_in_a_line(records, written, changed, said):
    with pytest.raises(InputError, match=said):
        read(written({**records.hosts([records.host("pi")]), **changed}))


def test_a_machine_twice_is_refused(records, written):
    with pytest.raises(InputError, match="has pi twice: bench each machine once"):
        read(written(records.hosts([records.host("pi")] * 2)))
    with pytest.raises(InputError, match=r"pi in .*hosts.json is damaged: 'results' .* is empty"):
        read(written(records.hosts([records.host("pi", records.record([]))])))

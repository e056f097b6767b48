import json

import pytest

from mnist_edge.cli.bench_compare import compare_records
from mnist_edge.errors import CheckFailed, InputError, SettingError


@pytest.fixture
def written(records, tmp_path):
    def write(name, record):
        (tmp_path / name).write_text(json.dumps(record))
        return tmp_path / name

    return write


def test_a_record_beside_itself_passes(records, written, capsys):
    path = written("bench.json", records.record())
    compare_records(path, path)
    assert capsys.readouterr().out.endswith("\nNo regression beyond +10 %.\n")


def test_a_regression_fails_after_it_is_shown(records, written, capsys):
    old = written("old.json", records.record())
    new = written("new.json", records.scaled(records.record(), 1.3))
    with pytest.raises(CheckFailed, match=r"^7 rows slower by more than 10 %: see above$"):
        compare_records(old, new)
    assert "\nREGRESSED:\n- edge.keras" in capsys.readouterr().out
    compare_records(old, new, max_regression=40)


def test_json_and_markdown_are_one_document_each(records, written, capsys):
    path = written("bench.json", records.record())
    compare_records(path, path, json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["passed"] is True
    assert (document["old"], document["new"]) == (str(path), str(path))
    compare_records(path, path, markdown=True)
    assert capsys.readouterr().out.startswith("**No regression**")


def test_several_machines_are_compared_one_by_one(records, written, capsys):
    fine, slow = records.record(), records.scaled(records.record(), 1.3)
    old = written("old.json", records.hosts([records.host("pi@shed")], fine))
    new = written("new.json", records.hosts([records.host("pi@shed", slow)], fine))
    compare_records(old, old)
    assert capsys.readouterr().out.startswith("desk\n\nModel")
    with pytest.raises(CheckFailed, match=r"^pi@shed: 7 rows slower by more than 10 %: see above$"):
        compare_records(old, new)
    capsys.readouterr()
    compare_records(old, new, max_regression=40, json=True)
    document = json.loads(capsys.readouterr().out)
    assert [each["host"] for each in document["hosts"]] == ["desk", "pi@shed"]
    assert (document["new"], document["passed"]) == (str(new), True)
    compare_records(old, old, markdown=True)
    assert "\n### pi@shed\n\n**No regression**" in capsys.readouterr().out


def test_one_machine_beside_several_is_refused(records, written):
    one = written("one.json", records.record())
    several = written("several.json", records.hosts([records.host("pi")], records.record()))
    for pair in ((one, several), (several, one)):
        with pytest.raises(
            SettingError, match=r"several\.json is of several .*, \S*one\.json of one"
        ):
            compare_records(*pair)


def test_other_machines_and_what_is_no_record_are_refused(records, written):
    old, other = records.record(), records.record()
    other["machine"]["cores"] = 4
    old, other = written("old.json", old), written("other.json", other)
    with pytest.raises(SettingError, match="machine: cores 2, now 4"):
        compare_records(old, other)
    compare_records(old, other, any_machine=True)
    old.write_text("{")
    with pytest.raises(InputError, match=r"old\.json is not JSON"):
        compare_records(old, other)

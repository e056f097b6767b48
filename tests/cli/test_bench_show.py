import io
import json

import numpy as np
import pytest
from rich.console import Console

from mnist_edge.bench.record import Record
from mnist_edge.cli import run
from mnist_edge.cli.bench_show import check_outputs, print_record, show, write_record
from mnist_edge.data import Split
from mnist_edge.errors import SettingError

IMAGES = np.zeros((10_000, 28, 28), np.uint8)


def test_a_record_goes_where_it_is_wanted(records, tmp_path, capsys):
    record = Record(records.of_images(IMAGES, results=[records.failed(), *records.seven()]))
    assert not record
    write_record(
        record,
        Split(IMAGES, None),
        out=tmp_path / "bench.json",
        csv=tmp_path / "bench.csv",
        pictures=tmp_path / "pictures",
    )
    assert Record.read(tmp_path / "bench.json") == record
    assert len((tmp_path / "bench.csv").read_text().splitlines()) == 9
    assert len(list((tmp_path / "pictures").iterdir())) == 3
    capsys.readouterr()
    print_record(record, json=True)
    assert json.loads(capsys.readouterr().out) == dict(record)  # not {}: it failed, and is false
    print_record(record, markdown=True)
    assert capsys.readouterr().out.startswith("**Models: FAILED**")


def test_people_see_the_table_and_the_widest_where_they_want_it(records):
    for wide, longest in ((False, range(60, 81)), (True, range(120, 250))):
        to = Console(width=80, file=io.StringIO(), highlight=False, markup=False)
        show(records.record(), to, wide=wide)
        assert max(map(len, to.file.getvalue().splitlines())) in longest


def test_two_documents_are_not_for_one_place():
    check_outputs(json=True, markdown=False, files=(), pictures=None)
    with pytest.raises(SettingError, match="choose one"):
        check_outputs(json=True, markdown=True, files=(), pictures=None)


def test_the_command_compares_two_records(records, tmp_path, capsys):
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(json.dumps(records.record()))
    new.write_text(json.dumps(records.scaled(records.record(), 1.3)))
    assert run(["bench", "--compare", str(old), str(old)]) == 0
    assert run(["bench", "--compare", str(old), str(new)]) == 1
    assert "error: 7 rows slower by more than 10 %: see above" in capsys.readouterr().err
    assert run(["bench", "--compare", str(old), str(new), "--max-regression", "40", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["max_regression"] == 40
    assert run(["bench", "--compare", str(old), str(tmp_path / "none.json")]) == 2
    assert run(["bench", "model.tflite", "--compare", str(old), str(new)]) == 2
    assert run(["bench", "--compare", str(old), str(new), "--max-regression", "-1"]) == 2
    other = records.record()
    other["machine"]["cores"] = 4
    new.write_text(json.dumps(other))
    capsys.readouterr()
    assert run(["bench", "--compare", str(old), str(new)]) == 2
    assert "machine: cores 2, now 4" in capsys.readouterr().err
    assert run(["bench", "--compare", str(old), str(new), "--any-machine", "--markdown"]) == 0

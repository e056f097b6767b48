"""tools/repeat_bench.py on records that were never measured."""

import json
import math
import subprocess
import sys
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from tools import repeat_bench


def bench(records, **p50):
    """A record of models, each with its p50 of the bare call and of an image; None: it failed."""
    rows = []
    for name, times in p50.items():
        rows.append(records.failed(model=name) if times is None else records.row(name))
        for key, time in zip(repeat_bench.TIMINGS, times or (), strict=False):
            rows[-1]["latency"][key]["p50"] = time
    return records.record(rows, conditions={})


def test_medians_are_of_what_ran(records):
    found = repeat_bench.medians(bench(records, a=(7.0, 8.0), b=None, c=(1.0, 2.0)))
    assert found == {
        "a on litert, invoke": 7.0, "a on litert, predict": 8.0,
        "c on litert, invoke": 1.0, "c on litert, predict": 2.0,
    }  # fmt: skip


def test_apart_is_the_farthest_of_what_ran_in_both(records):
    first = bench(records, a=(10.0, 10.0), b=(1.0, 1.0), c=None)
    assert repeat_bench.apart(first, first)[0] == 1
    slower = bench(records, a=(10.0, 12.0), b=None, c=(99.0, 99.0))
    for pair in ((first, slower), (slower, first)):
        assert repeat_bench.apart(*pair) == (pytest.approx(1.2), "a on litert, predict")
    none = bench(records, a=None, b=None, c=(1.0, 1.0))
    assert repeat_bench.apart(first, none)[0] == math.inf


@pytest.fixture
def repeated(monkeypatch, tmp_path, capsys):
    """Runs the tool on these records, the last of them on a busy machine."""

    def run(*given):
        left = list(given)
        out = tmp_path / "repeat.json"
        monkeypatch.setattr(repeat_bench, "bench", lambda *_given: left.pop(0))
        monkeypatch.setattr(repeat_bench, "busy_loops", nullcontext)
        arguments = ["repeat", "--times", str(len(given) - 1), "--json", str(out)]
        monkeypatch.setattr(sys, "argv", arguments)
        code = repeat_bench.main()
        return code, capsys.readouterr().out, json.loads(out.read_text(encoding="utf-8"))

    return run


def test_what_failed_once_is_in_the_table_and_the_rest_is_judged(records, repeated):
    first, second, busy = (bench(records, a=a, b=b) for a, b in (
        ((10.0, 10.0), None), ((10.0, 10.5), (3.0, 3.0)), ((30.0, 30.0), None)
    ))  # fmt: skip
    busy["valid"] = False
    code, text, found = repeated(first, second, busy)
    assert code == 0
    assert "b on litert, predict failed 3.0 failed" in " ".join(text.split())
    assert "Farthest apart of the VALID: 1.050-fold, a on litert, predict" in text
    assert found["valid_apart"] == 1.05
    assert [len(each["p50_us"]) for each in found["benches"]] == [2, 4, 2]


@pytest.mark.parametrize(
    ("valid", "slower", "code"),
    [
        ((True, True, False), 1.09, 0),
        ((True, True, False), 1.11, 1),  # far apart
        ((True, False, False), 1.11, 0),  # but one says so itself
        ((True, True, True), 1.0, 1),  # nobody saw that it was busy
    ],
)
def test_the_claim_is_judged(records, repeated, valid, slower, code):
    given = [bench(records, a=(10.0, 10.0 * pace)) for pace in (1, slower, 3)]
    for record, each in zip(given, valid, strict=True):
        record["valid"] = each
    assert repeated(*given)[0] == code


def test_a_bench_in_which_a_model_failed_is_read_and_another_error_is_not(monkeypatch, tmp_path):
    def ends(code, document):
        def run(command, **_options):
            if document is not None:
                (tmp_path / "record.json").write_text(json.dumps(document), encoding="utf-8")
            return subprocess.CompletedProcess(command, code)

        everything = {**vars(subprocess), "run": run}
        monkeypatch.setattr(repeat_bench, "subprocess", SimpleNamespace(**everything))
        return repeat_bench.bench(tmp_path, tmp_path)

    assert ends(0, {"valid": True}) == {"valid": True}
    assert ends(1, {"valid": False}) == {"valid": False}
    with pytest.raises(FileNotFoundError):  # and not the record of the time before
        ends(1, None)
    with pytest.raises(subprocess.CalledProcessError):
        ends(2, {"valid": True})

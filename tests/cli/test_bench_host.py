"""`mnist-edge bench --host`, as people call it."""

import json
import shutil
from pathlib import Path

import pytest

from mnist_edge.bench.record import Record
from mnist_edge.bench.remote import HostResult
from mnist_edge.cli import bench_host, run
from mnist_edge.errors import CheckFailed
from tools.loopback_sshd import loopback


@pytest.fixture
def few(bundle, tmp_path, monkeypatch):
    """A bundle of one small model, which is the desk's part of the work."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(bundle.folder, tmp_path / "few")
    path = tmp_path / "few" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["models"] = [item for item in manifest["models"] if item["file"] == "edge-int8.tflite"]
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return ["bench", "few", "--quick", "--runtime", "litert", "--max-drop", "100"]


@pytest.fixture
def boards(monkeypatch):
    """What comes of the boards, without any."""
    asked, results = [], []

    def bench_hosts(*arguments):
        asked.append(arguments)
        return results

    monkeypatch.setattr(bench_host, "bench_hosts", bench_hosts)
    return asked, results


GATES = ["--min-agreement", "0"]


def test_a_board_that_refuses_is_a_row_and_exit_1(
    few, quadrants_file, tmp_path, monkeypatch, capsys
):
    with loopback(tmp_path / "sshd") as server:
        monkeypatch.setenv("MNIST_EDGE_SSH", server.client)
        hosts = ["--host", "pi@closed", "--host", "stranger", "--no-desk"]
        assert run([*few, "--data", str(quadrants_file), *hosts]) == 1
    said = capsys.readouterr()
    assert "closed   failed: nothing listens for SSH there" in said.out
    assert "stranger: failed: no key of yours is accepted there" in said.out
    assert "pi@closed: connecting" in said.err
    last = said.err.splitlines()[-1]
    assert last.startswith("error: pi@closed: nothing listens for SSH there")
    assert "; stranger: no key of yours" in last


def test_desk_and_boards_are_one_document(few, quadrants_file, boards, capsys):
    asked, results = boards
    bad = {"file": "a", "runtime": "litert", "holds": False, "detail": "other labels"}
    results.append(HostResult("pi", "ok", None, None, (bad,)))
    words = [*few, *GATES, "--data", str(quadrants_file), "--host", "pi", "--json", "--keep"]
    assert run([*words, "--out", "out.json"]) == 1
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == "error: pi: verify: a on litert: other labels"
    found = json.loads(said.out)
    assert found == json.loads(Path("out.json").read_text())
    assert (found["schema"], found["desk"]["schema"]) == (1, 1)
    assert set(found["hosts"][0]) >= {"host", "status", "error", "record", "verify"}
    ((hosts, paths, dataset, settings, _say, keep),) = asked
    assert (hosts, [str(path) for path in paths], keep) == (["pi"], ["few"], True)
    assert settings.runtimes == ("litert",)
    assert len(dataset.test) == 200
    results[:] = [HostResult("pi", "ok", None, found["desk"])]
    assert run(words) == 0
    capsys.readouterr()
    found["desk"]["results"][0]["gate_failures"] = ["accuracy falls"]
    assert run([*words, "--no-desk"]) == 1
    assert "error: pi: edge-int8.tflite on litert: accuracy falls" in capsys.readouterr().err


def test_a_desk_that_failed_is_written_whole():
    row = {"model": "a", "runtime": "b", "status": "failed", "error": "c", "gate_failures": []}
    desk = Record({"results": [row]})
    found = json.loads(json.dumps(bench_host.document(desk, []), indent=1))
    assert found["desk"] == desk.document
    with pytest.raises(CheckFailed, match=r"^desk: a on b failed: c$"):
        bench_host.check(desk, [])


@pytest.mark.parametrize("extra", [["--keep"], ["--no-desk"]])
def test_what_is_for_boards_asks_for_one(few, quadrants_file, extra, capsys):
    assert run([*few, "--data", str(quadrants_file), *extra]) == 2
    assert "name one" in capsys.readouterr().err


@pytest.mark.parametrize(
    "extra", [["--csv", "a.csv"], ["--pictures", "a"], ["--markdown"], ["--wide"]]
)
def test_what_is_for_one_machine_is_not_for_boards(few, extra, capsys):
    assert run([*few, "--host", "pi", *extra]) == 2
    assert f"{extra[0]} is for one machine's record" in capsys.readouterr().err


def test_what_is_no_host_is_bad_usage(few, quadrants_file, capsys):
    assert run([*few, "--data", str(quadrants_file), "--host=-oProxyCommand=x"]) == 2
    assert "wanted user@board" in capsys.readouterr().err

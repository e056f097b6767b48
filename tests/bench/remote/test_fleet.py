"""The whole way: boards on loopback, benched with what pip brings there, or what the desk sends."""

import json
import os
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from mnist_edge.bench import Settings
from mnist_edge.bench.remote import bench_hosts, fleet
from mnist_edge.bench.remote.fleet import described, interpreter_of
from mnist_edge.errors import SettingError

FAST = Settings(
    seconds=0.0, samples=5, patience=1.0, launches=1, rounds=1, batches=(1,), max_drop=100,
    min_agreement=0, max_class_drop=100,
)  # fmt: skip
DEAD = "http://127.0.0.1:9/simple"  # the port that discards; nothing listens there
OFFLINE = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": DEAD, "PIP_EXTRA_INDEX_URL": ""}
OFFLINE |= {"PIP_FIND_LINKS": ""}


@pytest.fixture(scope="module")
def told():
    return []


@pytest.fixture(scope="module")
def results(board, small, dataset, told):
    """A board, and one that refuses, at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_EDGE_SSH", board.server.client)
        return bench_hosts(
            ["board", "closed"],
            [small],
            dataset,
            FAST,
            lambda host, text: told.append((host, text)),
        )


def test_a_board_is_verified_and_benched(results, small, dataset):
    result = results[0]
    assert (result.status, result.error, result.notes) == ("ok", None, ())
    assert result
    rows = [(row["model"], row["runtime"], row["status"]) for row in result.record["results"]]
    assert rows == [
        ("edge-float32.tflite", "litert", "ok"),
        ("edge-float32.onnx", "onnxruntime", "ok"),
        ("edge-int8.tflite", "litert", "ok"),
    ]
    assert {row["bundle"] for row in result.record["results"]} == {str(small)}
    assert result.record["dataset"]["sha256"] == dataset.sha256
    assert result.record["dataset"]["name"] == dataset.name
    assert result.record["machine"]["python"] == sys.version.split()[0]
    assert all(each["holds"] for each in result.verify)
    found = {(each["file"], each["runtime"]) for each in result.verify}
    assert found >= {(model, runtime) for model, runtime, _status in rows}
    assert list(result.seconds) == ["connect", "send", "install", "bench", "fetch", "clean"]
    assert result.board.startswith("Linux ")


def test_one_that_fails_is_a_row_and_the_other_stands(results):
    result = results[1]
    assert (result.host, result.status, result.record) == ("closed", "failed", None)
    assert result.error.startswith("closed: nothing listens for SSH there")
    assert not result
    json.dumps([each.as_dict() for each in results])


def test_what_is_done_is_said_for_each(results, told):
    assert results
    board = [text for host, text in told if host == "board"]
    assert board[:2] == ["connecting", "sending"]
    assert board[-1] == "cleaning up"
    assert "installing ai-edge-litert, onnxruntime" in board
    assert [text for host, text in told if host == "closed"] == ["connecting"]


def test_nothing_is_left(results, board):
    assert results
    assert board.left() == []


def python_without_ensurepip(folder):
    """Python as Debian has it without python3-venv: a copy whose library lacks ensurepip."""
    library = Path(sysconfig.get_path("stdlib", vars={"base": sys.base_prefix}))
    there = folder / "lib" / library.name
    there.mkdir(parents=True)
    for path in Path(library).iterdir():
        if path.name not in ("ensurepip", "site-packages", "dist-packages", "__pycache__"):
            (there / path.name).symlink_to(path)
    (folder / "bin").mkdir()
    python = folder / "bin" / f"python3.{sys.version_info.minor}"
    python.write_bytes(Path(sys._base_executable).resolve().read_bytes())
    python.chmod(0o755)
    (folder / "bin" / "python3").symlink_to(python.name)
    asked = "import json; import venv; import ensurepip"
    ended = subprocess.run([python, "-I", "-c", asked], capture_output=True, text=True, check=False)
    assert "No module named 'ensurepip'" in ended.stderr
    return folder / "bin"


def test_offline_without_pip_and_with_a_bundle_that_does_not_hold(
    boards, tmp_path, monkeypatch, spoilt, dataset
):
    monkeypatch.setenv("MNIST_EDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fleet, "QUIET_S", 60)
    programs = python_without_ensurepip(tmp_path / "debian")
    path = f"{programs}:/usr/bin:/bin"
    settings = Settings(**{**vars(FAST), "runtimes": ("litert", "keras")})
    with boards(tmp_path / "board", path=path, **OFFLINE) as alone:
        monkeypatch.setenv("MNIST_EDGE_SSH", alone.server.client)
        (result,) = bench_hosts(["board"], [spoilt], dataset, settings, keep=True)
        assert result.error is None
        assert not result  # verify there says so
        found = {each["file"]: each["holds"] for each in result.verify}
        assert (found["edge-float32.tflite"], found["edge-int8.tflite"]) == (True, False)
        assert [row["status"] for row in result.record["results"]] == ["ok", "ok"]
        kept, offline = sorted(result.notes)
        assert offline == "it reached no package index: its wheels came from the desk"
        assert kept.startswith("board:")
        (folder,) = alone.home.glob(".mnist-edge-*")
        assert str(folder) in kept
        assert list((tmp_path / "cache" / "wheels").glob("*/ai_edge_litert-*.whl"))
        python = folder / "venv" / "bin" / "python"
        code = "import mnist_edge, ai_edge_litert; print(mnist_edge.__file__)"
        ended = subprocess.run(
            [python, "-I", "-c", code], capture_output=True, text=True, check=True
        )
        assert ended.stdout.startswith(str(folder))
        (home,) = [path.name for path in alone.home.iterdir() if path.name != ".bashrc"]
        assert home == folder.name  # and nothing beside it: no cache of pip's


def test_neither_there_nor_here_are_wheels(boards, tmp_path, monkeypatch, small, dataset):
    monkeypatch.setenv("MNIST_EDGE_CACHE", str(tmp_path / "cache"))
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)
    with boards(tmp_path / "board", **OFFLINE) as alone:
        monkeypatch.setenv("MNIST_EDGE_SSH", alone.server.client)
        (result,) = bench_hosts(["board"], [small], dataset, FAST)
        assert result.error == (
            "board: it reaches no package index; no wheels for it on this machine either: No "
            "matching distribution found for ai-edge-litert"
        )
        assert alone.left() == []


@pytest.mark.usefixtures("ssh")
def test_a_connection_that_is_cut_midway_is_a_row(board, small, dataset):
    def cut(_host, text):
        if text.startswith("installing"):
            board.server.drop()

    (result,) = bench_hosts(["board"], [small], dataset, FAST, cut)
    assert result.error.startswith("board: the connection was lost")
    assert result.notes == ()
    assert board.left() == []


@pytest.mark.usefixtures("ssh")
def test_a_board_without_room_is_told_before_anything_is_sent(board, small, dataset, monkeypatch):
    monkeypatch.setattr(fleet, "NEED_MB", 10**9)
    (result,) = bench_hosts(["board"], [small], dataset, FAST)
    assert f"MB are free there ({board.home}), wanted 1000000000: make room" in result.error
    assert "send" not in result.seconds
    assert board.left() == []


@pytest.mark.usefixtures("ssh")
def test_a_runtime_that_no_board_has_is_refused(board, small, dataset):
    settings = Settings(**{**vars(FAST), "runtimes": ("keras",)})
    (result,) = bench_hosts(["board"], [small], dataset, settings)
    assert "of keras none opens the models" in result.error
    assert board.left() == []


@pytest.mark.usefixtures("ssh")
def test_ctrl_c_cleans_up_every_board_first(board, desk, small, quadrants_file):
    there = desk(
        "from pathlib import Path\n"
        "from mnist_edge.bench import Settings\n"
        "from mnist_edge.bench.remote import bench_hosts\n"
        "from mnist_edge.data import load\n"
        f"bench_hosts(['board', 'board2'], [Path({str(small)!r})], load({str(quadrants_file)!r}),\n"
        "            Settings(), lambda host, text: print(text, flush=True))\n"
    )
    begun = 0
    for line in there.stdout:
        begun += line.startswith("installing")
        if begun == 2:
            break
    assert len([each for each in board.left() if isinstance(each, str)]) == 2
    there.send_signal(signal.SIGINT)
    rest, complaint = there.communicate(timeout=60)
    assert complaint.strip().endswith("KeyboardInterrupt")
    assert board.left() == [], rest


def test_the_same_host_twice_or_none_is_refused(small, dataset):
    with pytest.raises(SettingError, match="named twice"):
        bench_hosts(["a", "a"], [small], dataset, FAST)
    with pytest.raises(SettingError, match="wanted user@board"):
        bench_hosts(["a", "-b"], [small], dataset, FAST)


def test_a_board_is_described_in_a_line():
    about = {
        "python": "3.11.2", "tag": "cp311", "system": "Linux", "machine": "aarch64", "bits": 64,
        "libc": "glibc", "libc_version": [2, 36], "model": "Raspberry Pi 5 Model B Rev 1.0",
    }  # fmt: skip
    assert described(about) == (
        "Raspberry Pi 5 Model B Rev 1.0 aarch64, 64-bit, Python 3.11.2, glibc 2.36"
    )
    assert interpreter_of(about).libc_version == (2, 36)
    assert described({**about, "libc": None, "libc_version": None, "model": None}) == (
        "Linux aarch64, 64-bit, Python 3.11.2"
    )

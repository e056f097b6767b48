"""tools/bench_peers.py on peers made up here; the real ones take a network and minutes."""

import io
import json
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from tools import bench_peers
from tools.arm.steps import StepError
from tools.peers import conversions, environments, markdown, record, rounds, tables
from tools.peers.contenders import ENVIRONMENTS, HOME, OURS, PEAK_PEERS, PEERS, Environment, Peer
from tools.peers.macs import count
from tools.peers.process import Gone, Worker
from tools.tables import devices

SOUND = """
import sys

print("a runtime that speaks")

def open_model(model, how):
    print("and while it opens", file=sys.stderr)
    return {
        "predict": lambda image: int(image[0, 0]) % 10,
        "prepare": lambda image: image / 255,
        "bare": lambda raw: raw.sum(),
        "run": lambda: None,
        "own": lambda seconds: (1000 * seconds, 7),
        "macs": 12,
    }
"""
WRONG = """
def open_model(model, how):
    return {"predict": lambda image: 3}
"""
RAISES = """
def open_model(model, how):
    raise ValueError("no such\\n  layer")
"""
ABSENT = "import no_such_runtime"
ABORTS = """
import os

def open_model(model, how):
    print("assertion failed in some native code", flush=True)
    os.abort()
"""
ABORTS_LATER = """
import os

def open_model(model, how):
    return {"predict": lambda image: 0, "run": os.abort}
"""
ABORTS_AT_FIRST_IMAGE = """
import os

def open_model(model, how):
    return {"predict": lambda image: os.abort()}
"""
SLEEPS = """
import time

def open_model(model, how):
    return {"predict": lambda image: time.sleep(60)}
"""


@pytest.fixture
def images():
    found = np.zeros((40, 28, 28), np.uint8)
    found[:, 0, 0] = np.arange(40)
    return found


@pytest.fixture
def start(tmp_path, images):
    """Starts a worker on a peer's source; all are ended afterwards."""
    np.save(tmp_path / "images.npy", images)
    started = []

    def worker(source, **rest):
        file = tmp_path / f"peer{len(started)}.py"
        file.write_text(source)
        peer = Peer("a peer", "int8", file, **rest)
        started.append(Worker(peer, sys.executable, "", tmp_path / "images.npy"))
        return started[-1]

    yield worker
    for each in started:
        each.close()


def test_a_worker_answers_whatever_the_peer_prints(start):
    worker = start(SOUND, package="numpy")
    assert worker.version == np.__version__
    assert worker.ways == ["predict", "bare", "run", "own"]
    assert worker.macs == 12
    labels, processors = worker.labels(10)
    assert labels == [number % 10 for number in range(40)]
    assert processors > 0
    for way in ("predict", "bare", "run"):
        p50_us, calls = worker.time(way, 0.001, 10)
        assert p50_us > 0
        assert calls >= 5
    assert worker.time("own", 0.5, 10) == (500, 7)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (RAISES, "ValueError: no such layer"),
        (ABSENT, "ModuleNotFoundError: No module named 'no_such_runtime'"),
        (ABORTS, r"ended with signal 6 \(SIGABRT\): assertion failed in some native code"),
        ("import os; os._exit(3)", "ended with exit 3"),
    ],
)
def test_what_does_not_open_says_why(start, source, said):
    with pytest.raises(Gone, match=said):
        start(source)


def test_what_does_not_answer_is_given_up(start):
    with pytest.raises(Gone, match=r"no answer in 0\.1 s"):
        start(SLEEPS).labels(0.1)


def test_a_worker_that_is_gone_stays_gone(start):
    worker = start(ABORTS_LATER)
    for _turn in range(2):
        with pytest.raises(Gone, match="SIGABRT"):
            worker.time("run", 0.001, 10)


def test_more_than_one_thread_is_told():
    row = {"peer": "a", "kind": "int8", "error": None, "comparable": True, "note": ""}
    (told,) = tables.remarks([{**row, "processors": 1.8}])
    assert told == ("a, int8", "it kept 1.8 processors busy, not one")
    assert tables.remarks([{**row, "processors": 1.01}, {**row, "processors": None}]) == []


def run(tmp_path, monkeypatch, images, sources):
    """Measure peers by their source; the first is ours."""
    monkeypatch.setattr(rounds, "TURN_S", 0.0005)
    peers = []
    for name, source in sources.items():
        file = tmp_path / f"{len(peers)}.py"
        file.write_text(source)
        peers.append(Peer(name, "int8", file))
    split = SimpleNamespace(images=images)
    dataset = SimpleNamespace(name="made up", sha256="0", test=split, train=split)
    found = bench_peers.measure(peers, [], 3, dataset)
    return {row["peer"]: row for row in found["peers"]}, found


def shown(found):
    console = Console(width=80, file=io.StringIO(), highlight=False)
    tables.show(found, console)
    return console.file.getvalue()


def test_peers_that_fail_or_answer_otherwise_are_rows_and_the_others_stand(
    tmp_path, monkeypatch, images
):
    sources = {
        OURS: SOUND,
        "like ours": SOUND,
        "wrong": WRONG,
        "dies opening": ABORTS,
        "dies at once": ABORTS_AT_FIRST_IMAGE,
        "dies later": ABORTS_LATER.replace("image: 0", "image: int(image[0, 0]) % 10"),
    }
    rows, found = run(tmp_path, monkeypatch, images, sources)
    assert list(rows) == list(sources)
    for name in (OURS, "like ours"):
        assert rows[name]["status"] == "ok"
        assert rows[name]["agreement"] == 1
        assert rows[name]["to_ours"]["median"] > 0
    assert rows[OURS]["to_ours"] == {"median": 1, "p5": 1, "p95": 1}
    assert rows["wrong"]["status"] == "ok"
    assert rows["wrong"]["agreement"] == 0.1
    assert not rows["wrong"]["comparable"]
    assert rows["wrong"]["to_ours"] is None
    for name in ("dies opening", "dies at once", "dies later"):
        assert rows[name]["status"] == "failed"
        assert "SIGABRT" in rows[name]["error"]
        assert rows[name]["predict_us"] is None
    text = shown(json.loads(json.dumps(found)))
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(r"wrong +[\d.]+ +other answers", text)
    assert "dies later, int8: the process ended with signal 6" in text
    assert re.search(r"dies opening +– +failed", text)
    lines = markdown.peers(found).splitlines()
    assert len(lines) == 2 + len(sources)
    assert "| – | other answers |" in lines[4].replace(lines[4].split(" | ")[2], "–")
    assert lines[5].startswith("| dies opening, int8 | – | – | failed |")


def test_a_ratio_is_that_within_the_round():
    times = {("ours", "predict"): [1.0, 10.0, 100.0], ("peer", "predict"): [2.0, 40.0, 150.0]}
    found = record.ratio(times, ("peer", "predict"), ("ours", "predict"))
    assert found["median"] == 2  # of 2, 4 and 1.5; the ratio of the medians is 4
    assert found["p5"] == pytest.approx(1.55)
    assert record.ratio(times, ("absent", "predict"), ("ours", "predict")) is None


def test_every_way_has_a_turn_in_every_round_and_the_order_changes():
    asked = []

    def worker(key):
        def time(way, _seconds, _patience_s):
            asked.append((key, way))
            return float(len(asked)), 1

        return SimpleNamespace(ways=["predict", "bare"], time=time)

    found = rounds.timed({key: worker(key) for key in "abc"}, range(20), {})
    assert {turn: len(values) for turn, values in found.items()} == dict.fromkeys(
        [(key, way) for key in "abc" for way in ("predict", "bare")], 20
    )
    turns = [tuple(asked[start : start + 6]) for start in range(0, 120, 6)]
    assert all(len(set(turn)) == 6 for turn in turns)
    assert len(set(turns)) > 10


def test_an_environment_that_cannot_be_made_is_told_once_for_all_its_peers(tmp_path, monkeypatch):
    tried = []

    def make(name, _wanted):
        tried.append(name)
        raise StepError("pip install\nended with code 1:\nERROR: No wheel for it\nERROR: end\nbye")

    monkeypatch.setattr(environments, "make", make)
    peers = [peer for peer in PEERS if peer.environment == "tflite-runtime"]
    failed = {}
    assert bench_peers.prepare(peers, tmp_path / "none.npy", failed) == []
    assert failed == {peer.key: "ERROR: No wheel for it" for peer in peers}
    assert len(peers) == 2
    assert tried == ["tflite-runtime"]


def test_an_environment_is_made_once_while_what_is_wanted_stays(tmp_path, monkeypatch):
    calls = []

    def call(command):
        calls.append(command)
        if "venv" in command:
            inside = tmp_path / "some" / "bin" / "python"
            inside.parent.mkdir(parents=True, exist_ok=True)
            inside.touch()

    monkeypatch.setattr(environments, "call", call)
    wanted = Environment(("numpy",), alone=("pnnx",), pins=("numpy==1.26.4",))
    inside = environments.make("some", wanted, tmp_path)
    assert inside == tmp_path / "some" / "bin" / "python"
    assert [command[-1] for command in calls] == [str(tmp_path / "some"), "numpy", "pnnx"]
    assert "--no-deps" in calls[2]
    pins = (tmp_path / "some" / "constraints.txt").read_text().splitlines()
    assert [pin for pin in pins if pin.startswith("numpy==")] == ["numpy==1.26.4"]
    environments.make("some", wanted, tmp_path)
    assert len(calls) == 3
    environments.make("some", Environment(("numpy",)), tmp_path)
    assert len(calls) == 5


def test_all_that_is_installed_is_pinned(root):
    text = (root / "constraints.txt").read_text(encoding="utf-8")
    for name, wanted in ENVIRONMENTS.items():
        pins = environments.pinned(text, wanted.pins)
        for package in (*wanted.packages, *wanted.alone):
            assert re.search(rf"^{package}==\S+", pins, re.MULTILINE), (name, package)


def test_the_peers_are_told_apart_and_what_they_name_is_there():
    keys = [peer.key for peer in (*PEERS, *PEAK_PEERS)]
    assert len(set(keys)) == len(keys)
    made = re.compile(
        r"product-(float32|int8|qdq)\.(onnx|tflite)|edge-(int8|float32)\.pte|edge\.ncnn"
    )
    for peer in (*PEERS, *PEAK_PEERS):
        assert peer.file.is_file()
        assert peer.environment in (HOME, *ENVIRONMENTS)
        there = not peer.model or (conversions.BUNDLE / peer.model).is_file()
        assert there or made.fullmatch(peer.model)
    assert {peer.kind for peer in PEERS if peer.name == OURS} == {"int8", "float32"}


def test_a_conversion_that_fails_says_why(tmp_path):
    np.save(tmp_path / "calibration.npy", np.zeros((1, 28, 28), np.uint8))

    def python(_name):
        raise StepError("ncnn cannot be installed")

    with pytest.raises(StepError, match="ncnn cannot be installed"):
        conversions.find("edge.ncnn", python, tmp_path / "calibration.npy", tmp_path / "models")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--only", "nobody"], "'nobody' is no peer; wanted some of"),
        (["--rounds", "0"], "wanted 1"),
    ],
)
def test_bad_usage_is_one_line(monkeypatch, capsys, given, said):
    monkeypatch.setattr(sys, "argv", ["bench_peers.py", *given])
    assert bench_peers.main() == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def test_ours_and_the_bare_runtimes_run_as_they_are_written(tmp_path, monkeypatch, dataset):
    """Those that need nothing but what the tests need; a few rounds, no numbers judged."""
    monkeypatch.setattr(rounds, "TURN_S", 0.0005)
    monkeypatch.setattr(bench_peers, "IMAGES", 20)
    names = (OURS, "LiteRT Interpreter", "LiteRT CompiledModel", "litert-benchmark", "ONNX Runtime")
    peers = [peer for peer in PEERS if peer.name in names]
    found = bench_peers.measure(peers, PEAK_PEERS[:1], 2, dataset)
    assert {row["peer"]: row["error"] for row in found["peers"]} == dict.fromkeys(names)
    assert all(row["comparable"] for row in found["peers"])
    assert len(found["bare_calls"]) == 12
    text = shown(found)
    assert max(map(len, text.splitlines())) <= 80
    assert "int8: our bare call takes" in text
    (tmp_path / "peers.json").write_text(json.dumps(found))
    monkeypatch.setattr(devices, "PEERS", tmp_path / "peers.json")
    pages = devices.peers_tables()
    assert "| LiteRT Interpreter, int8 | 2." in pages["peers"]
    assert "| litert-benchmark" not in pages["peers"]
    assert "| litert-benchmark's own p50: run alone |" in pages["peers-calls"]
    millions = sum(layer.macs for layer in count(conversions.BUNDLE / "edge-float32.tflite")) / 1e6
    assert f"| edge-float32.tflite | {millions:.2f} |" in pages["peers-limit"]
    assert "- LiteRT Interpreter: `num_threads=1`" in pages["peers-settings"]
    assert re.search(r"\d+ in float32 \(by numpy", pages["peers-limit"])

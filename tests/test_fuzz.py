"""A few hundred cases of each kind; tools/fuzz.py runs as many as one likes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from fuzzing import judging, running  # noqa: E402
from fuzzing.onnx_fields import onnx_damaged  # noqa: E402
from fuzzing.protobuf import encode, parse  # noqa: E402
from fuzzing.tflite_fields import tflite_damaged  # noqa: E402

from mnist_edge.errors import InputError  # noqa: E402

EDGE = ROOT / "artifacts" / "edge"
COMMAND = [sys.executable, str(ROOT / "tools" / "fuzz.py")]


@pytest.mark.parametrize(
    ("kind", "cases"),
    [("litert", 300), ("onnxruntime", 200), ("pictures", 200), ("bundle", 60), ("arrays", 300)],
)
def test_whatever_comes_is_refused_in_one_line_or_answered_rightly(kind, cases):
    command = [*COMMAND, "--kind", kind, "--cases", str(cases), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    assert found["failures"] == []
    assert done.returncode == 0
    counts = found["kinds"][kind]
    assert counts["answered"] + counts["refused"] == cases
    assert counts["answered"] > 0 < counts["refused"]


def test_a_case_is_the_same_each_time(tmp_path):
    from fuzzing.bundles import DamagedBundle
    from fuzzing.models import LoneModel
    from fuzzing.pictures import DamagedPicture

    kinds = (
        LoneModel("litert", ".tflite", list(EDGE.iterdir())),
        LoneModel("onnxruntime", ".onnx", list(EDGE.iterdir())),
        DamagedBundle(ROOT / "mnist_edge" / "shipped" / "edge"),
        DamagedPicture(EDGE / "golden.npz"),
    )
    for index, kind in enumerate(kinds):
        made = []
        for attempt in range(2):
            folder = tmp_path / f"{index}-{attempt}"
            folder.mkdir()
            words = kind.make(7, folder)
            made.append((words, {each.name: each.read_bytes() for each in folder.iterdir()}))
        assert made[0] == made[1]


def test_fields_are_found_where_they_are():
    for path in EDGE.glob("*.onnx"):
        content = path.read_bytes()
        assert encode(parse(content, "Model")) == content
        damaged = {onnx_damaged(Random(seed), content, 1)[0] for seed in range(20)}
        assert len(damaged - {content}) > 15
    for path in EDGE.glob("*.tflite"):
        content = path.read_bytes()
        said = {tflite_damaged(Random(seed), content, 1)[1].split(" ")[0] for seed in range(300)}
        assert {"Operator.inputs", "Tensor.shape", "Model.subgraphs", "Buffer.data"} <= said


class Doing:
    """A kind of case whose outcome is what it is told to do."""

    def __init__(self, deed):
        self._deed = deed

    def make(self, seed, folder):
        return "nothing"

    def check(self, seed, folder):
        return self._deed()


def raising(error):
    def deed():
        raise error

    return deed


@pytest.mark.parametrize(
    ("deed", "outcome"),
    [
        (lambda: "7", "answered"),
        (raising(InputError("no image")), "refused"),
        (raising(InputError("")), "failed"),
        (raising(InputError("onnxruntime failed: std::bad_alloc")), "failed"),
        (raising(judging.Wrong("8")), "failed"),
        (raising(ValueError("our own")), "failed"),
    ],
)
def test_each_outcome_is_called_by_its_name(tmp_path, deed, outcome):
    assert running.run_case(Doing(deed), 0, tmp_path).outcome == outcome


def test_a_flood_of_memory_is_a_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "FLOOD_MB", 1)
    monkeypatch.setattr(running, "_peak_mb", iter((100, 102)).__next__)
    outcome = running.run_case(Doing(lambda: "7"), 0, tmp_path)
    assert (outcome.outcome, outcome.detail) == ("failed", "memory: 2 MB more; 7")


def test_the_peak_of_memory_is_that_of_the_system():
    (line,) = (x for x in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in x)
    assert abs(running._peak_mb() - int(line.split()[1]) // 1024) < 50


@pytest.mark.parametrize("text", ["two\nlines", "\x1b[0m", "", "x" * 1000])
def test_a_message_that_is_no_printable_line_is_a_failure(text):
    with pytest.raises(judging.Wrong):
        judging.good_message(text)


WORKER = """
import os, sys, time
for line in sys.stdin:
    number = int(line)
    if number == 1:
        os.kill(os.getpid(), 11)
    if number == 2:
        time.sleep(60)
    print('{"outcome": "answered", "detail": "%d"}' % number, flush=True)
"""


def test_a_crash_and_a_hang_are_told_of_one_case_alone():
    workers = [running.Worker([sys.executable, "-c", WORKER], 2)]
    results, whole = running.run_all(workers, range(4), "")
    assert whole
    assert [result.outcome for result in results] == ["answered", "failed", "failed", "answered"]
    assert results[1].detail.startswith("crash: SIGSEGV")
    assert results[2].detail.startswith("hang: no answer in 2 s")


def test_ctrl_c_tells_what_was_done_so_far():
    command = [*COMMAND, "--kind", "litert", "--cases", "100000", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as child:
        assert "litert: 500 of 100000" in child.stderr.readline()
        os.kill(child.pid, signal.SIGINT)
        out, _ = child.communicate(timeout=60)
    counts = json.loads(out)["kinds"]["litert"]
    assert 500 <= counts["answered"] + counts["refused"] < 100_000

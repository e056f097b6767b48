import json
import shutil
import sys

import pytest

from mnist_edge import machine
from mnist_edge.bench import worth as module
from mnist_edge.bench.worth import worth
from mnist_edge.bundle import manifest_text, read_bundle

pytestmark = pytest.mark.needs("litert", "onnxruntime")
FEW = ("edge-float32.tflite", "edge-int8.tflite", "edge-dynamic.tflite")


@pytest.fixture(autouse=True)
def quiet_machine(monkeypatch):
    monkeypatch.setattr(machine, "disturbances", lambda: [])


def copy(bundle, folder, files, **parity):
    """A copy of a bundle that names only these of its models, with other parity."""
    shutil.copytree(bundle.folder, folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["models"] = [item for item in manifest["models"] if item["file"] in files]
    for item in manifest["models"]:
        item["parity"] |= parity
    (folder / "manifest.json").write_text(manifest_text(manifest), encoding="utf-8")
    return read_bundle(folder)


def test_every_quantized_model_is_held_against_the_float_one_of_its_format(bundle):
    said = []
    found = worth(bundle, said.append, seconds=0.05)
    runtimes = {"tflite": "litert", "onnx": "onnxruntime"}
    assert [(each.file, each.baseline, each.runtime) for each in found] == [
        (entry.file, f"edge-float32.{entry.format}", runtimes[entry.format])
        for entry in bundle.models
        if entry.format != "keras" and entry.quantization != "float32"
    ]
    assert {"edge-int8.tflite", "edge-int8.onnx"} < {each.file for each in found}
    assert said == [f"timing {each.file}" for each in found]
    for each in found:
        entry = bundle.entry(each.file)
        assert each.untimed is None
        assert 0 < each.speedup.low <= each.speedup.value <= each.speedup.high
        assert each.shrink == bundle.entry(each.baseline).bytes / entry.bytes
        lost = entry.parity["reference_accuracy"] - entry.parity["accuracy"]
        assert each.drop.value == pytest.approx(100 * lost)
        assert each.drop.low < each.drop.value < each.drop.high
        assert each.samples == 200
        assert each.file in str(each)


def test_a_crash_is_told_of_and_the_rest_goes_on(bundle, tmp_path, monkeypatch):
    script, shell = tmp_path / "job.py", tmp_path / "python"
    script.write_text(
        "import os\n"
        "from mnist_edge.bench.paired import work\n"
        "from mnist_edge.bench.process import serve\n"
        "def crashing(job):\n"
        "    if job['models'][1].endswith('dynamic.tflite'): os.kill(os.getpid(), 11)\n"
        "    return work(job)\n"
        "serve(crashing)\n"
    )
    shell.write_text(f'#!/bin/sh\nexec {sys.executable} {script} "$3"\n')
    shell.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(shell))
    few = copy(bundle, tmp_path / "few", FEW)
    crashed, fine = worth(few, seconds=0.05)
    assert (crashed.untimed, crashed.speedup) == ("the process ended with signal 11", None)
    assert "could not be timed: the process ended with signal 11" in str(crashed)
    assert crashed.drop is not None
    assert fine.speedup is not None


def test_a_process_that_hangs_is_ended(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_S", 0.01)
    few = copy(bundle, tmp_path / "few", FEW[:2])
    (only,) = worth(few)
    assert only.untimed == "no answer in 0.01 s"


def test_a_damaged_file_is_told_of(bundle, tmp_path):
    few = copy(bundle, tmp_path / "few", FEW[:2])
    (few.folder / "edge-int8.tflite").write_bytes(b"no model")
    (only,) = worth(few)
    assert "its manifest says" in only.untimed


def test_without_a_float_model_or_a_runtime_nothing_is_timed(bundle, tmp_path, monkeypatch):
    (alone,) = worth(copy(bundle, tmp_path / "alone", FEW[1:2]))
    assert (alone.baseline, alone.shrink, alone.speedup) == (None, None, None)
    monkeypatch.setattr(module, "usable", lambda _formats: [])
    monkeypatch.setattr(module, "none_usable", lambda _formats: "none here")
    (without,) = worth(copy(bundle, tmp_path / "without", FEW[:2]))
    assert without.untimed == "none here"


def test_images_without_labels_leave_the_drop_unknown(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_timed", lambda *_args: {"error": "not now"})
    few = copy(bundle, tmp_path / "few", FEW[:2], flips_to_wrong=None, agreement=0.99)
    (only,) = worth(few)
    assert only.drop is None
    assert "agrees on 99.00 % of 200 (no labels)" in str(only)


def test_a_disturbed_machine_and_a_users_limit_are_in_the_result(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "disturbances", lambda: ["it is busy"])
    monkeypatch.setattr(module, "_timed", lambda *_args: {"ratios": [2.0] * 10})
    few = copy(bundle, tmp_path / "few", FEW[:2], flips_to_wrong=10, flips_to_right=0)
    (only,) = worth(few, max_drop=1.0)
    assert only.disturbances == ("it is busy",)
    assert only.speedup == (2, 2, 2)
    assert only.drop.value == pytest.approx(5.0)
    assert (only.gate.max_drop, only.verdict) == (1.0, "avoid")


def test_a_model_that_others_beat_says_which_is_fastest(bundle, tmp_path, monkeypatch):
    speed = {"edge-float16.tflite": 0.5, "edge-dynamic.tflite": 2.0, "edge-int8.tflite": 3.0}
    monkeypatch.setattr(
        module, "_timed", lambda _bundle, models, *_rest: {"ratios": [speed[models[1].file]] * 10}
    )
    few = copy(bundle, tmp_path / "few", speed, flips_to_wrong=0, flips_to_right=0)
    same = tuple(entry._replace(bytes=1000) for entry in few.models)
    float32 = bundle.entry("edge-float32.tflite")
    found = {each.file: each for each in worth(few._replace(models=(float32, *same)))}
    assert {file: each.better for file, each in found.items()} == {
        "edge-float16.tflite": "edge-int8.tflite",
        "edge-dynamic.tflite": "edge-int8.tflite",
        "edge-int8.tflite": None,
    }
    assert [found[file].verdict for file in speed] == ["avoid", "use", "use"]


def test_a_bundle_of_float_models_has_nothing_to_weigh(bundle, tmp_path):
    assert worth(copy(bundle, tmp_path / "few", ("edge.keras", "edge-float32.onnx"))) == []

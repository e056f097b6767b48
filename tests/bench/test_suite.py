import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_edge import machine
from mnist_edge.bench import suite, sustained
from mnist_edge.bench.candidates import candidates
from mnist_edge.bench.crew import Measured
from mnist_edge.bench.settings import ENOUGH, QUICK, Settings
from mnist_edge.bench.suite import run_suite
from mnist_edge.bundle import manifest_text
from mnist_edge.errors import BundleError, DataError, MissingExtraError, ModelError, SettingError

FAST = {
    "seconds": 0.01, "samples": 20, "patience": 1.0,
    "launches": 1, "rounds": 2, "batches": (1, 3),
}  # fmt: skip


@pytest.fixture(scope="module")
def record(bundle, dataset, tmp_path_factory):
    """A record of the bundle with the models that the issue of a newcomer is about."""
    folder = tmp_path_factory.mktemp("few") / "few"
    shutil.copytree(bundle.folder, folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    wanted = ("edge.keras", "edge-float32.onnx", "edge-int8.tflite")
    manifest["models"] = [item for item in manifest["models"] if item["file"] in wanted]
    (folder / "manifest.json").write_text(manifest_text(manifest), encoding="utf-8")
    return run_suite([folder], dataset, Settings(**FAST))


def test_every_model_runs_on_every_runtime_that_opens_it(record):
    rows = [(row["model"], row["runtime"]) for row in record["results"]]
    assert rows == [
        ("edge.keras", "keras"),
        ("edge-float32.onnx", "onnxruntime"),
        ("edge-int8.tflite", "litert"),
        ("edge-int8.tflite", "tensorflow-lite"),
    ]
    assert record["reference"] == "edge.keras"


def test_a_record_has_the_form_that_is_promised(record, dataset):
    assert record["schema"] == 1
    assert set(record) >= {"machine", "dataset", "settings", "valid", "invalid_reasons"}
    assert record["dataset"]["samples"] == len(dataset.test)
    json.dumps(record.document)
    for row in record["results"]:
        assert row["status"] == "ok"
        assert row["error"] is None
        assert row["runtime_version"]
        assert row["threads"] == 1
        assert row["bytes"] > 1000
        assert set(row["parity"]) >= {
            "samples", "accuracy", "accuracy_ci95", "agreement", "flips_to_wrong",
            "flips_to_right", "mcnemar_p", "max_abs_diff", "per_class",
        }  # fmt: skip
        for key in ("invoke_us", "predict_us"):
            timing = row["latency"][key]
            assert 0 < timing["p50"] <= timing["p90"] <= timing["p99"] <= timing["max"]
            assert timing["n"] >= 20
            assert [launch for launch, _p50, _count in timing["rounds"]] == [0, 0]
            assert sum(count for _launch, _p50, count in timing["rounds"]) == timing["n"]
            assert timing["quantiles"][50] == timing["p50"]
            assert timing["quantiles"][100] == timing["max"]
        for key in ("load_ms", "first_ms", "import_ms", "images_per_s"):
            assert row["latency"][key] > 0
        assert 10 < row["memory"]["rss_mb"] <= row["memory"]["peak_mb"]
        assert [batch["size"] for batch in row["latency"]["batches"]] == [1, 3]
        assert all(batch["images_per_s"] > 0 for batch in row["latency"]["batches"])
    assert len({row["latency"]["inputs"] for row in record["results"]}) == 1


def test_every_number_of_threads_is_a_row(bundle, dataset):
    settings = Settings(runtimes=("litert",), threads=(1, 2), **FAST)
    record = run_suite([bundle.folder / "edge-int8.tflite"], dataset, settings)
    assert [row["threads"] for row in record["results"]] == [1, 2]
    assert [row["latency"]["threads"] for row in record["results"]] == [1, 2]


def test_every_launch_is_a_process_of_its_own(bundle, dataset):
    settings = Settings(runtimes=("litert",), **{**FAST, "launches": 3})
    (row,) = run_suite([bundle.folder / "edge-int8.tflite"], dataset, settings)["results"]
    assert len(row["latency"]["launches"]) == 3
    launches = [launch for launch, _p50, _count in row["latency"]["predict_us"]["rounds"]]
    assert launches == [0, 0, 1, 1, 2, 2]


def test_going_on_for_minutes_is_told_by_the_minute(bundle, dataset, monkeypatch):
    monkeypatch.setattr(sustained, "MINUTE_S", 1.0)
    settings = Settings(runtimes=("litert",), sustained_minutes=2, **FAST)
    record = run_suite([bundle.folder / "edge-int8.tflite"], dataset, settings)
    first, second, *_rest = record["results"][0]["latency"]["sustained"]
    assert (first["minute"], second["minute"]) == (1, 2)
    assert 0 < first["p50"] <= first["p95"]
    assert first["n"] > 100
    assert first["seconds"] == 1


def test_what_is_left_of_a_minute_tells_its_length(bundle, dataset, monkeypatch):
    monkeypatch.setattr(sustained, "MINUTE_S", 2.0)
    settings = Settings(runtimes=("litert",), sustained_minutes=0.5, **FAST)
    record = run_suite([bundle.folder / "edge-int8.tflite"], dataset, settings)
    assert [row["seconds"] for row in record["results"][0]["latency"]["sustained"]] == [1.0]


def test_steps_go_up_to_their_number(bundle, dataset):
    said = []
    settings = Settings(runtimes=("litert",), **FAST)
    run_suite(
        [bundle.folder / "edge-int8.tflite"], dataset, settings, lambda *step: said.append(step)
    )
    done = [step[1] for step in said]
    assert done == sorted(done)
    assert {step[2] for step in said} == {said[-1][2]}
    assert done[-1] == said[-1][2] - 1


def test_a_runtime_without_tensorflow_is_not_charged_for_it(record):
    memory = {row["runtime"]: row["memory"]["peak_mb"] for row in record["results"]}
    assert memory["litert"] < memory["keras"] / 2


def test_parity_is_with_the_keras_model(record, bundle):
    by_runtime = {row["runtime"]: row for row in record["results"]}
    assert by_runtime["keras"]["parity"]["agreement"] == 1
    assert by_runtime["onnxruntime"]["parity"]["agreement"] == 1
    exported = bundle.entry("edge-int8.tflite").parity
    assert by_runtime["litert"]["parity"]["agreement"] == exported["agreement"]
    assert by_runtime["litert"]["parity"]["accuracy"] == exported["accuracy"]


def test_bundles_of_other_classes_are_benched_apart(bundle, dataset, tmp_path):
    for name in ("one", "two"):
        shutil.copytree(bundle.folder, tmp_path / name)
    text = (tmp_path / "two" / "manifest.json").read_text(encoding="utf-8")
    other = {**json.loads(text), "labels": ["a", "b", "c", "d"]}
    (tmp_path / "two" / "manifest.json").write_text(json.dumps(other), encoding="utf-8")
    with pytest.raises(DataError, match=r"two has other classes .*: bench them apart"):
        run_suite([tmp_path / "one", tmp_path / "two"], dataset, Settings())
    few = {**other, "labels": ["a", "b"]}
    (tmp_path / "two" / "manifest.json").write_text(json.dumps(few), encoding="utf-8")
    with pytest.raises(DataError, match=r"two knows 2 classes .*, quadrants has 4"):
        run_suite([tmp_path / "two"], dataset, Settings())


def test_few_calls_are_no_measurement(record):
    assert record["valid"] is False
    assert any("calls were asked for" in reason for reason in record["invalid_reasons"])


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("os.kill(os.getpid(), 11)", "ended with signal 11"),
        ("sys.exit('out of luck')", "ended with exit 1: out of luck"),
    ],
)
@pytest.mark.parametrize("job", ["open", "answer", "prepare", "turn", "batch"])
def test_a_crash_is_a_row_and_not_the_end(bundle, dataset, crashing, job, end, said):
    crashing("litert", job, end)
    paths = [bundle.folder / "edge-float32.onnx", bundle.folder / "edge-int8.tflite"]
    settings = Settings(runtimes=("onnxruntime", "litert"), **FAST)
    record = run_suite(paths, dataset, settings)
    fine, crashed = record["results"]
    assert fine["status"] == "ok"
    assert fine["latency"]["predict_us"]["n"] >= 20
    assert crashed["status"] == "failed"
    assert crashed["parity"] is crashed["latency"] is crashed["memory"] is None
    assert said in crashed["error"]
    assert said in record.failures[0]
    assert len(record.failures) == 1


def test_a_reference_that_crashes_is_a_row_and_the_rest_stands_alone(bundle, dataset, crashing):
    crashing("onnxruntime", "answer", "sys.exit(3)")
    paths = [bundle.folder / "edge-float32.onnx", bundle.folder / "edge-int8.tflite"]
    settings = Settings(runtimes=("onnxruntime", "litert"), **FAST)
    record = run_suite(paths, dataset, settings)
    crashed, alone = record["results"]
    assert crashed["status"] == "failed"
    assert alone["parity"]["accuracy"] > 0.9
    assert alone["parity"]["agreement"] is None
    assert alone["reference"] is None
    _crashed, unjudged = record.failures
    assert "cannot be judged: edge-float32.onnx on onnxruntime failed: the process" in unjudged


def test_where_keras_dies_what_it_said_is_the_reference(bundle, dataset, tmp_path, crashing):
    crashing("keras", "answer", "os.kill(os.getpid(), 9)")
    files = ("edge.keras", "edge-float32.tflite", "edge-int8.tflite")
    settings = Settings(runtimes=("litert",), **FAST)
    for stored, name in ((True, "reference.npz"), (False, "edge-float32.tflite")):
        folder = only(bundle, tmp_path / str(stored), files, stored=stored)
        record = run_suite([folder], dataset, settings)
        assert record["reference"] == name
        for row in record["results"]:
            assert row["parity"]["agreement"] == 1.0
            (said,) = (note for note in row["gate_notes"] if "edge.keras on keras failed" in note)
            assert "the process ended with signal 9" in said
            assert said.endswith(f"; held against {name} instead")


def test_a_float_model_that_is_the_reference_is_held_against_the_manifest(
    bundle, dataset, tmp_path
):
    folder = only(bundle, tmp_path / "b", ("edge-float32.onnx", "edge-int8.tflite"))
    settings = Settings(runtimes=("litert", "onnxruntime"), **FAST)
    assert run_suite([folder], dataset, settings)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for entry in manifest["models"]:
        entry["parity"]["reference_accuracy"] = 1.5
    (folder / "manifest.json").write_text(manifest_text(manifest), encoding="utf-8")
    said = run_suite([folder], dataset, settings).failures
    assert len(said) == 2  # the float model, too
    assert all("against what the manifest says that Keras reached" in line for line in said)


def test_a_reference_that_nothing_vouches_for_says_so(bundle, dataset, tmp_path):
    shutil.copy(bundle.folder / "edge-float32.onnx", tmp_path)
    record = run_suite([tmp_path / "edge-float32.onnx"], dataset, Settings(**FAST))
    (row,) = record["results"]
    assert "it is the reference itself: nothing has judged it" in row["gate_notes"]
    assert row["parity"]["agreement"] is row["parity"]["drop"] is None
    assert row["parity"]["accuracy"] > 0.9


@pytest.mark.parametrize(
    ("file", "quantization"),
    [
        ("edge-int8.tflite", "int8"),
        ("edge-int8.onnx", "int8"),
        ("edge-dynamic.onnx", "dynamic"),
        ("edge-int16x8.tflite", "int16x8"),
        ("edge-float32.tflite", "float32"),
        ("edge-float32.onnx", "float32"),
        ("edge.keras", "float32"),
    ],
)
def test_a_file_whose_name_does_not_say_it_is_looked_into(bundle, tmp_path, file, quantization):
    path = tmp_path / f"good{Path(file).suffix}"
    shutil.copy(bundle.folder / file, path)
    assert {each.quantization for each in candidates([path])} == {quantization}


def test_a_model_named_twice_is_benched_once(bundle, dataset):
    path = bundle.folder / "edge-int8.tflite"
    settings = Settings(runtimes=("litert",), **FAST)
    (row,) = run_suite([path, path], dataset, settings)["results"]
    assert len(row["latency"]["launches"]) == 1


def test_a_limit_for_a_class_reaches_the_gate(bundle, dataset):
    settings = Settings(runtimes=("litert",), max_class_drop=7.5, **FAST)
    (row,) = run_suite([bundle.folder / "edge-int8.tflite"], dataset, settings)["results"]
    assert row["gate"]["max_class_drop"] == 7.5


def test_a_quantized_model_is_never_its_own_reference(bundle, dataset, broken_int8):
    record = run_suite([broken_int8], dataset, Settings(**FAST))
    (row,) = record["results"]
    assert record["reference"] is row["reference"] is row["parity"]["agreement"] is None
    assert row["parity"]["flips_to_wrong"] is None
    settings = Settings(runtimes=("litert",), **FAST)
    (row,) = run_suite([bundle.folder / "edge-int8.tflite"], dataset, settings)["results"]
    assert row["parity"]["agreement"] is None


def only(bundle, folder, files, stored=False):
    """A copy of a bundle that names only these of its models, and what Keras said if asked for."""
    shutil.copytree(bundle.folder, folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["models"] = [item for item in manifest["models"] if item["file"] in files]
    if not stored:
        del manifest["reference"]
    (folder / "manifest.json").write_text(manifest_text(manifest), encoding="utf-8")
    return folder


def test_the_reference_is_run_even_where_other_runtimes_are_asked_for(bundle, dataset, tmp_path):
    folder = only(bundle, tmp_path / "b", ("edge-float32.onnx", "edge-int8.tflite"))
    record = run_suite([folder], dataset, Settings(runtimes=("litert",), **FAST))
    (row,) = record["results"]
    assert row["reference"] == record["reference"] == "edge-float32.onnx"
    assert row["parity"]["agreement"] == bundle.entry("edge-int8.tflite").parity["agreement"]


def test_without_keras_what_it_said_is_the_reference(bundle, dataset, tmp_path):
    folder = only(bundle, tmp_path / "b", ("edge-float32.onnx", "edge-int8.tflite"), stored=True)
    settings = Settings(runtimes=("litert",), **FAST)
    record = run_suite([folder], dataset, settings)
    (row,) = record["results"]
    assert row["reference"] == record["reference"] == "reference.npz"
    assert row["parity"]["agreement"] == bundle.entry("edge-int8.tflite").parity["agreement"]
    exported = bundle.entry("edge-int8.tflite").parity["reference_accuracy"]
    assert row["parity"]["reference_accuracy"] == exported
    assert record


def test_what_keras_said_of_other_images_is_no_reference(bundle, dataset, tmp_path):
    folder = only(bundle, tmp_path / "b", ("edge-float32.onnx",), stored=True)
    fewer = replace(dataset, test=dataset.test.part(np.arange(150)))
    record = run_suite([folder], fewer, Settings(**FAST))
    assert record["reference"] == "edge-float32.onnx"


def test_what_keras_said_must_be_sound(bundle, dataset, tmp_path):
    folder = only(bundle, tmp_path / "b", ("edge-float32.onnx",), stored=True)
    content = bytearray((folder / "reference.npz").read_bytes())
    content[300] ^= 1
    (folder / "reference.npz").write_bytes(content)
    with pytest.raises(BundleError, match=r"reference\.npz"):
        run_suite([folder], dataset, Settings(**FAST))


def test_without_a_float_model_accuracy_is_held_against_the_manifest(bundle, dataset, tmp_path):
    folder = only(bundle, tmp_path / "b", ("edge-int8.tflite",))
    settings = Settings(runtimes=("litert",), **FAST)
    record = run_suite([folder], dataset, settings)
    assert record.failures == []
    stated = bundle.entry("edge-int8.tflite").parity["reference_accuracy"]
    assert record["results"][0]["parity"]["reference_accuracy"] == stated
    text = (folder / "manifest.json").read_text(encoding="utf-8")
    accuracy = f'"reference_accuracy": {stated}'
    assert accuracy in text
    (folder / "manifest.json").write_text(
        text.replace(accuracy, '"reference_accuracy": 1.5'), encoding="utf-8"
    )
    (failure,) = run_suite([folder], dataset, settings).failures
    assert "accuracy down" in failure


def test_every_bundle_has_a_reference_of_its_own(bundle, dataset, tmp_path):
    one = only(bundle, tmp_path / "one", ("edge-float32.onnx",))
    two = only(bundle, tmp_path / "two", ("edge-float32.tflite",))
    settings = Settings(runtimes=("litert", "onnxruntime"), **FAST)
    record = run_suite([one, two], dataset, settings)
    assert [row["reference"] for row in record["results"]] == [
        "edge-float32.onnx",
        "edge-float32.tflite",
    ]
    assert [Path(row["bundle"]).name for row in record["results"]] == ["one", "two"]


@pytest.mark.parametrize(
    "limits",
    [
        {"max_drop": float("nan")},
        {"max_drop": -1},
        {"min_agreement": 0.998},
        {"min_agreement": 101},
    ],
)
def test_limits_that_make_no_sense_are_refused(bundle, dataset, limits):
    with pytest.raises(SettingError, match=r"wanted (percent|0 to 100)"):
        run_suite([bundle.folder], dataset, Settings(**limits))


def test_a_model_below_its_gate_is_named(bundle, dataset, broken_int8):
    paths = [bundle.folder / "edge-float32.onnx", broken_int8]
    record = run_suite(paths, dataset, Settings(**FAST))
    assert record["reference"] == "edge-float32.onnx"
    said = record.failures
    for what in ("agreement", "accuracy down", "class '"):
        assert any(f"edge-int8.onnx on onnxruntime: {what}" in line for line in said)
    lenient = Settings(max_drop=100.0, min_agreement=0.0, **FAST)
    said = run_suite(paths, dataset, lenient).failures
    assert all("the output is broken" in line for line in said)  # no limit allows that


def test_a_busy_loop_on_every_core_makes_the_record_invalid(bundle, dataset):
    loop = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(loop) for _core in range(os.cpu_count() or 1)]
    try:
        settings = Settings(runtimes=("litert",), **FAST)
        record = run_suite([bundle.folder / "edge-int8.tflite"], dataset, settings)
    finally:
        for each in busy:
            each.kill()
            each.wait()
    assert not record["valid"]
    assert any("other work kept" in reason for reason in record["invalid_reasons"])
    assert record["conditions"]["other_work"] > 0.2  # while measuring, too


def test_a_busy_machine_makes_the_record_invalid(bundle, dataset, monkeypatch):
    monkeypatch.setattr(machine, "busy_processors", lambda: 99.0)
    settings = Settings(runtimes=("litert",), **FAST)
    record = run_suite([bundle.folder / "edge-int8.tflite"], dataset, settings)
    assert "other work kept 99.0 processors busy: stop it, or wait" in record["invalid_reasons"]
    assert not record["valid"]


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        (Settings(threads=(1, 0)), SettingError, "threads is 0"),
        (Settings(threads=()), SettingError, "no number of threads"),
        (Settings(launches=0), SettingError, "launches is 0"),
        (Settings(batches=(4, 0)), SettingError, "batches is 0"),
        (Settings(sustained_minutes=-1), SettingError, "sustained_minutes is -1"),
        (Settings(max_class_drop=101), SettingError, "max_class_drop is 101"),
        (Settings(runtimes=("lightrt",)), SettingError, "unknown runtime 'lightrt'"),
        (Settings(runtimes=("tflite-runtime",)), MissingExtraError, r"mnist-edge\[tflite\]"),
        (Settings(runtimes=("onnxruntime",)), ModelError, "opens none of the models"),
    ],
)
def test_what_cannot_be_benched_is_refused(bundle, dataset, settings, error, said):
    with pytest.raises(error, match=said):
        run_suite([bundle.folder / "edge-int8.tflite"], dataset, settings)


def test_a_damaged_bundle_is_refused_before_anything_runs(bundle, dataset, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(bundle.folder, folder)
    (folder / "edge-int8.tflite").write_bytes(b"x")
    with pytest.raises(BundleError, match=r"edge-int8\.tflite"):
        run_suite([folder], dataset, Settings())


def test_quick_changes_how_long_and_nothing_else():
    how_long = {"seconds", "samples", "patience", "launches", "rounds", "batches"}
    assert set(QUICK) == how_long
    assert Settings(**QUICK).samples < ENOUGH


def test_what_launches_and_batches_come_to_is_their_medians():
    opened = [
        {"import_ms": 900.0, "load_ms": 9.0, "first_ms": 0.1, "threads": 2},
        {"import_ms": 80.0, "load_ms": 2.0, "first_ms": 0.4, "threads": 2},
        {"import_ms": 70.0, "load_ms": 3.0, "first_ms": 0.3, "threads": 2},
    ]
    turns = {
        "invoke": [(0, [5_000, 5_000]), (1, [7_000])],
        "predict": [(0, [8_000]), (1, [9_000, 9_000])],
    }
    batches = {1: [4_000, 8_000, 90_000], 64: [64_000, 10_000, 32_000]}
    found = suite._latency(Measured(None, opened, 123.4, "5af3", turns, batches), None)
    assert (found["import_ms"], found["load_ms"], found["first_ms"]) == (80, 3, 0.3)
    assert [each["import_ms"] for each in found["launches"]] == [900, 80, 70]
    assert set(found["launches"][0]) == {"import_ms", "load_ms", "first_ms"}
    assert found["batches"] == [
        {"size": 1, "p50_us": 8, "images_per_s": 125_000},
        {"size": 64, "p50_us": 32, "images_per_s": 2_000_000},
    ]
    assert (found["invoke_us"]["p50"], found["predict_us"]["p50"]) == (5, 9)
    assert found["predict_us"]["rounds"] == [[0, 8, 1], [1, 9, 2]]
    assert (found["images_per_s"], found["threads"], found["inputs"]) == (123.4, 2, "5af3")
    assert found["sustained"] is None

"""Whether this machine can run a bundle: the whole diagnosis."""

import json
import shutil
import sys
import types

import numpy as np
import pytest

from mnist_edge.backends import runtime
from mnist_edge.bundle import read_bundle
from mnist_edge.classifier import SHIPPED
from mnist_edge.doctor import Diagnosis, Finding, diagnose
from mnist_edge.doctor.__main__ import main
from mnist_edge.doctor.attempt import attempt, judge
from mnist_edge.interpreter import Interpreter

NARROW = Interpreter("3.13.5", "cp313", "Linux", "armv7l", 32, "glibc", (2, 41))
DESK = Interpreter("3.11.2", "cp311", "Linux", "x86_64", 64, "glibc", (2, 36))


@pytest.fixture
def pretend(monkeypatch):
    """Let it look as though these modules were installed, and no others."""

    def install(*modules):
        found = types.SimpleNamespace(origin="somewhere")
        monkeypatch.setattr(runtime, "find_spec", lambda name: found if name in modules else None)

    return install


@pytest.fixture
def copy(tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(SHIPPED, folder)
    return folder


def look(folder=SHIPPED, here=DESK, tried=None):
    def answer(where):
        if tried is not None:
            tried.append(where)
        return Finding("bundle", "answer", "it answers")

    return diagnose(read_bundle(folder), here=here, ask_firmware=lambda: None, attempt=answer)


def named(diagnosis):
    return {finding.name: finding for finding in diagnosis.findings}


def test_a_machine_with_a_runtime_can_run_the_shipped_bundle():
    found = diagnose(read_bundle(SHIPPED))
    assert found
    said = named(found)
    assert said["answer"].value == "edge-int8.tflite on litert answers"
    assert said["edge-int8.tflite"].value.startswith("whole; litert takes it; needs CONV_2D, ")
    assert said["edge-float32.onnx"].value.startswith("whole; onnxruntime takes it; needs Add, ")
    assert said["golden samples"].value == "20, whole"
    assert said["numpy"].value == np.__version__


def test_without_a_runtime_it_says_no_and_which_to_install(pretend):
    pretend()
    tried = []
    found = look(tried=tried)
    assert not found
    assert tried == []
    (bad,) = found.bad
    assert bad.value == "none: no runtime here opens .tflite, .onnx"
    assert bad.remedy == 'pip install "mnist-edge[litert]"'
    assert named(found)["edge-int8.tflite"].state == "note"


def test_a_32_bit_system_with_a_new_python_is_told_what_there_is(pretend):
    pretend()
    found = look(here=NARROW)
    assert not found
    said = named(found)
    assert said["litert"].value == "no wheel of ai-edge-litert for armv7l (32-bit)"
    assert said["tflite-runtime"].remedy == "use CPython 3.10 to 3.11"
    assert "install a 64-bit system" in said["answer"].remedy


def test_tflite_runtime_beside_numpy_2_is_a_warning_with_a_remedy(pretend, monkeypatch):
    pretend("tflite_runtime")
    monkeypatch.setattr(np, "__version__", "2.4.6")
    found = look()
    said = named(found)["tflite-runtime"]
    assert (said.state, said.remedy) == ("warn", 'pip install "numpy<2"')
    assert not found
    older = Interpreter("3.11.2", "cp311", "Linux", "armv7l", 32, "glibc", (2, 36))
    (bad,) = look(here=older).bad
    assert bad.value.endswith("; tflite-runtime needs numpy below 2, here is 2.4.6")
    assert bad.remedy == 'pip install "numpy<2"'
    monkeypatch.setattr(np, "__version__", "1.26.4")
    assert look()
    assert "tflite-runtime takes it" in named(look())["edge-int8.tflite"].value


def test_one_model_that_runs_is_enough(pretend):
    pretend("onnxruntime")
    tried = []
    found = look(tried=tried)
    assert found
    assert tried == [SHIPPED]
    assert named(found)["edge-int8.tflite"].value.startswith("whole; no runtime here opens .tflite")


def test_a_damaged_model_or_golden_file_is_bad(copy):
    tried = []
    model = copy / "edge-int8.tflite"
    content = bytearray(model.read_bytes())
    content[1000] ^= 1
    model.write_bytes(content)
    found = look(copy, tried=tried)
    assert not found
    assert tried == []  # no runtime sees it
    assert "SHA-256" in named(found)["edge-int8.tflite"].value
    shutil.copy(SHIPPED / model.name, model)
    assert look(copy)
    (copy / "golden.npz").write_bytes(b"")
    assert [finding.name for finding in look(copy).bad] == ["golden samples"]


def rewrite(folder, **changes):
    path = folder / "manifest.json"
    manifest = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    path.write_text(json.dumps(manifest), encoding="utf-8")


def test_a_bundle_of_keras_alone_is_nothing_for_a_pi(copy, pretend, root):
    entry = read_bundle(root / "artifacts" / "edge").entry("edge.keras")
    shutil.copy(root / "artifacts" / "edge" / entry.file, copy)
    rewrite(copy, models=[entry.as_dict()])
    pretend("tensorflow")
    said = named(look(copy))
    assert (said["for a device"].state, said["for a device"].remedy) == (
        "warn", "mnist-edge export --int8",
    )  # fmt: skip
    assert "for a device" not in named(look(root / "artifacts" / "edge"))


def test_a_bundle_without_models_or_golden_samples_is_told_so(copy):
    rewrite(copy, models=[], golden=None)
    found = look(copy)
    assert [finding.value for finding in found.bad] == ["no models"]
    assert named(found)["golden samples"].state == "warn"


def test_a_runtime_that_ends_the_process_is_told_of():
    found = judge(-4, "", "")
    assert found.state == "bad"
    assert "ended by SIGILL" in found.value
    found = judge(1, "", "Traceback\nImportError: libfoo.so: cannot open shared object file\n")
    assert (found.state, found.remedy) == ("bad", "install the runtime anew")
    assert "libfoo.so" in found.value
    said = {"model": "a.tflite", "runtime": "keras", "passed_over": ["litert: broken"]}
    found = judge(0, "INFO: printed by a runtime\n" + json.dumps(said) + "\n", "")
    assert found.state == "note"
    assert found.value == "a.tflite on keras answers; passed over: litert: broken"


def test_what_a_runtime_refuses_is_what_the_doctor_says(copy):
    model = copy / "edge-int8.tflite"
    model.write_bytes(b"")
    found = attempt(copy)
    assert found.state == "bad"
    assert "edge-int8.tflite" in found.value


def test_a_python_that_cannot_be_started_again_is_told_of(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    found = attempt(SHIPPED)
    assert found.state == "bad"
    assert found.value.endswith(
        "/nowhere/python cannot be started again: No such file or directory"
    )


def test_text_is_folded_and_commands_begin_a_line():
    command = 'pip install "mnist-edge[litert]"'
    found = Diagnosis(
        (
            Finding("machine", "python", "3.11.2"),
            Finding("runtime", "litert", "not installed", "note", command),
            Finding("runtime", "other", ("a reason " * 8).strip(), "bad", command),
        )
    ).as_text(80)
    assert found.splitlines() == [
        "Machine",
        "  ok    python  3.11.2",
        "Runtimes, the best first",
        f"  -     litert  not installed: {command}",
        "  BAD   other   a reason a reason a reason a reason a reason a reason a reason a",
        "                reason:",
        f"                {command}",
    ]


def test_it_runs_without_the_command_line_extra(copy, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["doctor", str(copy)])
    assert main() == 0
    assert "edge-int8.tflite on litert answers" in capsys.readouterr().out
    (copy / "edge-int8.tflite").write_bytes(b"")
    assert main() == 1
    assert "BAD   edge-int8.tflite" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["doctor", "nowhere"])
    assert main() == 2
    assert capsys.readouterr().err.startswith("error: no bundle at nowhere")

"""The parts of tools/arm that can go wrong unseen; `make test-arm` is the test of the whole."""

import dataclasses
import json
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from mnist_edge.cli import run
from tools.arm.__main__ import RECORD, chosen, merged
from tools.arm.boards import DEVICES, PROCESSORS
from tools.arm.on_device import unmet
from tools.arm.roots import make_processor
from tools.arm.sites import announce, constraints
from tools.arm.steps import StepError, call, is_made, set_made
from tools.arm.trials import counted, differences, write_python

PINS = "# words\nnumpy==2.2.6 ; python_full_version < '3.11'\nnumpy==2.4.6\nrich==15.0.0\n"
SHIPPED = {
    "litert": ["edge-int8.tflite"],
    "tflite-runtime": ["edge-int8.tflite"],
    "onnxruntime": ["edge-float32.onnx"],
}


def test_a_runtime_with_a_numpy_of_its_own_gets_it():
    assert constraints(PINS, "litert", {}) == PINS
    assert constraints(PINS, "tflite", {}).splitlines() == [
        "# words", "rich==15.0.0", "tflite-runtime==2.14.0", "numpy==1.26.4",
    ]  # fmt: skip


def test_what_debian_brings_is_what_pip_plans_with(tmp_path):
    pins = constraints(PINS, "tflite", {"numpy": "1.24.2", "Pillow": "9.4.0"}).splitlines()
    assert {"numpy==1.24.2", "pillow==9.4.0", "tflite-runtime==2.14.0"} <= set(pins)
    assert not [pin for pin in pins if pin.startswith("numpy==2")]
    announce("Pillow", "9.4.0", tmp_path)
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--target"]
    call([*install, str(tmp_path / "site"), "--find-links", str(tmp_path), "pillow>=9.4"])
    (found,) = distributions(path=[str(tmp_path / "site")])
    assert (found.name, found.version) == ("Pillow", "9.4.0")
    assert not (tmp_path / "site" / "PIL").exists()


@pytest.mark.parametrize("processor", PROCESSORS, ids=lambda processor: processor.name)
def test_a_root_has_what_its_machine_has_and_the_cpuinfo_of_its_processor(processor, tmp_path):
    debian = tmp_path / processor.machine.debian
    (debian / "usr").mkdir(parents=True)
    (debian / "usr" / "library").touch()
    for _again in range(2):
        root = make_processor(processor, debian)
    assert (root / "usr" / "library").is_file()
    lines = (root / "proc" / "cpuinfo").read_text(encoding="utf-8").splitlines()
    told = dict(map(str.strip, line.split(":")) for line in lines if line)
    assert (told["CPU implementer"], told["CPU part"]) == ("0x41", processor.part)
    vectors = {"aarch64": "asimd", "armv7l": "neon"}[processor.machine.name]
    assert vectors in told["Features"].split()


def test_a_device_has_a_python_of_its_own(tmp_path):
    machine = dataclasses.replace(DEVICES[0].processor.machine, qemu="echo")
    processor = dataclasses.replace(DEVICES[0].processor, machine=machine)
    device = dataclasses.replace(DEVICES[0], processor=processor)
    root = tmp_path / "with a space" / "root"
    (root / "usr" / "bin").mkdir(parents=True)
    (root / "usr" / "bin" / "python3.11").touch()
    python = write_python(device, root, tmp_path / "site", tmp_path / "device")
    said = subprocess.run([python, "-c", "a  b"], capture_output=True, text=True, check=True)
    options = f"-cpu {processor.name} -L {root} -0 {python}"
    assert said.stdout == f"{options} {root}/usr/bin/python3.11 -c a  b\n"


def test_verify_says_how_far_each_model_was(capsys):
    assert run(["verify", "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)
    worst = differences(findings, "onnxruntime")
    assert set(worst) == {"edge-float32.onnx"}
    assert 0 <= worst["edge-float32.onnx"] < 1e-4
    with pytest.raises(StepError, match="verify with tflite-runtime says"):
        differences(findings, "tflite-runtime")
    findings[0]["holds"] = False
    with pytest.raises(StepError, match="verify with onnxruntime says"):
        differences(findings, "onnxruntime")


@pytest.mark.parametrize(
    ("last", "counts"),
    [
        ("265 passed, 179 deselected in 15.92s", {"passed": 265, "deselected": 179}),
        ("7 passed in 112.40s (0:01:52)", {"passed": 7, "deselected": 0}),
        ("264 passed, 1 skipped, 179 deselected in 15.92s", None),
        ("264 passed, 1 xfailed in 15.92s", None),
        ("179 deselected in 1.02s", None),
    ],
)
def test_only_tests_that_passed_count(last, counts):
    if counts:
        assert counted(f"....\n{last}\n") == counts
    else:
        with pytest.raises(StepError, match="none that is skipped"):
            counted(f"....\n{last}\n")


def test_what_a_failed_program_said_is_shown():
    with pytest.raises(StepError, match=r"ended with code 3:\nwhy"):
        call([sys.executable, "-c", "print('why'); raise SystemExit(3)"])
    with pytest.raises(StepError, match="nowhere is not installed"):
        call(["nowhere"])


def test_a_folder_that_was_not_finished_or_has_other_pins_is_made_anew(tmp_path):
    (tmp_path / "root").mkdir()
    assert not is_made(tmp_path / "root", "a")
    set_made(tmp_path / "root", "a")
    assert is_made(tmp_path / "root", "a")
    assert not is_made(tmp_path / "root", "b")


def test_requirements_are_followed_to_their_ends():
    followed = set()
    assert unmet(Requirement("mnist-edge[litert,onnx,cli]"), followed) == []
    assert any(each.startswith("mdurl") for each in followed)  # of markdown-it-py, of rich, of cli
    assert unmet(Requirement("numpy<1"), set())[0].startswith("numpy<1 is ")
    assert unmet(Requirement("no-such-package"), set()) == ["no-such-package is absent"]


def test_devices_are_called_by_their_names():
    assert chosen([]) == DEVICES
    assert chosen([DEVICES[1].name]) == DEVICES[1:2]
    with pytest.raises(StepError, match="no device is called pi"):
        chosen(["pi"])


def test_the_record_has_every_device_and_keeps_the_rows_of_others():
    text = RECORD.read_text(encoding="utf-8")
    found = {(row["platform"], row["runtime"]): row for row in json.loads(text)}
    for device in DEVICES:
        row = found[device.platform, device.runtime]
        assert (row["verify"], row["predict"]) == ("holds", "right")
        assert (row["tests"] or 0) > 300 * device.runs_tests - 1
        assert set(row["worst"]) >= {f"shipped/{file}" for file in SHIPPED[device.runtime]}
    assert str(Path.home()) not in text
    other = {"platform": "a board on a desk", "runtime": "litert"}
    new = {"platform": DEVICES[0].platform, "runtime": "litert"}
    assert merged([new], [other, {**new, "tests": 3}]) == [other, new]

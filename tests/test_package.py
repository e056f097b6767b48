"""What the package is from outside: its names, its weight, its wheel."""

import importlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import mnist_edge
from mnist_edge import Classifier
from mnist_edge.backends import open_backend
from mnist_edge.bundle import read_bundle
from mnist_edge.classifier import SHIPPED
from mnist_edge.data import load

ROOT = Path(__file__).parent.parent
HEAVY = ("tensorflow", "keras", "onnx", "onnxruntime", "ai_edge_litert", "typer", "rich")
HEAVY += ("jinja2", "matplotlib", "PIL", "pooch", "requests", "scipy", "importlib.metadata")
SLOW = ("_hashlib", "concurrent.futures", "dataclasses", "difflib", "importlib.metadata")
ON_DEVICE = ("mnist_edge", "mnist_edge.data", "mnist_edge.verify", "mnist_edge.image_file")
ON_DEVICE += ("mnist_edge.bench.suite", "mnist_edge.training.recipes", "mnist_edge.export.plan")
ON_DEVICE += ("mnist_edge.doctor", "mnist_edge.bench.record", "mnist_edge.bench.compare")


def python(code, executable=sys.executable, **environment):
    ended = subprocess.run(
        [executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        cwd=ROOT.parent,  # not where the package would be found by accident
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_every_public_name_leaves_through_the_door():
    assert sorted(mnist_edge.__all__) == mnist_edge.__all__
    for name in mnist_edge.__all__:
        assert getattr(mnist_edge, name) is not None
    public = {
        name
        for name, value in vars(mnist_edge).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith("mnist_edge.")
    }
    assert public <= set(mnist_edge.__all__)


@pytest.mark.parametrize("module", ON_DEVICE)
def test_what_runs_on_a_device_imports_numpy_alone(module):
    code = f"import {module}, sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    assert python(code) == ""


def test_a_first_answer_loads_nothing_that_it_can_do_without():
    code = (
        "import mnist_edge as m, numpy, sys; m.Classifier.open().predict(numpy.eye(28, dtype='u1'))"
    )
    assert python(f"{code}; print(*[name for name in {SLOW} if name in sys.modules])") == ""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = out.glob("*.whl")
    return path


def test_the_wheel_is_small_typed_and_has_a_bundle(wheel):
    assert wheel.stat().st_size < 1_000_000
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = [name for name in names if name.endswith("METADATA")]
        needs = [
            line
            for line in archive.read(metadata).decode().splitlines()
            if line.startswith("Requires-Dist") and "extra ==" not in line
        ]
    assert needs == ["Requires-Dist: numpy"]
    assert "mnist_edge/py.typed" in names
    assert [name for name in names if name.endswith(".data/data/share/man/man1/mnist-edge.1")]
    assert "mnist_edge/training/measured.json" in names
    for file in ("page.html.j2", "page.css", "page.js"):
        assert f"mnist_edge/report/page/templates/{file}" in names
    for file in ("manifest.json", "golden.npz", "edge-int8.tflite", "edge-float32.onnx"):
        assert f"mnist_edge/shipped/edge/{file}" in names
    assert not [name for name in names if name.startswith(("tests/", "tools/", "artifacts/"))]


ANSWER = """
import numpy, sys
from mnist_edge import Classifier, runtimes
from mnist_edge.bundle import read_bundle
from mnist_edge.classifier import SHIPPED
from mnist_edge.verify import verify
golden = numpy.load(SHIPPED / "golden.npz")
with Classifier.open() as classifier:
    found = [classifier.predict(image).label for image in golden["images"]]
assert found == [str(label) for label in golden["labels"]], found
assert all(verify(read_bundle(SHIPPED)))
print(runtimes()[0], "tensorflow" in sys.modules, "typer" in sys.modules)
"""

BARE = ["litert", "onnxruntime"]
if sys.version_info < (3, 12):  # the last Python that tflite-runtime has a wheel for
    BARE.append("tflite-runtime")


@pytest.mark.parametrize("runtime", BARE)
def test_numpy_and_one_runtime_are_enough(wheel, runtime):
    bare = ROOT / ".venv-bare" / runtime / "bin" / "python"
    assert bare.exists(), "run the tests by `make test`, which makes this environment"
    install = [str(bare), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    install += ["--no-index", "--no-deps", "--force-reinstall", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    assert python(ANSWER, executable=str(bare)) == f"{runtime} False False"
    ended = subprocess.run(
        [str(bare.with_name("mnist-edge")), "runtimes"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.strip() == ('error: typer is not installed: pip install "mnist-edge[cli]"')


def test_numpy_alone_gets_the_pip_line(monkeypatch):
    from mnist_edge.backends import runtime

    monkeypatch.setattr(runtime, "find_spec", lambda _name: None)
    with pytest.raises(mnist_edge.MissingExtraError, match=r'pip install "mnist-edge\[litert\]"'):
        Classifier.open()


def test_the_shipped_models_are_those_of_the_artifacts():
    full, shipped = read_bundle(ROOT / "artifacts" / "edge"), read_bundle(SHIPPED)
    assert {entry.file for entry in shipped.models} == {"edge-int8.tflite", "edge-float32.onnx"}
    for entry in shipped.models:
        assert entry == full.entry(entry.file)
        shipped.read_file(entry)
    for entry in full.models:
        full.read_file(entry)


@pytest.mark.parametrize("file", ["edge-int8.tflite", "edge-float32.onnx"])
def test_the_shipped_models_reach_on_real_mnist_what_their_manifest_says(file):
    test = load("mnist").test
    assert len(test) == 10_000
    with open_backend(SHIPPED / file, threads=2) as backend:
        accuracy = (backend.infer(test.images).argmax(1) == test.labels).mean()
    stated = read_bundle(SHIPPED).entry(file).parity["accuracy"]
    assert accuracy > 0.99
    assert abs(accuracy - stated) <= 0.0005  # kernels of other processors round otherwise


def test_no_path_of_a_machine_is_shipped():
    for manifest in ROOT.glob("artifacts/*/manifest.json"):
        text = manifest.read_text(encoding="utf-8")
        assert "/home/" not in text
        assert str(ROOT) not in text


def test_a_blank_image_is_answered_and_not_feared():
    with Classifier.open() as classifier:
        found = classifier.predict(np.zeros((28, 28), np.uint8))
        assert found.label in classifier.labels


def test_what_bench_offers_is_not_hidden_by_a_module_of_the_same_name():
    bench = importlib.import_module("mnist_edge.bench")
    compare_module = importlib.import_module("mnist_edge.bench.compare")
    parity_module = importlib.import_module("mnist_edge.bench.parity")
    assert bench.compare is parity_module.compare
    assert bench.compare_records is compare_module.compare
    assert all(hasattr(bench, name) for name in bench.__all__)

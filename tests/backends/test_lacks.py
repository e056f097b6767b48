"""Models that need more than a runtime knows: said before loading, in the ladder and by doctor."""

import hashlib
import json
import shutil

import pytest

from mnist_edge import Classifier, open_backend
from mnist_edge.backends import lacks
from mnist_edge.backends.ladder import LADDER
from mnist_edge.bundle import manifest_text, read_bundle
from mnist_edge.errors import ModelError
from mnist_edge.structure import examine

pytestmark = pytest.mark.needs("tensorflow-lite", "litert", "onnxruntime")


@pytest.fixture(scope="module")
def newer(bundle):
    """An int8 model whose first operator is of a version that no runtime knows."""
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    content = (bundle.folder / "edge-int8.tflite").read_bytes()
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    model.operatorCodes[0].version = 99
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.fixture
def folder(bundle, newer, tmp_path):
    """A bundle whose manifest vouches for that model, and for a float32 ONNX."""
    copy = tmp_path / "copy"
    shutil.copytree(bundle.folder, copy)
    (copy / "edge-int8.tflite").write_bytes(newer)
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    kept = ("edge-int8.tflite", "edge-float32.onnx")
    manifest["models"] = [model for model in manifest["models"] if model["file"] in kept]
    for model in manifest["models"]:
        if model["file"] == "edge-int8.tflite":
            model["sha256"], model["bytes"] = hashlib.sha256(newer).hexdigest(), len(newer)
    (copy / "manifest.json").write_text(manifest_text(manifest), encoding="utf-8")
    return copy


def test_every_tflite_runtime_is_told_before_it_loads(newer, monkeypatch):
    monkeypatch.setattr("mnist_edge.backends.litert.importlib", None)  # nothing can be loaded
    with pytest.raises(ModelError) as caught:
        open_backend(newer)
    assert "litert cannot run model in memory: " in str(caught.value)
    assert "version 99 is needed, ai-edge-litert 2.3.0 knows up to" in str(caught.value)
    with pytest.raises(ModelError, match="version 99 is needed"):
        open_backend(newer, "litert")


def test_a_model_that_all_know_lacks_nothing(bundle):
    content = (bundle.folder / "edge-int8.tflite").read_bytes()
    structure = examine(content, "a")
    able = [row for row in LADDER if "tflite" in row.formats]
    assert [lacks(row, structure) for row in able] == [None] * 3


def test_a_bundle_falls_to_the_next_rung_and_says_why(folder):
    with Classifier.open(folder) as classifier:
        assert classifier.path.name == "edge-float32.onnx"
        first, _second = classifier.backend.passed_over
    assert first.startswith("litert: litert cannot run ")
    assert "version 99 is needed" in first
    with pytest.raises(ModelError, match="version 99 is needed"):
        Classifier.open(folder, runtime="litert")


def test_the_doctor_says_what_the_bundle_needs_that_is_not_there(folder):
    from mnist_edge.doctor import diagnose

    found = {each.name: each for each in diagnose(read_bundle(folder)).findings}
    assert found["edge-int8.tflite"].state == "warn"
    assert "version 99 is needed" in found["edge-int8.tflite"].value
    assert found["edge-float32.onnx"].state == "ok"
    assert found["answer"].state == "note"  # it answers, by a runtime further down
    assert "edge-float32.onnx on onnxruntime answers" in found["answer"].value


def test_a_lone_onnx_file_is_checked_by_onnx_where_it_is_installed(bundle, tmp_path, monkeypatch):
    import onnx

    model = onnx.load(bundle.folder / "edge-float32.onnx")
    next(node for node in model.graph.node if node.op_type == "Conv").input.pop(0)
    lone = tmp_path / "lone.onnx"
    onnx.save(model, lone)
    with pytest.raises(ModelError, match="is damaged"):
        open_backend(lone)
    seen = []
    monkeypatch.setattr("onnx.checker.check_model", lambda content: seen.append(len(content)))
    shutil.copy(bundle.folder / "edge-float32.onnx", lone)
    open_backend(lone).close()
    open_backend(bundle.folder / "edge-float32.onnx").close()
    assert seen == [lone.stat().st_size]  # a bundle's is vouched for

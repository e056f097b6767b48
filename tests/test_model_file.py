import hashlib
import json
import shutil

import pytest

from mnist_edge import Classifier, open_backend
from mnist_edge.bundle import manifest_text, read_bundle
from mnist_edge.errors import BundleError, ModelError
from mnist_edge.model_file import SHIPPED, format_of, of_bundle, read_model


@pytest.mark.parametrize("file", ["edge-int8.tflite", "edge-float32.onnx", "edge.keras"])
def test_the_format_is_read_from_the_bytes(bundle, file):
    content = (bundle.folder / file).read_bytes()
    assert format_of(content) == file.partition(".")[2] == read_model(content).format


def test_a_bundle_vouches_for_its_models_and_names_their_classes(bundle):
    for entry in bundle.models:
        model = read_model(bundle.folder / entry.file)
        assert model == of_bundle(bundle, entry)
        assert model.vouched
        assert model.labels == ("0", "1", "2", "3")


def test_nobody_vouches_for_a_lone_file_or_bytes(bundle, tmp_path):
    path = shutil.copy(bundle.folder / "edge-int8.tflite", tmp_path)
    assert not read_model(path).vouched
    assert read_model(path).labels is None
    assert not read_model(memoryview(b"anything")).vouched


def test_a_file_beside_a_manifest_that_does_not_name_it_is_not_vouched_for(bundle, tmp_path):
    shutil.copytree(bundle.folder, tmp_path / "copy")
    (tmp_path / "copy" / "other.tflite").write_bytes(b"")
    model = read_model(tmp_path / "copy" / "other.tflite")
    assert (model.vouched, model.labels) == (False, ("0", "1", "2", "3"))


def test_a_changed_model_of_a_bundle_is_refused(bundle, tmp_path):
    shutil.copytree(bundle.folder, tmp_path / "copy")
    path = tmp_path / "copy" / "edge-int8.tflite"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleError, match="SHA-256"):
        read_model(path)
    with pytest.raises(BundleError, match="SHA-256"):
        of_bundle(read_bundle(path.parent), bundle.entry("edge-int8.tflite"))


def test_what_cannot_be_read_says_so(tmp_path, monkeypatch):
    with pytest.raises(ModelError, match="no model at"):
        read_model(tmp_path / "a.tflite")
    (tmp_path / "a.tflite").write_bytes(b"")

    def denied(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", denied)
    with pytest.raises(ModelError, match=r"cannot read .*: Permission denied"):
        read_model(tmp_path / "a.tflite")


@pytest.mark.needs("litert")
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_open_and_answer_as_their_file_does(bundle, dataset, kind):
    path = bundle.folder / "edge-int8.tflite"
    images = dataset.test.images[:5]
    with Classifier.open(kind(path.read_bytes())) as given, Classifier.open(path) as read:
        assert (given.probabilities(images) == read.probabilities(images)).all()
        assert given.labels == ("0", "1", "2", "3")
    with open_backend(kind(path.read_bytes()), "litert") as backend:
        assert backend.classes == 4


@pytest.mark.needs("onnx")
def test_bytes_that_are_no_model_are_named_as_what_they_are():
    with pytest.raises(ModelError, match="model in memory"):
        Classifier.open(b"just some text, no model")
    with pytest.raises(ModelError, match="model in memory"):
        Classifier.open(b"")


@pytest.mark.needs("tflite")
def test_a_bundle_is_examined_but_for_our_own(bundle, tmp_path):
    """A manifest says nothing of who wrote it: its hash may be that of a hostile file."""
    folder = tmp_path / "hostile"
    shutil.copytree(bundle.folder, folder)
    content = b"\x1c\x00\x00\x00TFL3" + bytes(40)
    (folder / "edge-int8.tflite").write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for model in manifest["models"]:
        if model["file"] == "edge-int8.tflite":
            model["sha256"], model["bytes"] = hashlib.sha256(content).hexdigest(), len(content)
    (folder / "manifest.json").write_text(manifest_text(manifest), encoding="utf-8")
    with pytest.raises(ModelError, match="is damaged"):
        open_backend(folder / "edge-int8.tflite")
    assert [of_bundle(read_bundle(SHIPPED), e).ours for e in read_bundle(SHIPPED).models] == [
        True,
        True,
    ]
    assert not any(of_bundle(bundle, entry).ours for entry in bundle.models)

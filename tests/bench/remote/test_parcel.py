"""What a board is sent."""

import base64
import hashlib
import io
import json
import zipfile

import numpy as np
import pytest

import mnist_edge
from mnist_edge.bench.remote import parcel as parcels
from mnist_edge.bench.remote.parcel import IMAGES, PIP, WHEEL, make_parcel, make_wheel
from mnist_edge.bundle import read_bundle
from mnist_edge.errors import BundleError, MissingExtraError, ModelError


@pytest.fixture(scope="module")
def sent(small, dataset):
    return make_parcel([small], dataset)


def test_a_bundle_is_sent_without_what_no_board_can_open(sent, small, tmp_path):
    (place,) = sent.paths
    names = {name for name in sent.files if name.startswith(place)}
    assert {name.rpartition("/")[2] for name in names} == {
        "manifest.json", "edge-float32.onnx", "edge-float32.tflite", "edge-int8.tflite",
        *(path.name for path in small.glob("*.npz")),
    }  # fmt: skip
    for name in names:
        (tmp_path / name.rpartition("/")[2]).write_bytes(sent.files[name])
    bundle = read_bundle(tmp_path)
    assert [entry.file for entry in bundle.models if bundle.read_file(entry)] == [
        entry.file for entry in read_bundle(small).models if entry.format != "keras"
    ]
    assert sent.formats == {"tflite", "onnx"}
    assert sent.paths[place] == small


def test_images_go_with_the_name_and_hash_of_the_whole(sent, dataset):
    with np.load(io.BytesIO(sent.files[IMAGES])) as arrays:
        assert (arrays["images"] == dataset.test.images).all()
        assert (arrays["truth"] == dataset.test.truth).all()
    assert sent.dataset == {
        "name": dataset.name, "sha256": dataset.sha256, "labels": list(dataset.labels),
    }  # fmt: skip


def test_a_lone_model_goes_with_its_manifest_if_it_has_one(small, dataset, tmp_path):
    model = small / "edge-int8.tflite"
    found = make_parcel([model], dataset)
    assert list(found.paths.values()) == [model]
    manifest = json.loads(found.files["models/0/small/manifest.json"])
    assert [item["file"] for item in manifest["models"]] == [model.name]
    alone = tmp_path / "mine.tflite"
    alone.write_bytes(model.read_bytes())
    names = [name for name in make_parcel([alone], dataset).files if name.startswith("models/")]
    assert names == [f"models/0/{tmp_path.name}/mine.tflite"]


def test_what_cannot_be_sent_is_refused_before_anybody_is_called(small, dataset, tmp_path):
    with pytest.raises(BundleError, match=r"edge\.keras has no \.tflite or \.onnx model"):
        make_parcel([small / "edge.keras"], dataset)
    (tmp_path / "mine.keras").write_bytes(b"PK\x03\x04")
    with pytest.raises(ModelError, match="is for Keras, which boards do not have"):
        make_parcel([tmp_path / "mine.keras"], dataset)
    with pytest.raises(ModelError, match="no model or bundle at"):
        make_parcel([tmp_path / "absent.tflite"], dataset)


def test_the_wheel_is_this_package_and_holds_together():
    wheel = make_wheel()
    assert make_wheel() == wheel
    assert mnist_edge.__version__ in WHEEL
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        names = archive.namelist()
        content = {name: archive.read(name) for name in names}
    assert "mnist_edge/shipped/edge/manifest.json" in names
    assert "mnist_edge/bench/on_device.py" in names
    assert not [name for name in names if "__pycache__" in name]
    (record,) = (text.decode() for name, text in content.items() if name.endswith("RECORD"))
    listed = dict(line.split(",")[:2] for line in record.splitlines())
    assert set(listed) == set(names)
    for name, stated in listed.items():
        if stated:
            digest = base64.urlsafe_b64encode(hashlib.sha256(content[name]).digest()).decode()
            assert stated == f"sha256={digest.rstrip('=')}"


def test_pip_goes_along_from_wherever_this_python_has_it(sent, monkeypatch):
    with zipfile.ZipFile(io.BytesIO(sent.files[PIP])) as archive:
        assert "pip/__main__.py" in archive.namelist()
    found = parcels.find_spec
    monkeypatch.setattr(parcels, "find_spec", lambda name: None if name == "pip" else found(name))
    with zipfile.ZipFile(io.BytesIO(parcels._pip())) as archive:  # ensurepip's
        assert "pip/__main__.py" in archive.namelist()
    monkeypatch.setattr(parcels, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match="python -m ensurepip"):
        parcels._pip()

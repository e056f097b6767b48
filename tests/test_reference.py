import json
import shutil

import numpy as np
import pytest

from mnist_edge import reference
from mnist_edge.archive import packed
from mnist_edge.bundle import manifest_text, read_bundle
from mnist_edge.digest import sha256_hex
from mnist_edge.errors import BundleError
from mnist_edge.reference import read, stored_reference, write
from mnist_edge.verify import verify

IMAGES = np.random.default_rng(0).integers(0, 256, (500, 4, 4), np.uint8)


def probabilities(count=500, classes=10, seed=0):
    """As sure as a network's: exponentials of wide numbers, float32 [N,K]."""
    logits = np.random.default_rng(seed).normal(0, 6, (count, classes))
    found = np.exp(logits - logits.max(1, keepdims=True))
    return (found / found.sum(1, keepdims=True)).astype(np.float32)


def make(folder, found, images=IMAGES, **changes):
    """A bundle of no models with stored answers."""
    folder.mkdir(exist_ok=True)
    about = {**write(folder, found, images, "test"), **changes}
    labels = [str(index) for index in range(found.shape[1])]
    manifest = {"schema": 1, "name": "own", "labels": labels, "models": [], "reference": about}
    (folder / "manifest.json").write_text(manifest_text(manifest), encoding="utf-8")
    return read_bundle(folder)


@pytest.mark.parametrize(("count", "classes"), [(1, 2), (500, 10), (500, 300)])
def test_what_is_read_names_the_same_classes_and_is_as_sure(tmp_path, count, classes):
    found = probabilities(count, classes)
    came = read(make(tmp_path, found, IMAGES[:count]), IMAGES[:count])
    assert came.dtype == np.float32
    assert (came.argmax(1) == found.argmax(1)).all()
    assert np.abs(came - found).max() <= 1e-6


def test_answers_that_rounding_would_make_equal_name_the_same_class(tmp_path):
    below, third = np.nextafter(np.float32(0.5), np.float32(0)), np.float32(1 / 3)
    found = np.float32(
        [
            [below, 0.5, 0],
            [0.5, below, 0],
            [0.25, 0.5, 0.25],
            [0.5, 0.5, 0],
            [1, 0, 0],
            [third, third, np.nextafter(third, np.float32(1))],
        ]
    )
    came = stored_reference(make(tmp_path, found, IMAGES[:6]).folder, IMAGES[:6])
    assert came.argmax(1).tolist() == found.argmax(1).tolist() == [1, 0, 1, 0, 0, 2]
    assert np.abs(came - found).max() <= 1e-6


def test_the_file_is_small_and_the_same_every_time(tmp_path):
    found = probabilities(2000)
    images = np.zeros((2000, 2, 2), np.uint8)
    first, again = (write(make(tmp_path / each, found, images).folder, found, images, "test")
                    for each in "ab")  # fmt: skip
    assert first == again
    assert (tmp_path / "a" / reference.FILE).read_bytes() == (
        tmp_path / "b" / reference.FILE
    ).read_bytes()
    assert first["bytes"] < len(packed({"plain": found})) / 2


def test_answers_are_for_just_those_images(tmp_path):
    bundle = make(tmp_path, probabilities())
    assert read(bundle, IMAGES) is not None
    assert read(bundle, IMAGES[..., None]) is not None  # the same pixels
    assert read(bundle, IMAGES[:-1]) is None
    assert read(bundle, IMAGES[::-1]) is None
    without = bundle._replace(manifest={**bundle.manifest, "reference": None})
    assert read(without, IMAGES) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "0" * 64},
        {"bytes": 1},
        {"file": "../reference.npz"},
        {"file": "absent.npz"},
        {"count": 499},
        {"images_sha256": None},
    ],
)
def test_a_manifest_that_denies_the_file_is_refused(tmp_path, changes):
    bundle = make(tmp_path, probabilities(), **changes)
    with pytest.raises(BundleError, match=r"anew"):
        read(bundle, IMAGES)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        packed({"other": np.zeros(3)}),
        packed({"planes": np.zeros((3, 500, 10), np.float32)}),
        packed({"planes": np.zeros((2, 500, 10), np.uint8)}),
        packed({"planes": np.zeros((3, 500, 9), np.uint8)}),
    ],
)
def test_a_file_that_holds_something_else_is_refused(tmp_path, content):
    found = probabilities()
    about = {"sha256": sha256_hex(content), "bytes": len(content)}
    bundle = make(tmp_path, found, **about)
    (tmp_path / reference.FILE).write_bytes(content)
    with pytest.raises(BundleError, match=r"anew"):
        read(bundle, IMAGES)


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    bundle = make(tmp_path, probabilities())
    monkeypatch.setattr(reference, "MOST_UNPACKED", 100)
    with pytest.raises(BundleError, match="at most 100 are read"):
        read(bundle, IMAGES)


@pytest.mark.parametrize("about", ["reference.npz", [], {}, 1])
def test_a_manifest_that_says_nothing_of_use_is_refused(tmp_path, about):
    bundle = make(tmp_path, probabilities())
    with pytest.raises(BundleError, match="export it anew"):
        read(bundle._replace(manifest={**bundle.manifest, "reference": about}), IMAGES)


def test_export_writes_what_keras_says_of_the_test_images(bundle, dataset):
    about = bundle.manifest["reference"]
    assert (about["count"], about["split"]) == (len(dataset.test), "test")
    assert about["images_sha256"] == reference.images_sha256(dataset.test.images)
    came = stored_reference(bundle.folder, dataset.test.images)
    right = (came.argmax(1) == dataset.test.labels).mean()
    assert right == bundle.entry("edge-int8.tflite").parity["reference_accuracy"]
    with np.load(bundle.folder / "golden.npz") as golden:
        places = [
            int(np.flatnonzero((dataset.test.images == image).all((1, 2)))[0])
            for image in golden["images"]
        ]
        assert np.abs(came[places] - golden["reference"]).max() <= 1e-6


@pytest.mark.needs("keras")
def test_what_is_stored_is_what_keras_says_here(bundle, dataset):
    from mnist_edge.backends import open_backend

    with open_backend(bundle.folder / "edge.keras", "keras") as backend:
        said = backend.infer(dataset.test.images)
    came = stored_reference(bundle.folder, dataset.test.images)
    assert np.abs(came - said).max() <= 2e-6


def test_verify_and_doctor_tell_of_damage(bundle, tmp_path):
    from mnist_edge.doctor.of_bundle import _reference

    folder = tmp_path / "copy"
    shutil.copytree(bundle.folder, folder)
    (whole,) = (each for each in verify(read_bundle(folder)) if each.file == reference.FILE)
    assert whole
    assert "200 images" in whole.detail
    (fine,) = _reference(read_bundle(folder))
    assert (fine.value, fine.state) == ("200, whole", "ok")
    content = bytearray((folder / reference.FILE).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / reference.FILE).write_bytes(content)
    (damaged,) = (each for each in verify(read_bundle(folder)) if each.file == reference.FILE)
    assert not damaged
    assert "copy the bundle anew" in damaged.detail
    (bad,) = _reference(read_bundle(folder))
    assert bad.state == "bad"


def test_a_bundle_of_before_loads_and_has_none(bundle, dataset, tmp_path):
    folder = tmp_path / "old"
    shutil.copytree(bundle.folder, folder)
    (folder / reference.FILE).unlink()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    del manifest["reference"]
    (folder / "manifest.json").write_text(manifest_text(manifest), encoding="utf-8")
    assert stored_reference(folder, dataset.test.images) is None
    assert all(verify(read_bundle(folder), "onnxruntime"))

import hashlib
import io
import json
import shutil
import zipfile

import numpy as np
import pytest

from mnist_edge import verify as verify_module
from mnist_edge.bundle import manifest_text, read_bundle
from mnist_edge.errors import BundleError
from mnist_edge.tolerance import tolerances
from mnist_edge.verify import verify

FILES = [f"edge-{kind}.tflite" for kind in ("float32", "float16", "dynamic", "int8", "int16x8")]
FILES += ["edge-float32.onnx", "edge-dynamic.onnx", "edge-int8.onnx"]


@pytest.fixture
def copy(bundle, tmp_path):
    shutil.copytree(bundle.folder, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.mark.needs("litert", "onnxruntime", "tensorflow-lite", "keras")
def test_every_model_holds_on_every_runtime(bundle):
    findings = verify(bundle)
    assert all(findings)
    pairs = {(each.file, each.runtime) for each in findings}
    assert ("edge-int8.tflite", "litert") in pairs
    assert ("edge-int8.onnx", "onnxruntime") in pairs
    assert ("edge.keras", "keras") in pairs
    assert ("reference.npz", None) in pairs
    assert len(pairs) == 2 * 5 + 3 + 1 + 1


@pytest.mark.needs("onnxruntime")
def test_one_runtime_hashes_the_rest(bundle):
    findings = verify(bundle, "onnxruntime")
    assert all(findings)
    ran = {each.file for each in findings if each.runtime}
    assert ran == {"edge-float32.onnx", "edge-dynamic.onnx", "edge-int8.onnx"}
    assert all("hash holds" in each.detail for each in findings if not each.runtime)


def test_a_damaged_model_does_not_hold(copy):
    path = copy / "edge-int8.onnx"
    content = bytearray(path.read_bytes())
    content[-100] ^= 4
    path.write_bytes(content)
    bad = [each for each in verify(read_bundle(copy), "onnxruntime") if not each]
    assert [each.file for each in bad] == ["edge-int8.onnx"]
    assert "SHA-256" in bad[0].detail


def change_golden(folder, **arrays):
    with np.load(folder / "golden.npz") as golden:
        changed = {**golden, **arrays}
    buffer = io.BytesIO()
    np.savez(buffer, **{name: array for name, array in changed.items() if array is not None})
    put_golden(folder, buffer.getvalue())


def put_golden(folder, content):
    bundle = read_bundle(folder)
    (folder / "golden.npz").write_bytes(content)
    bundle.manifest["golden"]["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / "manifest.json").write_text(manifest_text(bundle.manifest), encoding="utf-8")


@pytest.mark.needs("onnxruntime")
def test_answers_that_are_others_do_not_hold(copy):
    with np.load(copy / "golden.npz") as golden:
        other = np.roll(golden["edge-float32.onnx"], 1, axis=1)
    change_golden(copy, **{"edge-float32.onnx": other})
    bad = [each for each in verify(read_bundle(copy), "onnxruntime") if not each]
    assert [each.file for each in bad] == ["edge-float32.onnx"]
    assert "other labels" in bad[0].detail


@pytest.mark.needs("onnxruntime")
def test_a_float_is_held_more_closely_than_an_int8(copy):
    with np.load(copy / "golden.npz") as golden:
        moved = {
            name: golden[name] + np.float32(0.01)
            for name in ("edge-float32.onnx", "edge-int8.onnx")
        }
    change_golden(copy, **moved)
    bad = [each.file for each in verify(read_bundle(copy), "onnxruntime") if not each]
    assert bad == ["edge-float32.onnx"]
    assert tolerances("onnx", "float32")["onnxruntime"] < 0.01
    assert tolerances("onnx", "int8")["onnxruntime"] > 0.01


@pytest.mark.needs("onnxruntime")
def test_a_wrong_label_does_not_hold_however_little_it_differs(copy, monkeypatch):
    from mnist_edge.backends.onnxrt import OnnxRuntimeBackend

    images = np.zeros((2, 28, 28), np.uint8)
    wanted = np.float32([[0.53, 0.47, 0, 0]] * 2)
    run = OnnxRuntimeBackend._run

    def other(self, raw):
        came = np.float32([[0.47, 0.53, 0, 0]] * len(raw))
        return came if self.output.quant is None and not raw.any() else run(self, raw)

    monkeypatch.setattr(OnnxRuntimeBackend, "_run", other)
    arrays = dict.fromkeys((*FILES, "reference"), wanted)
    change_golden(copy, images=images, labels=np.zeros(2, np.uint8), **arrays)
    found = {each.file: each for each in verify(read_bundle(copy), "onnxruntime")}
    assert "2 other labels" in found["edge-float32.onnx"].detail


@pytest.mark.needs("onnxruntime")
def test_the_way_of_one_image_is_verified_too(copy, monkeypatch):
    from mnist_edge.backends.onnxrt import OnnxRuntimeBackend

    run = OnnxRuntimeBackend._run_image
    monkeypatch.setattr(
        OnnxRuntimeBackend, "_run_image", lambda self, image: np.roll(run(self, image), 1)
    )
    bad = [each.file for each in verify(read_bundle(copy), "onnxruntime") if not each]
    assert "edge-float32.onnx" in bad


@pytest.mark.needs("onnxruntime")
def test_the_manifest_says_how_close_each_runtime_must_come(copy):
    with np.load(copy / "golden.npz") as golden:
        moved = golden["edge-float32.onnx"] + np.float32(0.01)
    change_golden(copy, **{"edge-float32.onnx": moved})
    found = {each.file: each for each in verify(read_bundle(copy), "onnxruntime")}
    assert not found["edge-float32.onnx"]
    assert found["edge-float32.onnx"].worst == pytest.approx(0.01, abs=1e-5)
    text = (copy / "manifest.json").read_text(encoding="utf-8")
    manifest = json.loads(text)
    for model in manifest["models"]:
        model["tolerance"] = {"onnxruntime": 0.02, "other": 1e-9}
    (copy / "manifest.json").write_text(manifest_text(manifest), encoding="utf-8")
    found = {each.file: each for each in verify(read_bundle(copy), "onnxruntime")}
    assert found["edge-float32.onnx"].tolerance == 0.02
    assert all(found.values())


def test_export_states_a_tolerance_for_every_model(bundle):
    for model in bundle.manifest["models"]:
        assert model["tolerance"] == tolerances(model["format"], model["quantization"])
        assert 0 < min(model["tolerance"].values()) < model["tolerance"]["other"] < 0.1


def test_golden_samples_that_are_absent_or_damaged_are_named(copy):
    (copy / "golden.npz").write_bytes(b"half")
    with pytest.raises(BundleError, match=r"golden\.npz has SHA-256"):
        verify(read_bundle(copy))
    bundle = read_bundle(copy)
    shutil.copy(copy / "manifest.json", copy.parent / "outside.npz")
    bundle.manifest["golden"]["file"] = "../outside.npz"
    with pytest.raises(BundleError, match="leaves the bundle"):
        verify(bundle)
    del bundle.manifest["golden"]
    with pytest.raises(BundleError, match="has no golden samples"):
        verify(bundle)


@pytest.mark.parametrize(
    "arrays",
    [
        {"images": None},
        {"reference": None},
        {"images": np.zeros((20, 28, 28), np.float32)},
        {"images": np.zeros((0, 28, 28), np.uint8), "reference": np.zeros((0, 4), np.float32)},
        {"reference": np.full((20, 4), np.nan, np.float32)},
        {"reference": np.zeros((19, 4), np.float32)},
        {"edge-int8.onnx": np.zeros(20, np.float32)},
        {"edge-int8.onnx": np.zeros((20, 4), "<U4")},
        {"edge-int8.onnx": np.zeros((20, 4), object)},
    ],
)
def test_golden_samples_that_are_something_else_are_refused(copy, arrays):
    change_golden(copy, **arrays)
    with pytest.raises(BundleError, match="has no golden samples"):
        verify(read_bundle(copy))


@pytest.mark.parametrize("at", [8, 40, 150, -30])
def test_a_golden_archive_that_is_broken_within_is_refused(copy, at):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", (copy / "golden.npz").read_bytes())
    content = bytearray(packed.getvalue())
    content[at] ^= 0xFF
    put_golden(copy, bytes(content))
    with pytest.raises(BundleError, match="has no golden samples"):
        verify(read_bundle(copy))


def test_golden_samples_that_would_fill_the_memory_are_not_unpacked(copy):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", bytes(verify_module.MOST_UNPACKED + 1))
    put_golden(copy, packed.getvalue())
    with pytest.raises(BundleError, match="at most 67108864 are read"):
        verify(read_bundle(copy))

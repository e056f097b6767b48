import base64
import hashlib
import json
import re
import shutil

import numpy as np
import pytest

from mnist_edge.bundle import read_bundle
from mnist_edge.errors import BundleError
from mnist_edge.report.pad import fragment, obstacle

ROOM = 52_000  # bytes of all but the model and the samples


@pytest.fixture
def copied(artifacts, tmp_path):
    """A copy of the shipped nano whose manifest the test changes: `copied(change)`."""

    def copy(change):
        folder = tmp_path / "copy"
        shutil.copytree(artifacts / "nano", folder)
        path = folder / "manifest.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        change(manifest)
        path.write_text(json.dumps(manifest), encoding="utf-8")
        return read_bundle(folder)

    return copy


def argument(pad):
    """What the script gives to startPad."""
    return json.loads(re.search(r"^startPad\((\{.*\})\);$", pad.script, re.MULTILINE)[1])


@pytest.mark.parametrize("name", ["edge", "micro", "nano"])
def test_a_pad_holds_the_very_model_and_one_sample_of_each_class(name, artifacts):
    bundle = read_bundle(artifacts / name)
    assert obstacle(bundle) is None
    pad = fragment(bundle)
    given = argument(pad)
    entry = bundle.entry(f"{name}-int8.tflite")
    assert base64.b64decode(given["model"]) == bundle.read_file(entry)
    assert given["sha256"] == entry.sha256
    assert [sample["label"] for sample in given["samples"]] == list(bundle.labels)
    golden = np.load(bundle.folder / "golden.npz")
    for sample in given["samples"]:
        image = np.frombuffer(base64.b64decode(sample["image"]), np.uint8).reshape(28, 28)
        place = list(golden["labels"]).index(bundle.labels.index(sample["label"]))
        np.testing.assert_array_equal(image, golden["images"][place])
    assert sum(map(len, pad)) - len(given["model"]) - 1200 * len(given["samples"]) < ROOM
    assert f"{entry.bytes:,} bytes" in pad.html


def test_nothing_is_loaded_and_every_name_has_the_prefix(artifacts):
    pad = fragment(read_bundle(artifacts / "nano"))
    for word in ("http:", "https:", "url(", "import ", "fetch(", "eval(", "src=", "@import"):
        assert word not in "".join(pad), word
    names = re.findall(r'(?:id|class)="([^"]*)"', pad.html)
    names += re.findall(r"[.#](-?[a-z][\w-]*)[^;{}]*\{", pad.style)
    assert len(names) > 40
    assert all(name.startswith("pad-") for each in names for name in each.split())


def test_labels_cannot_leave_the_script(copied):
    strange = ["</script><img src=x>", "<!--", "\u2028", '"', "\\", "5", "6", "7", "8", "9"]
    pad = fragment(copied(lambda manifest: manifest.update(labels=strange)))
    assert "<img" not in pad.script
    assert "<!--" not in pad.script
    assert argument(pad)["labels"] == strange


def test_the_threshold_is_the_callers(artifacts):
    assert (
        argument(fragment(read_bundle(artifacts / "nano"), reject_below=0.5))["rejectBelow"] == 0.5
    )


def test_without_an_int8_model_there_is_none(copied):
    def change(manifest):
        manifest["models"] = [row for row in manifest["models"] if row["quantization"] != "int8"]

    bundle = copied(change)
    assert fragment(bundle) is None
    assert "has no int8 .tflite" in obstacle(bundle)


def test_for_other_images_there_is_none(copied):
    bundle = copied(lambda manifest: manifest["input"].update(shape=[32, 32, 3]))
    assert fragment(bundle) is None
    assert "takes images of 32x32x3" in obstacle(bundle)


def test_a_model_with_other_operators_has_none(foreign, copied):
    def change(manifest):
        for row in manifest["models"]:
            if row["file"] == "nano-int8.tflite":
                row["sha256"] = hashlib.sha256(foreign).hexdigest()

    bundle = copied(change)
    (bundle.folder / "nano-int8.tflite").write_bytes(foreign)
    assert fragment(bundle) is None
    assert obstacle(bundle) == "nano-int8.tflite needs LOG_SOFTMAX, which the pad lacks"


def test_a_model_that_computes_in_float_has_none(copied):
    def change(manifest):
        rows = {row["file"]: row for row in manifest["models"]}
        manifest["models"] = [{**rows["nano-float32.tflite"], "quantization": "int8"}]

    bundle = copied(change)
    assert fragment(bundle) is None
    said = obstacle(bundle)
    assert said.startswith("nano-float32.tflite has AVERAGE_POOL_2D, CONV_2D, DEPTHWISE_CONV_2D, ")
    assert said.endswith("in other than int8, which the pad lacks")


@pytest.mark.parametrize("file", ["nano-int8.tflite", "golden.npz"])
def test_a_changed_file_is_refused(file, copied):
    bundle = copied(lambda manifest: None)
    path = bundle.folder / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleError, match="changed or damaged"):
        fragment(bundle)


def test_without_golden_samples_there_is_a_pad_without_them(copied):
    pad = fragment(copied(lambda manifest: manifest.pop("golden")))
    assert argument(pad)["samples"] == []

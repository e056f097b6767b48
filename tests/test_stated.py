import json
import shutil
import zipfile

import pytest

from mnist_edge.errors import ModelError
from mnist_edge.stated import image_shape, learnt_from


@pytest.mark.parametrize("file", ["edge-int8.tflite", "edge-float32.onnx", "edge.keras", ""])
def test_a_bundle_and_each_of_its_models_say_their_images(bundle, file):
    assert image_shape(bundle.folder / file) == (28, 28, 1)


@pytest.mark.parametrize("file", ["edge-int8.tflite", "edge-float32.onnx", "edge.keras"])
def test_a_lone_file_says_it_itself(bundle, tmp_path, file):
    shutil.copy(bundle.folder / file, tmp_path)
    assert image_shape(tmp_path / file) == (28, 28, 1)


def test_a_manifest_says_it_for_its_models(bundle, tmp_path):
    folder = tmp_path / "b"
    shutil.copytree(bundle.folder, folder)
    manifest = {**bundle.manifest, "input": {"shape": [20, 24, 3]}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert image_shape(folder) == (20, 24, 3)
    assert image_shape(folder / "edge-int8.tflite") == (20, 24, 3)


def keras_file(path, config):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", config)
    return path


def layers_of(*shape):
    image = {"class_name": "InputLayer", "config": {"batch_shape": list(shape)}}
    return json.dumps({"class_name": "Sequential", "config": {"layers": [{"a": [image]}]}})


def test_the_first_input_of_a_keras_file_counts_however_deep_it_is(tmp_path):
    path = keras_file(tmp_path / "own.keras", layers_of(None, 20, 24, 3))
    assert image_shape(path) == (20, 24, 3)


@pytest.mark.parametrize(
    "config",
    [layers_of(None, None, 24, 3), layers_of(None, 784), layers_of(), "{}", "no json", "[" * 9999],
)
def test_a_keras_file_that_does_not_say_it_is_refused(tmp_path, config):
    path = keras_file(tmp_path / "own.keras", config)
    with pytest.raises(ModelError, match="does not say of what size its images are"):
        image_shape(path)


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match="no model or bundle at"):
        image_shape(tmp_path / "absent.onnx")
    (tmp_path / "text.tflite").write_text("just text")
    with pytest.raises(ModelError, match="is not a TensorFlow Lite model"):
        image_shape(tmp_path / "text.tflite")


def test_a_bundle_and_its_models_say_what_they_learnt_from(bundle, dataset, tmp_path):
    for path in (bundle.folder, bundle.folder / "edge-int8.tflite"):
        assert learnt_from(path) == dataset.sha256
    shutil.copy(bundle.folder / "edge-int8.tflite", tmp_path)
    assert learnt_from(tmp_path / "edge-int8.tflite") is None
    for training in ({}, {"dataset": {}}, {"dataset": "mnist"}, "none"):
        (tmp_path / "manifest.json").write_text(
            json.dumps({**bundle.manifest, "training": training})
        )
        assert learnt_from(tmp_path) is None

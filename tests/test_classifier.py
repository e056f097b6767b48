import pickle
import shutil
import sys
import types

import numpy as np
import pytest

from mnist_edge import Classifier
from mnist_edge.bundle import manifest_text
from mnist_edge.errors import BundleError, InputError, MissingExtraError, ModelError, SettingError

needs = pytest.mark.needs


def test_predict_says_label_confidence_and_probabilities(bundle, dataset):
    with Classifier.open(bundle.folder) as classifier:
        image = dataset.test.images[2]
        found = classifier.predict(image)
        assert found.label == "2" == classifier.labels[found.index]
        assert found.probabilities.dtype == np.float32
        assert found.probabilities.shape == (4,)
        assert found.confidence == found.probabilities[found.index] == found.probabilities.max()
        assert np.array_equal(found.probabilities, classifier.probabilities(image)[0])
        assert "label='2'" in repr(found)


@needs("onnx")
def test_the_caller_owns_the_probabilities(bundle, dataset):
    with Classifier.open(bundle.folder / "edge-float32.onnx") as classifier:
        found = classifier.predict(dataset.test.images[0])
        first = found.probabilities
        first[:] = 0
        assert found.probabilities.max() > 0


def test_a_prediction_outlives_its_classifier_and_travels(bundle, dataset):
    with Classifier.open(bundle.folder) as classifier:
        found = classifier.predict(dataset.test.images[1])
    again = pickle.loads(pickle.dumps(found))
    assert (again.label, again.confidence) == (found.label, found.confidence)
    assert np.array_equal(again.probabilities, found.probabilities)


@needs("tflite")
def test_a_lone_model_beside_somebody_elses_manifest_opens(bundle, tmp_path):
    shutil.copy(bundle.folder / "edge-int8.tflite", tmp_path)
    (tmp_path / "manifest.json").write_text('{"name": "web app"}')
    with Classifier.open(tmp_path / "edge-int8.tflite") as classifier:
        assert len(classifier.labels) == 4


@needs("litert")
def test_a_bundle_gives_int8_tflite_to_litert(bundle):
    with Classifier.open(bundle.folder) as classifier:
        assert classifier.path.name == "edge-int8.tflite"
        assert classifier.backend.runtime == "litert"


@pytest.mark.parametrize(
    ("runtime", "file"),
    [
        pytest.param("onnxruntime", "edge-float32.onnx", marks=needs("onnxruntime")),
        pytest.param("tensorflow-lite", "edge-int8.tflite", marks=needs("tensorflow-lite")),
        pytest.param("keras", "edge.keras", marks=needs("keras")),
    ],
)
def test_a_named_runtime_gets_the_model_that_suits_it(bundle, runtime, file):
    with Classifier.open(bundle.folder, runtime=runtime) as classifier:
        assert (classifier.path.name, classifier.backend.runtime) == (file, runtime)


@needs("onnx")
def test_a_file_in_a_bundle_has_the_bundles_labels(bundle, tmp_path):
    folder = tmp_path / "named"
    shutil.copytree(bundle.folder, folder)
    manifest = folder / "manifest.json"
    text = manifest.read_text(encoding="utf-8")
    before = '"labels": [\n  "0",\n  "1",\n  "2",\n  "3"\n ]'
    assert before in text
    manifest.write_text(text.replace(before, '"labels": ["a", "b", "c", "d"]'), encoding="utf-8")
    with Classifier.open(folder / "edge-int8.onnx") as classifier:
        assert classifier.labels == ("a", "b", "c", "d")


@needs("tflite")
def test_a_lone_file_numbers_its_classes(bundle, tmp_path):
    shutil.copy(bundle.folder / "edge-int8.tflite", tmp_path)
    with Classifier.open(tmp_path / "edge-int8.tflite") as classifier:
        assert classifier.labels == ("0", "1", "2", "3")


def test_labels_that_do_not_fit_are_refused(bundle, tmp_path):
    folder = tmp_path / "wrong"
    shutil.copytree(bundle.folder, folder)
    manifest = folder / "manifest.json"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace('  "2",\n  "3"\n ],', '  "2"\n ],', 1), encoding="utf-8")
    with pytest.raises(ModelError, match="has 4 classes, but there are 3 labels"):
        Classifier.open(folder)


@needs("tflite")
def test_a_damaged_model_is_not_passed_over_for_another(bundle, tmp_path):
    folder = tmp_path / "damaged"
    shutil.copytree(bundle.folder, folder)
    (folder / "edge-int8.tflite").write_bytes(b"gone")
    with pytest.raises(BundleError, match=r"edge-int8\.tflite"):
        Classifier.open(folder)


def test_a_bundle_without_models_says_so(bundle, tmp_path):
    manifest = {**bundle.manifest, "models": []}
    (tmp_path / "manifest.json").write_text(manifest_text(manifest), encoding="utf-8")
    for runtime in (None, "litert"):
        with pytest.raises(BundleError, match="names no models"):
            Classifier.open(tmp_path, runtime=runtime)


@needs("litert")
def test_a_runtime_that_opens_none_of_the_models_says_which_do(bundle, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(bundle.folder, folder)
    models = [model for model in bundle.manifest["models"] if model["format"] == "onnx"]
    manifest = {**bundle.manifest, "models": models}
    (folder / "manifest.json").write_text(manifest_text(manifest), encoding="utf-8")
    with pytest.raises(ModelError, match=r"litert does not open \.onnx files; wanted one of onnx"):
        Classifier.open(folder, runtime="litert")


@needs("litert")
def test_it_says_which_better_model_the_runtime_did_not_take(bundle, monkeypatch):
    from mnist_edge.backends.litert import LiteRTBackend

    opened = LiteRTBackend._open

    def no_int8(self, path, content, threads):
        if "int8.tflite" in path.name:
            raise ModelError("cannot")
        return opened(self, path, content, threads)

    monkeypatch.setattr(LiteRTBackend, "_open", no_int8)
    with Classifier.open(bundle.folder) as classifier:
        assert classifier.path.name == "edge-float32.tflite"
        (line,) = classifier.backend.passed_over
    assert line == "litert does not take edge-int8.tflite: cannot"


def test_what_is_no_path_is_refused(bundle):
    for given in (5, "", object(), ["a"]):
        with pytest.raises(ModelError, match="names no model"):
            Classifier.open(given)
    with pytest.raises(ModelError, match=r"cannot look at|no model"):
        Classifier.open("x" * 5000 + ".tflite")
    for runtime in (5, ["litert"]):
        with pytest.raises(SettingError, match="wanted a name, such as litert"):
            Classifier.open(bundle.folder, runtime=runtime)


@needs("litert", "onnxruntime")
def test_it_says_why_better_runtimes_were_passed_over(bundle, monkeypatch):
    with Classifier.open(bundle.folder) as classifier:
        assert classifier.backend.passed_over == ()
    broken = types.ModuleType("ai_edge_litert.interpreter")
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", broken)
    with Classifier.open(bundle.folder) as classifier:
        assert classifier.backend.runtime == "onnxruntime"
        first, second = classifier.backend.passed_over
        assert first.startswith("litert: litert cannot open")
        assert second.startswith("tflite-runtime: not installed")
    with Classifier.open(bundle.folder, runtime="onnxruntime") as classifier:
        assert classifier.backend.passed_over == ()


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        pytest.param(
            {"runtime": "tflite-runtime"},
            MissingExtraError,
            r"mnist-edge\[tflite\]",
            marks=needs("keras"),  # where Keras is, this one is not
        ),
        ({"runtime": "nothing"}, SettingError, "unknown runtime"),
        ({"threads": 0}, SettingError, "threads is 0"),
    ],
)
def test_settings_that_cannot_be_had_are_refused(bundle, settings, error, said):
    with pytest.raises(error, match=said):
        Classifier.open(bundle.folder, **settings)


def test_absent_places_are_named(tmp_path):
    with pytest.raises(ModelError, match="no model or bundle at"):
        Classifier.open(tmp_path / "nowhere")
    with pytest.raises(BundleError, match="no bundle at"):
        Classifier.open(tmp_path)


def test_predict_takes_one_image(bundle):
    with Classifier.open(bundle.folder) as classifier:
        with pytest.raises(InputError, match="2 images; wanted one"):
            classifier.predict(np.zeros((2, 28, 28), np.uint8))
        with pytest.raises(InputError, match="0 images"):
            classifier.predict(np.zeros((0, 28, 28), np.uint8))


def test_a_closed_classifier_says_so(bundle):
    classifier = Classifier.open(bundle.folder)
    classifier.close()
    classifier.close()
    with pytest.raises(ModelError, match="was closed"):
        classifier.predict(np.zeros((28, 28), np.uint8))

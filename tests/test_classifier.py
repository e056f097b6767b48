import pickle
import shutil
import sys
import types

import numpy as np
import pytest

from mnist_edge import Classifier
from mnist_edge.backends import Backend
from mnist_edge.bundle import manifest_text
from mnist_edge.errors import BundleError, InputError, MissingExtraError, ModelError, SettingError
from mnist_edge.quantize import QuantParams, TensorSpec

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


class Echo(Backend):
    """Says of an image what its first pixels hold, as the high and the low byte of a number."""

    formats = ("tflite",)

    def _open(self, path, content, threads):
        out = TensorSpec("out", (None, 4), self.quant.dtype, self.quant)
        return TensorSpec("in", (None, 28, 28, 1), "float32"), out

    def _run(self, raw):
        high, low, told = np.rint(255 * raw.ravel()[:3]).astype(int)
        row = np.full((1, 4), self.quant.zero_point + round(0.25 / self.quant.scale))
        if told:
            row[:] = self.quant.limits[0]
            row[0, 0] += 256 * high + low
        return row.astype(self.quant.dtype)

    def _close(self):
        pass


def numbered(number):
    image = np.zeros((28, 28), np.uint8)
    image[0, :3] = *divmod(number, 256), 1
    return image


@pytest.fixture
def echo(monkeypatch, bundle):
    """Opens a classifier whose model says what an image holds: `echo(quant, reject_below)`."""

    def opened(quant, reject_below):
        kind = type("Said", (Echo,), {"quant": quant})
        monkeypatch.setattr(
            "mnist_edge.classifier.open_model",
            lambda model, _runtime, threads: kind("echo", model.path, b"", threads),
        )
        path = bundle.folder / bundle.models[-1].file
        return Classifier.open(path, reject_below=reject_below)

    return opened


@pytest.mark.parametrize(
    "quant",
    [
        QuantParams(1 / 256, -128, "int8"),
        QuantParams(1 / 255, -128, "int8"),
        QuantParams(1 / 256, 0, "uint8"),
        QuantParams(1 / 32768, 0, "int16"),
    ],
    ids=str,
)
@pytest.mark.parametrize("below", [0, 1 / 256, 0.5, 127 / 255, 0.7, 0.9, 0.99609375, 1])
def test_a_prediction_is_rejected_where_its_confidence_is_below(echo, quant, below):
    low, high = quant.limits
    whole, step = high - low + 1, 1 if high < 256 else 97
    with echo(quant, below) as classifier:
        rejected = 0
        for number in range(0, whole, step):
            found = classifier.predict(numbered(number))
            assert found.confidence == found.probabilities[0]
            assert (found.label is None) == (found.confidence < below)
            assert found.label in (None, "0")
            rejected += found.label is None
    assert (rejected == 0) == (below == 0 and low == quant.zero_point)


MODELS = [
    pytest.param("edge-int8.tflite", marks=needs("tflite")),
    pytest.param("edge-float32.tflite", marks=needs("tflite")),
    pytest.param("edge-float32.onnx", marks=needs("onnx")),
    pytest.param("edge-int8.onnx", marks=needs("onnx")),
]


@pytest.mark.parametrize("file", MODELS)
def test_a_rejected_prediction_keeps_all_but_its_label(bundle, dataset, file):
    images = dataset.test.images[:40]
    with Classifier.open(bundle.folder / file) as plain:
        wanted = [plain.predict(image) for image in images]
    assert plain.reject_below is None
    below = float(np.median([each.confidence for each in wanted]))  # the one there is not rejected
    with Classifier.open(bundle.folder / file, reject_below=below) as classifier:
        found = [classifier.predict(image) for image in images]
    assert classifier.reject_below == below
    for one, other in zip(found, wanted, strict=True):
        assert one.label == (other.label if other.confidence >= below else None)
        assert (one.index, one.confidence) == (other.index, other.confidence)
        assert np.array_equal(one.probabilities, other.probabilities)
    assert {one.label is None for one in found} == {True, False}


@needs("tflite")
def test_a_bundle_and_the_bytes_of_a_model_reject_as_a_file_does(bundle, dataset):
    content = (bundle.folder / bundle.models[-1].file).read_bytes()
    for given in (bundle.folder, content):
        with Classifier.open(given, reject_below=1) as classifier:
            found = classifier.predict(np.full((28, 28), 60, np.uint8))
        assert found.label is None
        assert found.confidence < 1
        said = f"Prediction(label=None, index={found.index}, confidence={found.confidence:.4f})"
        assert repr(found) == str(found) == said
        again = pickle.loads(pickle.dumps(found))
        assert (again.label, again.index) == (None, found.index)
        assert np.array_equal(again.probabilities, found.probabilities)


@pytest.mark.parametrize(
    "below", [-0.1, 1.1, float("nan"), float("inf"), True, False, "0.9", [0.9], np.bool_(True)]
)
def test_a_share_that_is_none_is_refused_before_anything_is_opened(tmp_path, below):
    with pytest.raises(SettingError, match=r"^reject_below is .*; wanted a number of 0 to 1"):
        Classifier.open(tmp_path / "nowhere", reject_below=below)


def test_a_share_may_be_a_number_of_numpy(bundle):
    for below in (np.float32(0.25), np.int64(1)):
        with Classifier.open(bundle.folder, reject_below=below) as classifier:
            assert classifier.reject_below == below
            assert type(classifier.reject_below) is float

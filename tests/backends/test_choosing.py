import importlib.metadata
import shutil
import sys
import types

import numpy as np
import pytest

from mnist_edge import Classifier
from mnist_edge.backends import Backend, known_runtimes, ladder, open_backend, runtime, runtimes
from mnist_edge.errors import BundleError, MissingExtraError, ModelError, SettingError
from mnist_edge.quantize import TensorSpec

needs = pytest.mark.needs


@needs("litert", "onnxruntime", "tensorflow-lite", "keras")
def test_the_installed_runtimes_are_listed_best_first():
    assert runtimes() == ("litert", "onnxruntime", "tensorflow-lite", "keras")
    assert runtimes(("tflite",)) == ("litert", "tensorflow-lite")
    assert runtimes(("onnx",)) == ("onnxruntime",)


@needs("litert")
def test_the_first_installed_runtime_is_taken(bundle):
    with open_backend(bundle.folder / "edge-int8.tflite") as backend:
        assert backend.runtime == "litert"


def test_an_unknown_runtime_gets_the_nearest_name(bundle):
    with pytest.raises(SettingError, match="did you mean 'litert'"):
        open_backend(bundle.folder / "edge-int8.tflite", "lite-rt")


@needs("keras")  # where Keras is, tflite-runtime is not
def test_an_absent_runtime_gets_its_pip_line(bundle):
    wanted = r'pip install "mnist-edge\[tflite\]"'
    if sys.version_info >= (3, 12):
        wanted = "no wheel of tflite-runtime for Python 3"
    with pytest.raises(MissingExtraError, match=wanted):
        open_backend(bundle.folder / "edge-int8.tflite", "tflite-runtime")


@needs("onnx")
def test_no_runtime_at_all_gets_a_pip_line(bundle, monkeypatch):
    monkeypatch.setattr(runtime, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "mnist-edge\[onnx\]"'):
        open_backend(bundle.folder / "edge-int8.onnx")


@needs("litert")
def test_a_runtime_for_another_format_says_which_would_do(bundle):
    with pytest.raises(ModelError, match="wanted one of onnxruntime"):
        open_backend(bundle.folder / "edge-int8.onnx", "litert")


@needs("litert", "tensorflow-lite")
def test_a_runtime_that_cannot_be_imported_is_passed_over(bundle, monkeypatch):
    broken = types.ModuleType("ai_edge_litert.interpreter")

    def fail(**_settings):
        raise SystemError("built for another numpy")

    broken.Interpreter = fail
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", broken)
    with open_backend(bundle.folder / "edge-int8.tflite") as backend:
        assert backend.runtime == "tensorflow-lite"
    with pytest.raises(ModelError, match=r"litert cannot open .*: built for another numpy"):
        open_backend(bundle.folder / "edge-int8.tflite", "litert")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        pytest.param(
            "a.tflite",
            b"just some text, no model",
            "is not a TensorFlow Lite model",
            marks=needs("tflite"),
        ),
        pytest.param("a.tflite", b"", "is not a TensorFlow Lite model", marks=needs("tflite")),
        # tflite-runtime 2.14 looks at nothing before it reads on: such files ended the process
        pytest.param("a.tflite", b"\x1c\x00\x00\x00TFL3", "is damaged", marks=needs("tflite")),
        pytest.param("a.onnx", b"just some text, no model", "is damaged", marks=needs("onnx")),
        pytest.param("a.onnx", b"\x1c\x00\x00\x00TFL3", "is not an ONNX", marks=needs("onnx")),
        pytest.param("a.onnx", b"", "is damaged", marks=needs("onnx")),
        pytest.param(
            "a.keras", b"just some text, no model", "is not a .keras archive", marks=needs("keras")
        ),
        pytest.param("a.keras", b"", "is not a .keras archive", marks=needs("keras")),
        ("a.pt", b"", "wanted .tflite, .onnx, .keras"),
    ],
)
def test_a_file_that_is_no_model_is_refused_in_one_line(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        open_backend(path)
    assert said in str(caught.value)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "file",
    [
        pytest.param("edge-int8.tflite", marks=needs("tflite")),
        pytest.param("edge-float32.onnx", marks=needs("onnx")),
        pytest.param("edge.keras", marks=needs("keras")),
    ],
)
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_model_is_refused(bundle, tmp_path, file, share):
    content = (bundle.folder / file).read_bytes()
    path = tmp_path / file
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelError):
        open_backend(path)


def test_an_absent_model_says_so(tmp_path):
    with pytest.raises(ModelError, match="no model at"):
        open_backend(tmp_path / "a.tflite")


def test_a_model_that_its_manifest_denies_never_reaches_the_runtime(bundle, tmp_path, monkeypatch):
    folder = tmp_path / "copy"
    shutil.copytree(bundle.folder, folder)
    path = folder / "edge-float32.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1  # ONNX Runtime would open it, and answer wrongly
    path.write_bytes(content)
    monkeypatch.setattr(ladder, "LADDER", ())  # no runtime is even looked for
    with pytest.raises(BundleError, match="SHA-256"):
        open_backend(path)


class Fixed(Backend):
    """Somebody else's runtime: says class 1 whatever it sees."""

    formats = ("onnx",)
    shape = (None, 28, 28, 1)
    gives = (None, 2)

    def _open(self, path, content, threads):
        return TensorSpec("in", self.shape, "float32"), TensorSpec("out", self.gives, "float32")

    def _run(self, raw):
        return np.tile(np.float32([0.25, 0.75]), (len(raw), 1))

    def _close(self):
        pass


class Point:
    name, module, dist = "fixed", "json", None

    @staticmethod
    def load():
        return Fixed


@needs("onnx")
def test_other_packages_add_runtimes_by_entry_point(bundle, monkeypatch):
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [Point()])
    assert known_runtimes()[-1].name == "fixed"
    assert runtimes(("onnx",)) == ("onnxruntime", "fixed")
    with open_backend(bundle.folder / "edge-float32.onnx", "fixed") as backend:
        assert backend.infer(np.zeros((3, 28, 28), np.uint8)).tolist() == [[0.25, 0.75]] * 3


def test_a_broken_runtime_of_somebody_else_is_left_out(monkeypatch):
    class Broken(Point):
        @staticmethod
        def load():
            raise ModuleNotFoundError("No module named 'theirs'")

    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [Broken(), Point()])
    with pytest.warns(RuntimeWarning, match="fixed of json is left out: No module named 'theirs'"):
        assert [row.name for row in known_runtimes()[-2:]] == ["keras", "fixed"]


@pytest.mark.parametrize(
    ("shape", "gives", "said"),
    [
        ((None, 784), (None, 10), r"takes \[\?,784\]; wanted images"),
        ((4, 28, 28, 1), (4, 10), r"takes \[4,28,28,1\]"),
        ((None, None, 28, 1), (None, 10), "takes"),
        ((None, 28, 2**63 - 1, 1), (None, 10), "takes"),
        ((None, 28, 4294967280, 1), (None, 10), "takes"),
        ((None, 28, 0, 1), (None, 10), "takes"),
        ((None, 28, -28, -1), (None, 10), "takes"),
        ((None, 28, 28, 1), (None, 7, 7, 8), r"gives \[\?,7,7,8\]; wanted probabilities"),
        ((None, 28, 28, 1), (None, 1), "gives"),
        ((None, 28, 28, 1), (None, 2**40), "gives"),
    ],
)
def test_what_is_no_image_classifier_is_refused(tmp_path, shape, gives, said):
    backend = type("Other", (Fixed,), {"shape": shape, "gives": gives})
    with pytest.raises(ModelError, match=said):
        backend("other", tmp_path / "a.onnx", b"")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ([3.0, 9.5], "numbers from 3 that sum to 12.5; wanted probabilities"),
        ([-1.0, 2.0], "numbers from -1 that sum to 1; wanted probabilities"),
        ([float("nan"), 0.5], "gives NaN or infinity"),
        ([float("inf"), 0.5], "gives NaN or infinity"),
    ],
)
def test_a_model_that_does_not_give_probabilities_is_refused(tmp_path, row, said):
    backend = type("Other", (Fixed,), {"_run": lambda _self, raw: np.float32([row] * len(raw))})
    with pytest.raises(ModelError, match=said):
        backend("other", tmp_path / "a.onnx", b"")


def test_nan_is_never_an_answer(tmp_path):
    class Turning(Fixed):
        def _run(self, raw):
            row = [np.nan, 0.5] if raw.any() else [0.5, 0.5]
            return np.float32([row] * len(raw))

    backend = Turning("turning", tmp_path / "a.onnx", b"")
    classifier = Classifier(backend, ("a", "b"), tmp_path / "a.onnx")
    assert classifier.predict(np.zeros((28, 28), np.uint8)).confidence == 0.5
    with pytest.raises(ModelError, match="gives NaN"):
        classifier.predict(np.ones((28, 28), np.uint8))
    with pytest.raises(ModelError, match="gives NaN"):
        classifier.probabilities(np.ones((3, 28, 28), np.uint8))


@pytest.mark.parametrize("threads", [0, -1, 1025, "2", 1.0, None])
def test_threads_out_of_range_are_refused(tmp_path, threads):
    with pytest.raises(SettingError, match="wanted a number of 1 to 1024"):
        Fixed("fixed", tmp_path / "a.onnx", b"", threads)


@pytest.mark.parametrize(
    ("gives", "said"),
    [
        (lambda raw: np.full((2 * len(raw), 2), 0.5, np.float32), r"gave \[2,2\] for 1 image"),
        (lambda raw: np.zeros((0, 2), np.float32), r"gave \[0,2\]"),
        (lambda raw: np.full((len(raw), 3), 1 / 3, np.float32), r"gave \[1,3\]"),
        (lambda raw: np.full(2, 0.5, np.float32), r"gave \[2\]"),
    ],
)
def test_an_output_of_another_shape_than_the_model_says_is_refused(tmp_path, gives, said):
    backend = type("Odd", (Fixed,), {"_run": lambda _self, raw: gives(raw)})
    with pytest.raises(ModelError, match=said):
        backend("odd", tmp_path / "a.onnx", b"")


def test_rows_that_are_too_many_for_a_batch_are_refused(tmp_path):
    class Doubling(Fixed):
        def _run(self, raw):
            return np.full((len(raw) if len(raw) == 1 else 2 * len(raw), 2), 0.5, np.float32)

    backend = Doubling("doubling", tmp_path / "a.onnx", b"")
    for call in (backend.infer, lambda images: backend.invoke(backend.encode(images))):
        with pytest.raises(ModelError, match=r"gave \[6,2\] for 3 image\(s\); wanted \[3,2\]"):
            call(np.zeros((3, 28, 28), np.uint8))


def test_messages_are_one_printable_line_whatever_a_runtime_says(tmp_path):
    class Talking(Fixed):
        def _open(self, path, content, threads):
            raise RuntimeError("node \x01\x03\udc80 is odd\nand more" + 400 * "!")

    with pytest.raises(ModelError) as caught:
        Talking("talking", tmp_path / "a.onnx", b"")
    assert str(caught.value).isprintable()
    assert "node ??? is odd" in str(caught.value)
    long = type("Long", (Fixed,), {"shape": (1,) * 400})
    with pytest.raises(ModelError) as caught:
        long("long", tmp_path / "a.onnx", b"")
    assert len(str(caught.value)) < 300

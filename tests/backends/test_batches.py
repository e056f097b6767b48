"""Batches of any size, on the interpreters that LiteRT keeps for them."""

import numpy as np
import pytest

from mnist_edge.backends import litert, open_backend
from mnist_edge.backends.base import CHUNK

needs = pytest.mark.needs
KINDS = [pytest.param(kind, marks=needs("litert")) for kind in ("float32", "int8", "int16x8")]


@pytest.fixture(scope="module", params=KINDS)
def backend(request, bundle):
    with open_backend(bundle.folder / f"edge-{request.param}.tflite", "litert") as opened:
        yield opened


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (3 * CHUNK + 21, 28, 28)).astype(np.uint8)


def close(backend, found, wanted):
    step = 0 if backend.output.quant is None else backend.output.quant.scale
    return found.shape == wanted.shape and np.abs(found - wanted).max() <= step + 1e-5


def test_every_size_gives_what_single_images_give(backend, images):
    single = np.concatenate([backend.infer(image) for image in images])
    for count in (1, 2, 3, 31, 63, CHUNK, CHUNK + 1, len(images)):
        assert close(backend, backend.infer(images[:count]), single[:count]), count


def test_interpreters_stay_few_whatever_sizes_are_asked_for(backend, images):
    for count in range(1, 70, 3):
        backend.infer(images[:count])
    (engine,) = backend._engines.idle
    assert set(engine._sized) <= {1, 2, 4, 8, 16, 32, 64}


def test_invoke_takes_more_than_a_chunk_and_strided_arrays(backend, images):
    raw = backend.encode(images)
    assert close(backend, backend.decode(backend.invoke(raw)), backend.infer(images))
    assert np.array_equal(backend.invoke(raw[::2]), backend.invoke(raw[::2].copy()))
    assert np.array_equal(backend.invoke(raw[:1, ::-1]), backend.invoke(raw[:1, ::-1].copy()))


def test_one_image_goes_straight_to_the_interpreter(backend, images, monkeypatch):
    raw = backend.encode(images[0])
    wanted = backend.invoke(raw)
    monkeypatch.setattr(litert, "in_parts", None)
    assert np.array_equal(backend.invoke(raw), wanted)


@needs("onnxruntime")
def test_onnx_runtime_sees_seven_sizes_at_most(bundle, images):
    with open_backend(bundle.folder / "edge-float32.onnx", "onnxruntime") as backend:
        sizes, run = set(), backend._run_part

        def seen(raw):
            sizes.add(len(raw))
            return run(raw)

        backend._run_part = seen
        for count in range(1, 140):
            assert len(backend.infer(images[:count])) == count
        assert sizes == {1, 2, 4, 8, 16, 32, 64}


@needs("litert")
@pytest.mark.parametrize("fault", ["refuses", "keeps its own size"])
def test_a_model_that_cannot_be_resized_runs_one_by_one(bundle, images, monkeypatch, fault):
    from ai_edge_litert.interpreter import Interpreter

    def refuse(self, *_arguments):
        if fault == "refuses":
            self.allocate_tensors = lambda: (_ for _ in ()).throw(RuntimeError("fixed shape"))

    with open_backend(bundle.folder / "edge-int8.tflite", "litert") as backend:
        wanted = backend.infer(images[:9])
        monkeypatch.setattr(Interpreter, "resize_tensor_input", refuse)
        with open_backend(bundle.folder / "edge-int8.tflite", "litert") as fixed:
            assert close(fixed, fixed.infer(images[:9]), wanted)
            kept = fixed._engines.idle[0]._sized
            assert [size for size, interpreter in kept.items() if interpreter] == [1]


@pytest.mark.parametrize(
    "file",
    [
        pytest.param("edge-int8.tflite", marks=needs("tflite")),
        pytest.param("edge-float32.tflite", marks=needs("tflite")),
        pytest.param("edge-float32.onnx", marks=needs("onnx")),
    ],
)
def test_several_threads_give_the_same_bits_as_one(bundle, images, file):
    path = bundle.folder / file
    with open_backend(path) as one, open_backend(path, threads=3) as three:
        assert np.array_equal(three.infer(images), one.infer(images))

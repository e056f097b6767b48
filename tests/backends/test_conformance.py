"""One suite for every runtime. A runtime that is missing here fails; it is never skipped."""

import threading

import numpy as np
import pytest

from mnist_edge.backends import open_backend
from mnist_edge.errors import InputError, ModelError, SettingError
from mnist_edge.preprocess import to_unit
from mnist_edge.quantize import dequantize

RUNTIMES = {
    "litert": ["float32", "float16", "dynamic", "int16x8", "int8"],
    "tflite-runtime": ["float32", "float16", "dynamic", "int16x8", "int8"],
    "tensorflow-lite": ["float32", "int8"],
    "onnxruntime": ["float32", "int8"],
    "keras": ["float32"],
}


def case(runtime, quantization):
    name = f"{runtime}-{quantization}"
    return pytest.param((runtime, quantization), marks=pytest.mark.needs(runtime), id=name)


CASES = [case(name, kind) for name, kinds in RUNTIMES.items() for kind in kinds]
ONE_EACH = [case(name, kinds[-1]) for name, kinds in RUNTIMES.items()]


def model_path(bundle, runtime, quantization):
    if runtime == "keras":
        return bundle.folder / "edge.keras"
    form = "onnx" if runtime == "onnxruntime" else "tflite"
    return bundle.folder / f"edge-{quantization}.{form}"


@pytest.fixture(params=CASES, scope="module")
def backend(request, bundle):
    with open_backend(model_path(bundle, *request.param), request.param[0]) as opened:
        yield opened


def test_it_says_what_it_takes_and_gives(backend):
    assert backend.image_shape == (28, 28, 1)
    assert backend.classes == 4
    assert backend.input.shape[1:] == (28, 28, 1)
    assert (backend.input.quant is None) == (backend.input.dtype == "float32")
    assert (backend.output.quant is None) == (backend.output.dtype == "float32")


def test_probabilities_are_float32_finite_and_sum_to_1(backend, dataset):
    found = backend.infer(dataset.test.images)
    assert found.dtype == np.float32
    assert found.shape == (len(dataset.test), 4)
    assert np.isfinite(found).all()
    assert np.abs(found.sum(1) - 1).max() < 0.02


def test_it_knows_the_classes(backend, dataset):
    found = backend.infer(dataset.test.images).argmax(1)
    assert (found == dataset.test.labels).mean() > 0.9


def test_one_by_one_is_the_same_as_many_at_once(backend, dataset):
    images = dataset.test.images[:20]
    many = backend.infer(images)
    single = np.concatenate([backend.infer(image) for image in images])
    step = 0 if backend.output.quant is None else backend.output.quant.scale
    assert np.abs(many - single).max() <= step + 1e-5


def test_any_count_can_follow_any_other(backend, dataset):
    images = dataset.test.images
    expected = backend.infer(images)
    for count in (1, 7, 2, 1, 200, 3, 7):
        assert np.abs(backend.infer(images[:count]) - expected[:count]).max() < 0.02


def test_no_image_gives_no_row(backend):
    assert backend.infer(np.empty((0, 28, 28), np.uint8)).shape == (0, 4)


def test_bytes_and_floats_get_the_same_answer(backend, dataset):
    images = dataset.test.images[:8]
    assert np.array_equal(backend.infer(images), backend.infer(to_unit(images)))


def test_one_image_of_any_layout_gets_the_answer_of_a_batch(backend, dataset):
    step = 0 if backend.output.quant is None else backend.output.quant.scale
    for image in dataset.test.images[:6]:
        wanted = backend.infer(image[None])[0]
        floats = to_unit(image)
        for given in (
            image, image[..., None], image[None], np.asfortranarray(image), floats,
            floats[..., None], floats[None], np.asfortranarray(floats), [image], image.copy()[::1],
        ):  # fmt: skip
            found = backend.decode(backend.infer_one(given)[None])[0]
            assert np.abs(found - wanted).max() <= step + 1e-6


def test_threads_are_really_used(backend, dataset, monkeypatch):
    if not backend.thread_safe:
        return
    seen, run = set(), backend._run
    together = threading.Barrier(2)

    def watched(raw):
        if threading.get_ident() not in seen:
            seen.add(threading.get_ident())
            together.wait(20)  # nobody goes on before a second thread is there
        return run(raw)

    monkeypatch.setattr(backend, "_run", watched)
    monkeypatch.setattr(backend, "threads", 2)
    images = np.concatenate([dataset.test.images, dataset.test.images])
    wanted = len(images)
    assert len(backend.infer(images)) == wanted
    assert len(seen) == 2


def test_read_only_and_strided_arrays_are_taken(backend, dataset):
    images = dataset.test.images[:16].copy()
    images.flags.writeable = False
    assert np.array_equal(backend.infer(images[::2]), backend.infer(images[::2].copy()))


def test_invoke_takes_and_gives_the_runtimes_own_numbers(backend, dataset):
    raw = backend.encode(dataset.test.images[0])
    assert raw.dtype == backend.input.dtype
    answer = backend.invoke(raw)
    assert answer.dtype == backend.output.dtype
    real = answer if backend.output.quant is None else dequantize(answer, backend.output.quant)
    assert np.array_equal(backend.infer(dataset.test.images[0]), real)


def test_the_caller_owns_what_is_returned(backend, dataset):
    first = backend.invoke(backend.encode(dataset.test.images[0]))
    kept = first.copy()
    backend.invoke(backend.encode(dataset.test.images[1]))
    assert np.array_equal(first, kept)
    first[:] = 0
    assert np.array_equal(backend.invoke(backend.encode(dataset.test.images[0])), kept)


@pytest.mark.parametrize(
    "raw",
    [
        np.zeros((1, 28, 28, 1), np.float64),
        np.zeros((1, 28, 28, 1), ">i2"),
        np.zeros((1, 28, 28, 1), ">f4"),
        np.zeros((1, 28, 28), np.float32),
        np.zeros((1, 27, 28, 1), np.float32),
        np.zeros((0, 28, 28, 1), np.float32),
    ],
)
def test_invoke_refuses_other_shapes_and_dtypes(backend, raw):
    if raw.dtype == np.float32:
        raw = raw.astype(backend.input.dtype)
    with pytest.raises(InputError, match="raw input is"):
        backend.invoke(raw)


@pytest.mark.parametrize("raw", [None, "digit", [1, 2], b"bytes", 3])
def test_invoke_refuses_what_is_no_array(backend, raw):
    with pytest.raises(InputError, match=rf"raw input is {type(raw).__name__}; wanted "):
        backend.invoke(raw)


@pytest.mark.needs("64-bit")
def test_more_images_than_memory_holds_are_refused(backend):
    for dtype in (np.uint8, np.float32):
        endless = np.broadcast_to(np.zeros((28, 28), dtype), (10**13, 28, 28))
        with pytest.raises(InputError, match="give fewer at a time"):
            backend.infer(endless)
        with pytest.raises(InputError, match="wanted one"):
            backend.infer_one(endless)
    raw = np.broadcast_to(np.zeros((28, 28, 1), backend.input.dtype), (10**13, 28, 28, 1))
    with pytest.raises(InputError, match="give fewer at a time"):
        backend.invoke(raw)


def test_many_threads_get_the_right_answers(backend, dataset):
    images = dataset.test.images[:24]
    expected = [backend.infer(image) for image in images]
    wrong = []

    def work(start):
        for place in range(start, len(images), 4):
            if not np.array_equal(backend.infer(images[place]), expected[place]):
                wrong.append(place)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("chosen", ONE_EACH)
def test_a_closed_backend_says_so(bundle, chosen):
    backend = open_backend(model_path(bundle, *chosen), chosen[0])
    image = np.zeros((28, 28), np.uint8)
    raw = backend.encode(image)
    backend.close()
    backend.close()
    for call, given in (
        (backend.infer, image),
        (backend.infer_one, image),
        (backend.invoke, raw),
    ):
        with pytest.raises(ModelError, match="was closed"):
            call(given)


@pytest.mark.parametrize("chosen", ONE_EACH)
def test_threads_are_set_and_checked(bundle, dataset, chosen):
    path = model_path(bundle, *chosen)
    with pytest.raises(SettingError, match="threads is 0"):
        open_backend(path, chosen[0], threads=0)
    with open_backend(path, chosen[0], threads=2) as two, open_backend(path, chosen[0]) as one:
        images = dataset.test.images
        assert np.abs(two.infer(images) - one.infer(images)).max() < 1e-5

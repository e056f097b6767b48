"""One classifier in many threads and in child processes; closed, dropped and reopened."""

import gc
import multiprocessing
import os
import pickle
import signal
import threading
import warnings
import weakref

import numpy as np
import pytest

from mnist_edge import Classifier
from mnist_edge.backends import open_backend
from mnist_edge.backends.base import Backend
from mnist_edge.errors import ModelError
from mnist_edge.quantize import TensorSpec

needs = pytest.mark.needs
FILES = [
    pytest.param("edge-int8.tflite", marks=needs("tflite")),
    pytest.param("edge-float32.tflite", marks=needs("tflite")),
    pytest.param("edge-float32.onnx", marks=needs("onnx")),
    pytest.param("edge-int8.onnx", marks=needs("onnx")),
]


def answers(backend, images):
    """Return the raw answer to each image, by `infer_one` and by `invoke`, which must agree."""
    found = [backend.infer_one(image).tobytes() for image in images]
    assert [backend.invoke(backend.encode(image)).tobytes() for image in images] == found
    return found


def in_threads(count, work):
    """Run `work(number)` in `count` threads at once; return what they raised."""
    raised = []

    def guarded(number):
        try:
            work(number)
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return raised


@pytest.mark.parametrize("file", FILES)
def test_eight_threads_get_the_answers_of_one(bundle, dataset, file):
    images = dataset.test.images[:40]
    with open_backend(bundle.folder / file) as backend:
        single, many = answers(backend, images), backend.infer(images)
        wrong = []

        def work(number):
            for turn in range(5):
                if answers(backend, images) != single:
                    wrong.append((number, turn))
                if not np.array_equal(backend.infer(images), many):
                    wrong.append((number, turn, "batch"))

        assert in_threads(8, work) == []
        assert wrong == []


@needs("litert")
def test_engines_are_no_more_than_processors_or_threads(bundle, dataset):
    images = dataset.test.images[:30]
    with open_backend(bundle.folder / "edge-int8.tflite", "litert") as backend:
        in_threads(16, lambda _number: answers(backend, images))
        assert 1 <= len(backend._engines.idle) <= len(os.sched_getaffinity(0))


@pytest.mark.needs("tflite")
def test_nobody_waits_for_an_engine_and_few_are_kept(bundle, dataset):
    from mnist_edge.backends.litert import _Engines

    with open_backend(bundle.folder / "edge-int8.tflite") as backend:
        engines = backend._engines
        backend._engines = _Engines(engines.idle[0], engines._make, 1)
        images = dataset.test.images[:30]
        single = answers(backend, images)
        got = []
        assert in_threads(8, lambda _number: got.append(answers(backend, images))) == []
        assert got == [single] * 8
        assert len(backend._engines.idle) == 1
        backend._engines.take()  # lost, as by an interrupt between two instructions
        assert answers(backend, images) == single


@pytest.mark.needs("tflite")
def test_an_engine_comes_back_from_a_call_that_failed(bundle, dataset, monkeypatch):
    from mnist_edge.backends.litert import _Engine

    def fail(_engine, _raw):
        raise RuntimeError("broken")

    with open_backend(bundle.folder / "edge-int8.tflite") as backend:
        kept = list(backend._engines.idle)
        image, images = dataset.test.images[0], dataset.test.images[:3]
        for name, call, given in (
            ("run_one", backend.infer_one, image),
            ("run_one", backend.invoke, backend.encode(image)),
            ("run_part", backend.infer, images),
        ):
            monkeypatch.setattr(_Engine, name, fail)
            with pytest.raises(ModelError, match="failed: broken"):
                call(given)
            assert backend._engines.idle == kept
            monkeypatch.undo()


@pytest.mark.needs("tflite")
def test_a_closed_pool_keeps_no_engine(bundle):
    backend = open_backend(bundle.folder / "edge-int8.tflite")
    engines = backend._engines
    engine = engines.take()
    backend.close()
    engines.give_back(engine)
    assert engines.idle == []


@pytest.mark.parametrize("file", FILES[:3])
def test_a_handler_may_use_and_close_what_it_interrupts(bundle, dataset, file):
    backend = open_backend(bundle.folder / file)
    image = dataset.test.images[0]
    wanted, seen = backend.infer_one(image).tobytes(), []

    def handler(*_arguments):
        seen.append(backend.infer_one(image).tobytes() == wanted)
        if len(seen) >= 20:
            backend.close()
        else:  # the next one when this one is done: a slow machine would nest them without an end
            signal.setitimer(signal.ITIMER_REAL, 0.002)

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.002)
    try:
        with pytest.raises(ModelError, match="was closed"):
            [backend.infer_one(image) for _turn in iter(int, 1)]  # without an end
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(seen) >= 20
    assert all(seen)


@pytest.mark.parametrize("file", FILES[:3])
def test_closing_amid_calls_ends_them_with_one_kind_of_error(bundle, dataset, file):
    backend = open_backend(bundle.folder / file)
    image = dataset.test.images[0]
    raw = backend.encode(image)
    started = threading.Barrier(5)

    def work(number):
        started.wait(10)
        if number == 4:
            backend.close()
            return
        for _turn in range(100_000):
            backend.infer_one(image) if number % 2 else backend.invoke(raw)

    raised = in_threads(5, work)
    assert len(raised) == 4
    assert {type(error) for error in raised} == {ModelError}
    assert {str(error) for error in raised} == {"this model was closed; open it again"}


class Slow(Backend):
    """A runtime that is not thread-safe and notices when it is called so."""

    formats = ("onnx",)
    inside = 0
    most = 0

    def _open(self, path, content, threads):
        shape = TensorSpec("in", (None, 28, 28, 1), "float32")
        return shape, TensorSpec("out", (None, 2), "float32")

    def _run(self, raw):
        Slow.inside += 1
        Slow.most = max(Slow.most, Slow.inside)
        threading.Event().wait(0.001)
        Slow.inside -= 1
        return np.tile(np.float32([0.25, 0.75]), (len(raw), 1))

    def _close(self):
        pass


def test_a_runtime_that_is_not_thread_safe_is_called_by_one_thread_at_a_time(tmp_path):
    backend = Slow("slow", tmp_path / "a.onnx", b"", threads=4)
    images = np.zeros((200, 28, 28), np.uint8)
    raw = backend.encode(images[0])

    def work(_number):
        backend.infer_one(images[0])
        backend.infer(images)
        backend.invoke(raw)

    assert in_threads(4, work) == []
    assert Slow.most == 1


def forked(work):
    """Run `work` in a forked child; return its answer. A child that hangs is killed and fails."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of threads
        child = os.fork()
    if child == 0:
        os.close(reader)
        signal.alarm(20)
        try:
            answer = work()
        except Exception as error:
            answer = error
        os.write(writer, pickle.dumps(answer))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        content = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    return pickle.loads(content)


@pytest.mark.parametrize("file", FILES)
def test_a_forked_child_answers_as_its_parent(bundle, dataset, file):
    images = dataset.test.images[:70]
    with open_backend(bundle.folder / file, threads=2) as backend:
        single, many = answers(backend, images), backend.infer(images)
        stop = threading.Event()

        def busy():
            while not stop.is_set():
                backend.infer(images)

        thread = threading.Thread(target=busy)  # it may hold anything at the moment of the fork
        thread.start()
        try:
            for _turn in range(5):
                got = forked(lambda: (answers(backend, images), backend.infer(images)))
                assert got[0] == single
                assert np.array_equal(got[1], many)
        finally:
            stop.set()
            thread.join()
        assert answers(backend, images) == single  # the parent's is not disturbed


def test_what_does_not_survive_a_fork_refuses_in_one_line(tmp_path):
    backend = Slow("slow", tmp_path / "a.onnx", b"")
    image = np.zeros((28, 28), np.uint8)
    raw = backend.encode(image)
    for work in (lambda: backend.infer_one(image), lambda: backend.invoke(raw)):
        got = forked(work)
        assert isinstance(got, ModelError)
        assert "before the process was forked" in str(got)
    assert backend.infer_one(image)[1] == 0.75


def test_a_child_that_was_forked_amid_a_call_may_close(tmp_path):
    backend = Slow("slow", tmp_path / "a.onnx", b"")
    inside = threading.Thread(target=backend.infer, args=(np.zeros((6000, 28, 28), np.uint8),))
    inside.start()
    try:
        assert forked(lambda: backend.close()) is None
    finally:
        inside.join()
    assert backend.infer_one(np.zeros((28, 28), np.uint8))[1] == 0.75


@pytest.mark.parametrize("file", FILES[:3])
def test_a_child_that_closes_stays_closed(bundle, dataset, file):
    backend = open_backend(bundle.folder / file)

    def child():
        backend.infer_one(dataset.test.images[0])
        backend.close()
        return backend.infer_one(dataset.test.images[0])

    assert "was closed" in str(forked(child))


@needs("tflite")
def test_a_closed_model_is_closed_in_a_forked_child_too(bundle):
    backend = open_backend(bundle.folder / "edge-int8.tflite")
    backend.close()
    got = forked(lambda: backend.infer_one(np.zeros((28, 28), np.uint8)))
    assert "was closed" in str(got)


@needs("tflite")
def test_a_spawned_child_gets_the_classifier_by_pickle(bundle, dataset, tmp_path):
    (tmp_path / "copy.tflite").write_bytes((bundle.folder / "edge-int8.tflite").read_bytes())
    with Classifier.open(tmp_path / "copy.tflite", threads=2) as classifier:
        (tmp_path / "copy.tflite").unlink()  # the bytes travel, not the path
        images = dataset.test.images[:4]
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            given = [(classifier, image) for image in images]
            got = pool.starmap_async(Classifier.predict, given).get(60)
        wanted = [classifier.predict(image) for image in images]
        assert [each.label for each in got] == [each.label for each in wanted]


@pytest.mark.parametrize("file", FILES)
def test_a_pickled_classifier_is_the_same(bundle, dataset, file):
    with Classifier.open(bundle.folder / file, threads=2) as classifier:
        again = pickle.loads(pickle.dumps(classifier))
        assert (again.labels, again.path) == (classifier.labels, classifier.path)
        assert (again.backend.runtime, again.backend.threads) == (classifier.backend.runtime, 2)
        images = dataset.test.images[:5]
        assert np.array_equal(again.probabilities(images), classifier.probabilities(images))
    with pytest.raises(ModelError, match="was closed"):
        pickle.dumps(classifier)


@pytest.mark.parametrize("file", FILES)
def test_a_pickled_or_forked_classifier_rejects_as_it_did(bundle, dataset, file):
    images = dataset.test.images[:40]
    with Classifier.open(bundle.folder / file) as classifier:
        below = float(np.median([classifier.predict(image).confidence for image in images]))

    def labels(classifier):
        return [classifier.predict(image).label for image in images]

    with Classifier.open(bundle.folder / file, reject_below=below) as classifier:
        wanted = labels(classifier)
        again = pickle.loads(pickle.dumps(classifier))
        assert again.reject_below == below
        assert labels(again) == forked(lambda: labels(classifier)) == wanted
    assert {label is None for label in wanted} == {True, False}


@pytest.mark.parametrize("file", FILES)
def test_one_that_is_dropped_without_closing_is_collected(bundle, dataset, file):
    classifier = Classifier.open(bundle.folder / file)
    classifier.probabilities(dataset.test.images[:5])
    kept = weakref.ref(classifier.backend)
    del classifier
    gc.collect()
    assert kept() is None

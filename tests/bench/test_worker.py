"""What a worker times, and on what: classifier, runtime and clock are made up."""

from types import SimpleNamespace

import numpy as np
import pytest

from mnist_edge.bench import latency, worker
from mnist_edge.bench.worker import TIMED_IMAGES, Worker
from mnist_edge.digest import sha256_hex

MS = 1_000_000
COST = {"import": 700 * MS, "load": 50 * MS, "predict": 3 * MS, "invoke": 2 * MS, "encode": 9 * MS}
SHAPE = (4, 5, 3)


class Stub:
    """A classifier that logs what is asked of it, and takes its time by the clock of `bench`."""

    def __init__(self, bench):
        self.bench = bench
        self.backend = SimpleNamespace(
            image_shape=SHAPE, threads=3, encode=self.encode, invoke=self.invoke
        )

    def encode(self, image):
        self.bench.spend("encode", image)
        return ("raw", image[0, 0, 0])

    def invoke(self, raw):
        self.bench.spend("invoke", raw)
        return np.zeros(4)

    def predict(self, image):
        self.bench.spend("predict", image)
        return SimpleNamespace(label="7")

    def probabilities(self, images):
        self.bench.spend("probabilities", images, len(images) * MS)
        return np.full((len(images), 4), 0.25, np.float32)


class Bench:
    """A clock, what was done by it, and the worker."""

    def __init__(self, folder):
        self.now, self.cpu_s, self.log = 0, 0.0, []
        self.images = folder / "images.npy"
        self.worker = Worker()

    def spend(self, what, given=None, cost=None):
        self.log.append((what, given))
        self.now += COST[what] if cost is None else cost
        self.cpu_s += 0.5

    def given(self, what):
        return [given for name, given in self.log if name == what]

    def ask(self, do, **job):
        self.log.clear()
        return self.worker({"do": do, **job})

    def prepared(self, count=300, shape=SHAPE, batches=(1,)):
        """Have `count` images read, of which each begins with its own number."""
        images = np.zeros((count, *shape), np.uint8)
        images[:, 0, 0, :2] = np.stack([np.arange(count) % 256, np.arange(count) // 256], 1)
        np.save(self.images, images)
        if not hasattr(self.worker, "classifier"):
            self.ask("open", model="m.x", runtime="made-up", threads=3)
        return images, self.ask("prepare", images=str(self.images), batches=list(batches))

    def turn(self, what, least=30):
        return self.ask("turn", what=what, seconds=0, least=least, patience=1e9)["times"]


@pytest.fixture
def bench(monkeypatch, tmp_path):
    bench = Bench(tmp_path)

    def opened(path, *, runtime, threads):
        bench.spend("load", (path, runtime, threads))
        return Stub(bench)

    known = SimpleNamespace(name="made-up", module="made_up.runtime", version="9.1")
    monkeypatch.setattr(worker, "known_runtimes", lambda: (known,))
    imports = SimpleNamespace(import_module=lambda name: bench.spend("import", name))
    monkeypatch.setattr(worker, "importlib", imports)
    monkeypatch.setattr(worker, "Classifier", SimpleNamespace(open=opened))
    monkeypatch.setattr(worker, "process_time", lambda: bench.cpu_s)
    for module in (worker, latency):
        monkeypatch.setattr(module, "perf_counter_ns", lambda: bench.now)
    return bench


def test_import_load_and_first_answer_are_told_apart(bench):
    found = bench.ask("open", model="m.x", runtime="made-up", threads=8)
    assert (found["import_ms"], found["load_ms"], found["first_ms"]) == (700, 50, 3)
    assert [what for what, _given in bench.log] == ["import", "load", "predict"]
    assert bench.given("import") == ["made_up.runtime"]
    assert bench.given("load") == [("m.x", "made-up", 8)]
    (image,) = bench.given("predict")
    assert (image.shape, image.dtype) == (SHAPE, np.uint8)
    assert (found["runtime_version"], found["threads"]) == ("9.1", 3)  # as the backend has it


def test_each_timing_times_what_it_is_called(bench):
    bench.prepared()
    assert set(bench.turn("predict")) == {COST["predict"]}
    assert {what for what, _given in bench.log} == {"predict"}
    assert set(bench.turn("invoke")) == {COST["invoke"]}  # what is encoded was encoded before
    assert {what for what, _given in bench.log} == {"invoke"}


def test_as_many_calls_are_timed_as_are_asked_for(bench):
    bench.prepared()
    assert len(bench.turn("predict", least=41)) == 41
    found = bench.ask("turn", what="invoke", seconds=0.1, least=1, patience=5)
    assert len(found["times"]) == 50  # of 2 ms
    found = bench.ask("turn", what="invoke", seconds=0, least=9999, patience=0.2)
    assert len(found["times"]) == 100


def test_different_images_come_in_turn(bench):
    images, _found = bench.prepared(300)
    bench.turn("predict", least=TIMED_IMAGES + 7)
    given = bench.given("predict")[-TIMED_IMAGES - 7 :]
    for place, image in enumerate(given):
        assert (image == images[place % TIMED_IMAGES]).all()
    bench.turn("invoke", least=TIMED_IMAGES + 7)
    raw = bench.given("invoke")[-TIMED_IMAGES - 7 :]
    assert raw == [("raw", images[place % TIMED_IMAGES, 0, 0, 0]) for place in range(len(raw))]


def test_every_image_that_is_timed_is_encoded_once_and_told_by_its_digest(bench):
    images, found = bench.prepared(300, batches=(1, 256))
    timed = images[:TIMED_IMAGES]
    assert (np.array(bench.given("encode")) == timed).all()
    assert found["inputs"] == sha256_hex(timed.tobytes())


def test_of_large_images_fewer_are_timed(bench, monkeypatch):
    monkeypatch.setattr(worker, "TIMED_VALUES", 20 * 60)
    bench.prepared(40)
    assert len(bench.given("encode")) == 20
    monkeypatch.setattr(worker, "TIMED_VALUES", 1)
    bench.prepared(40)
    assert len(bench.given("encode")) == 8
    bench.prepared(5)
    assert len(bench.given("encode")) == 5


@pytest.mark.parametrize("size", [1, 2, 16, 256])
def test_a_batch_has_the_size_that_is_asked_for(bench, size):
    images, _found = bench.prepared(300, batches=(1, 2, 16, 256))
    times = bench.ask("batch", size=size, seconds=1.0)["times"]
    given = bench.given("probabilities")
    assert {each.shape for each in given} == {(size, *SHAPE)}
    assert {each.dtype for each in given} == {np.dtype(np.uint8)}
    assert (given[-1] == images[:size]).all()
    assert set(times) == {size * MS}
    assert len(times) == -(-1000 // size)


def test_a_batch_of_more_images_than_there_are_repeats_them(bench):
    images, _found = bench.prepared(6, batches=(16,))
    bench.ask("batch", size=16, seconds=0.01)
    given = bench.given("probabilities")[-1]
    assert (given == images[np.arange(16) % 6]).all()


def test_throughput_is_of_all_images_the_second_time(bench, tmp_path):
    bench.prepared(50)
    out = tmp_path / "p.npy"
    found = bench.ask("answer", images=str(bench.images), probabilities=str(out))
    assert found["images_per_s"] == pytest.approx(1000)  # 1 ms each
    assert [each.shape for each in bench.given("probabilities")] == [(50, *SHAPE)] * 2
    assert np.load(out).shape == (50, 4)


def test_each_answer_tells_processor_time_and_what_of_it_was_between_jobs(bench, tmp_path):
    bench.cpu_s = 10.0
    found = bench.ask("open", model="m.x", runtime="made-up", threads=3)
    assert (found["waiting_s"], found["cpu_s"]) == (10.0, 11.5)
    _images, found = bench.prepared(3)
    assert (found["waiting_s"], found["cpu_s"]) == (0, 13.0)
    jobs = [
        {"do": "turn", "what": what, "seconds": 0, "least": 1, "patience": 1}
        for what in ("invoke", "predict")
    ]
    jobs += [
        {"do": "batch", "size": 2, "seconds": 0},
        {"do": "answer", "images": bench.images, "probabilities": tmp_path / "p.npy"},
    ]
    for job in jobs:
        before, bench.cpu_s = bench.cpu_s, bench.cpu_s + 0.25
        found = bench.ask(**job)
        assert found["waiting_s"] == 0.25  # without what the job itself took
        assert found["cpu_s"] == bench.cpu_s > before + 0.25


def test_the_memory_is_in_mb():
    found = worker.memory()
    assert set(found) == {"rss_mb", "peak_mb"}
    if None not in found.values():  # where the machine tells
        assert 10 < found["rss_mb"] <= found["peak_mb"] < 100_000

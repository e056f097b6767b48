import hashlib
import json
import os
import runpy
import signal
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mnist_edge.bundle import read_bundle
from mnist_edge.data import load

CLASSES = 4

FORMATS = {
    "litert": "tflite",
    "tflite-runtime": "tflite",
    "tensorflow-lite": "tflite",
    "onnxruntime": "onnx",
    "keras": "keras",
}

# The tests run on a device too, or as on one: tools/arm sets these. Which runtimes there should be,
# by comma (all that go with numpy 2, otherwise), and where the bundle is kept between the machine
# that makes it and the one that has no TensorFlow.
WORKSTATION = "litert,tensorflow-lite,onnxruntime,keras"
RUNTIMES = os.environ.get("MNIST_EDGE_TEST_RUNTIMES", WORKSTATION).split(",")
BUNDLE = os.environ.get("MNIST_EDGE_TEST_BUNDLE")
WIDE = "64-bit"  # a machine whose arrays may be larger than any memory


def pytest_configure():
    """Take Ctrl-C, which a shell has what it runs in the background ignore: so would its children.

    Tests that press it for commands of ours would wait in vain.
    """
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config, items):
    """Leave out, and count as deselected, what needs what should not be there."""
    there = {*RUNTIMES, *(FORMATS[name] for name in RUNTIMES)}
    if sys.maxsize > 2**32:
        there.add(WIDE)
    chosen, left_out = [], []
    for item in items:
        needed = {name for mark in item.iter_markers("needs") for name in mark.args}
        known = {*FORMATS, *FORMATS.values(), WIDE}
        if not needed <= known:
            raise pytest.UsageError(f"{item.nodeid} needs {needed}; wanted some of {known}")
        (chosen if needed <= there else left_out).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = chosen


def quadrants(count, seed):
    """Images whose class is the quadrant that is bright, with noise: learnt in seconds."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    images = random.integers(0, 120, (count, 28, 28))
    for image, label in zip(images, labels, strict=True):
        top, left = divmod(int(label), 2)
        image[14 * top : 14 * top + 14, 14 * left : 14 * left + 14] += random.integers(60, 130)
    return images.clip(0, 255).astype(np.uint8), labels.astype(np.uint8)


@pytest.fixture(scope="session")
def quadrants_file(tmp_path_factory):
    """An .npz of one's own data."""
    path = tmp_path_factory.mktemp("data") / "quadrants.npz"
    images, labels = quadrants(480, 0)
    test_images, test_labels = quadrants(200, 1)
    np.savez(path, images=images, labels=labels, test_images=test_images, test_labels=test_labels)
    return path


@pytest.fixture(scope="session")
def dataset(quadrants_file):
    return load(quadrants_file)


@pytest.fixture(scope="session")
def small_recipe():
    from dataclasses import replace

    from mnist_edge.training.recipe import override
    from mnist_edge.training.recipes import find

    small = override(
        find("edge"), filters=(4, 4, 4, 8), epochs=8, batch_size=16, augmentation="none"
    )
    # The images that are held out are not those of the run's own seed.
    return replace(small, network="pooled", intensity=0.0, calibrate=False, split_seed=5)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory, dataset, small_recipe):
    """A finished run of a small network: the Keras model, history and manifest."""
    from mnist_edge.training.loop import train

    out = tmp_path_factory.mktemp("runs") / "small"
    train(small_recipe, dataset, out)
    return out


@pytest.fixture(scope="session")
def tuned(tmp_path_factory, dataset, run_folder):
    """That run, fine-tuned for int8."""
    from mnist_edge.training.finetune import finetune

    out = tmp_path_factory.mktemp("tuned") / "small-qat"
    return finetune(read_bundle(run_folder), dataset, out, epochs=2, learning_rate=1e-3)


@pytest.fixture(scope="session")
def bundle(request, tmp_path_factory, dataset):
    """A bundle of that run with every model there is."""
    out = Path(BUNDLE) if BUNDLE else tmp_path_factory.mktemp("bundles") / "small"
    if (out / "manifest.json").exists():
        return read_bundle(out)
    run_folder = request.getfixturevalue("run_folder")
    from mnist_edge.bench.exported import ExportCheck
    from mnist_edge.export.exporter import export
    from mnist_edge.export.plan import QUANTIZED, Wanted, targets

    check = ExportCheck(run_folder / "edge.keras", dataset.test)
    return export(
        read_bundle(run_folder),
        dataset,
        out,
        targets(Wanted(QUANTIZED)),
        check,
        calibration_count=100,
    )


@pytest.fixture(scope="session")
def broken_int8(tmp_path_factory, bundle):
    """A model that opens, is named int8, and says the opposite of what it should."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(bundle.folder / "edge-float32.onnx")
    for tensor in model.graph.initializer:
        if list(tensor.dims) == [8, CLASSES]:
            tensor.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(tensor), tensor.name))
    path = tmp_path_factory.mktemp("broken") / "edge-int8.onnx"
    onnx.save(model, path)
    return path


def patterns(count, shape, classes, seed):
    """Images that show their class by 4x4 patches of colour, in noise; and the classes."""
    patches = np.random.default_rng(99).random((classes, 4, 4, shape[2]))
    rows, columns = (np.arange(side) * 4 // side for side in shape[:2])
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    images = 245 * patches[:, rows][:, :, columns][labels] + random.uniform(0, 10, (count, *shape))
    return images.astype(np.uint8), labels


@pytest.fixture(scope="session")
def own_images():
    return patterns


@pytest.fixture(scope="session")
def fitted():
    """Makes a classifier of a network with random weights: `fitted(image, features, classes)`.

    Nothing is trained. Normalisation gets the statistics of some images, and the last layer is the
    least-squares solution for their classes: decisions are sure, as those of a trained network.
    """

    def fit(image, features, classes, ending="softmax", low=0.0, high=1.0):
        import keras

        shape = tuple(image.shape[1:])
        whole = shape if len(shape) == 3 else (*shape, 1)
        images, labels = patterns(12 * classes, whole, classes, 5)
        inputs = (images.reshape(-1, *shape) / 255 * (high - low) + low).astype(np.float32)
        body = keras.Model(image, features)
        for layer in body._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = 0.0  # the statistics of one call are all there are
        body(inputs, training=True)
        found = np.asarray(body(inputs, training=False), np.float64)
        centre, spread = found.mean(0), found.std(0) + 1e-6
        scaled = (found - centre) / spread
        wanted = 4 * (2 * np.eye(classes)[labels] - 1)
        weights = np.linalg.solve(
            scaled.T @ scaled + len(scaled) * 0.05 * np.eye(len(spread)), scaled.T @ wanted
        )
        head = keras.layers.Dense(classes, activation=ending, name="head")
        model = keras.Model(image, head(features))
        kernel = weights / spread[:, None]
        head.set_weights([kernel, wanted.mean(0) - centre @ kernel])
        return model

    return fit


@pytest.fixture(scope="session")
def sabotaged(run_folder):
    """A network that says what the run's does, but quantizes badly.

    Channel 2 after its first convolution is a thousand times as large as it was, and the next
    convolution takes a thousandth of it.
    """
    import keras

    model = keras.saving.load_model(run_folder / "edge.keras", compile=False)
    normalised, after = model.get_layer(index=2), model.get_layer(index=4)
    gamma, beta, *statistics = normalised.get_weights()
    gamma[2] *= 1000
    beta[2] *= 1000
    normalised.set_weights([gamma, beta, *statistics])
    (kernel,) = after.get_weights()
    kernel[:, :, 2] /= 1000
    after.set_weights([kernel])
    return model


@pytest.fixture
def sabotaged_run(sabotaged, run_folder, quadrants_file, tmp_path):
    """A run whose Keras model is the sabotaged network, and its data."""
    folder = tmp_path / "sabotaged"
    folder.mkdir()
    sabotaged.save(folder / "edge.keras")
    manifest = json.loads((run_folder / "manifest.json").read_text(encoding="utf-8"))
    content = (folder / "edge.keras").read_bytes()
    manifest["models"][0] |= {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder, quadrants_file


@pytest.fixture
def no_fashion(monkeypatch):
    """A bench under stress that looks for no Fashion-MNIST: there may be no network."""
    from mnist_edge.bench.stress import non_digits
    from mnist_edge.errors import DataError

    def unreachable(name, say):
        raise DataError(f"cannot get {name}")

    monkeypatch.setattr(non_digits, "load", unreachable)


@pytest.fixture
def root():
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def records():
    """The builders of tests/records.py."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("records.py"))))

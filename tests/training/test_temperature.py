import math

import keras
import numpy as np
import pytest
from keras import layers

from mnist_edge.backends import open_backend
from mnist_edge.bench.calibration import calibration_error
from mnist_edge.bundle import read_bundle
from mnist_edge.data import Split, stratified_split
from mnist_edge.errors import InputError, ModelError, SettingError
from mnist_edge.export import tflite
from mnist_edge.export.activations import trace_tflite
from mnist_edge.export.plan import Target
from mnist_edge.export.ranges import observe, ranges
from mnist_edge.preprocess import to_unit
from mnist_edge.training.finetune import finetune
from mnist_edge.training.loop import train
from mnist_edge.training.recipe import override
from mnist_edge.training.temperature import (
    LEAST,
    MOST,
    calibrate,
    fit_temperature,
    fold_temperature,
    last_dense,
)
from mnist_edge.training.watch import Watcher


def softmax(logits):
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def drawn(logits, seed):
    """A label for each row of logits, as often each as their softmax says; uint8 [N]."""
    ends = softmax(logits.astype(np.float64)).cumsum(1)
    chance = np.random.default_rng(seed).random((len(logits), 1))
    return (chance > ends).sum(1).clip(0, logits.shape[1] - 1).astype(np.uint8)


def honest(count, classes, seed=0):
    """Logits that are as sure as they are right, and labels."""
    logits = np.random.default_rng(seed).normal(0, 2, (count, classes))
    return logits, drawn(logits, seed + 1)


def likelihood(logits, labels):
    return -np.log(softmax(logits)[np.arange(len(labels)), labels]).sum()


@pytest.mark.parametrize("times", [0.2, 1 / 3, 1, 3, 10])
@pytest.mark.parametrize("classes", [2, 10])
def test_the_temperature_undoes_what_the_logits_were_multiplied_by(times, classes):
    logits, labels = honest(20_000, classes)
    assert fit_temperature(times * logits, labels) == pytest.approx(times, rel=0.03)


def test_no_other_temperature_suits_better():
    logits, labels = honest(300, 5)
    found = fit_temperature(4 * logits, labels)
    cost = {
        each: likelihood(4 * logits / each, labels) + math.log(each) ** 2 / 2
        for each in (found, *np.geomspace(LEAST, MOST, 500))
    }
    assert min(cost, key=cost.get) == found


def test_logarithms_of_probabilities_do_as_well_as_logits():
    logits, labels = honest(500, 10)
    assert fit_temperature(np.log(softmax(2 * logits)), labels) == pytest.approx(
        fit_temperature(2 * logits, labels), rel=1e-6
    )


def test_a_split_without_an_error_does_not_make_the_model_wholly_sure():
    sure = 20 * np.eye(4)[np.arange(400) % 4]
    labels = (np.arange(400) % 4).astype(np.uint8)
    assert fit_temperature(sure, labels) == pytest.approx(1, abs=1e-3)  # as sure as can be
    for much in (1, 3, 8):
        found = fit_temperature(much / 20 * sure, labels)
        assert 2 * LEAST < found < 1
        assert softmax(much / 20 * sure / found).max() < 1 - 1e-5
    assert 0.3 < fit_temperature(sure[:1] / 20, labels[:1]) < 1


def test_the_least_and_the_most_are_kept_to():
    logits, labels = honest(20_000, 3)
    assert fit_temperature(logits / 1e3, labels) == pytest.approx(LEAST, rel=1e-3)
    assert fit_temperature(logits * 1e3, labels) == pytest.approx(MOST, rel=1e-3)
    assert fit_temperature(np.zeros((9, 3)), labels[:9]) == pytest.approx(1, abs=1e-6)


LABELS = np.zeros(3, np.uint8)


@pytest.mark.parametrize(
    ("logits", "labels", "said"),
    [
        (np.zeros((0, 10)), LABELS[:0], "no logits to fit a temperature to: hold some images out"),
        (np.zeros((3, 10)), LABELS[:2], r"logits are \[3, 10\], labels \[2\]; wanted \[N,K\]"),
        (np.zeros(3), LABELS, r"logits are \[3\]"),
        (np.zeros((3, 2)), LABELS + 2, "label 2 is none of 2 classes"),
        (np.full((3, 2), np.nan), LABELS, "logits are NaN or infinite"),
        (np.full((3, 2), -np.inf), LABELS, "logits are NaN or infinite"),
    ],
)
def test_what_no_temperature_can_be_fitted_to_is_refused(logits, labels, said):
    with pytest.raises(InputError, match=said):
        fit_temperature(logits, labels)


def network(ending, classes=4):
    """A network of random weights; it ends in a dense layer `logits` and a softmax."""
    keras.utils.set_random_seed(3)
    image = keras.Input((28, 28, 1))
    x = layers.Conv2D(4, 7, strides=7, activation="relu")(image)
    x = layers.Flatten()(x)
    if ending == "within":
        return keras.Model(image, layers.Dense(classes, activation="softmax", name="logits")(x))
    x = layers.Dense(classes, use_bias=ending != "layer", name="logits")(x)
    made = layers.Softmax() if ending == "layer" else layers.Activation("softmax")
    return keras.Model(image, made(x))


def said(model, images):
    whole = keras.Model(model.inputs[0], model.outputs[0])  # one that was saved wants a list
    return np.asarray(whole((images[..., None] / 255).astype(np.float32), training=False))


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(4).integers(0, 256, (6000, 28, 28)).astype(np.uint8)


@pytest.mark.parametrize("ending", ["within", "layer", "activation"])
def test_a_model_that_is_three_times_too_sure_is_told_so(ending, pictures):
    model = network(ending)
    spread = np.log(said(model, pictures[:500])).std()
    fold_temperature(model, spread / 2)  # logits of a spread of 2
    labels = drawn(np.log(said(model, pictures)), 5)
    fold_temperature(model, 1 / 3)
    fresh, fresh_labels = pictures[4000:], labels[4000:]
    before = said(model, fresh)
    right = before.argmax(1) == fresh_labels
    found = calibrate(model, Split(pictures, labels), np.arange(4000))
    after = said(model, fresh)
    assert found == pytest.approx(3, rel=0.05)
    assert np.array_equal(after.argmax(1), before.argmax(1))
    assert after.sum(1) == pytest.approx(1, abs=1e-5)
    error = calibration_error(after, right)
    assert error < 0.03
    assert error < calibration_error(before, right) / 5


def test_probabilities_that_float32_takes_for_none_are_no_hindrance(pictures):
    model = network("within")
    labels = drawn(np.log(said(model, pictures)), 6)
    fold_temperature(model, 1e-3)
    assert (said(model, pictures) == 0).any()
    found = calibrate(model, Split(pictures, labels), np.arange(6000))
    assert found == pytest.approx(MOST, rel=1e-3)


def test_without_images_nothing_is_changed(pictures):
    model = network("within")
    before = said(model, pictures[:9])
    assert calibrate(model, Split(pictures, LABELS), np.arange(0)) is None
    assert np.array_equal(said(model, pictures[:9]), before)


@pytest.mark.parametrize("temperature", [0, -1, float("nan"), float("inf")])
def test_a_temperature_that_is_none_is_refused(temperature):
    with pytest.raises(SettingError, match=r"temperature is .*; wanted a number above 0"):
        fold_temperature(network("within"), temperature)


def test_a_model_that_ends_otherwise_is_refused():
    image = keras.Input((28, 28, 1))
    x = layers.Flatten()(image)
    relu = layers.Dense(3, activation="relu")
    for end in (layers.Dense(3)(x), layers.Softmax()(relu(x)), layers.Softmax()(x)):
        with pytest.raises(ModelError, match="wanted a dense layer and its softmax"):
            fold_temperature(keras.Model(image, end), 2)


@pytest.mark.parametrize("temperature", [0.4, 2.5])
def test_the_int8_file_of_a_folded_model_says_what_that_says(run_folder, dataset, temperature):
    model = keras.saving.load_model(run_folder / "edge.keras", compile=False)
    images = dataset.test.images
    before, named = said(model, images), int8(model, dataset).argmax(1)
    fold_temperature(model, temperature)
    after = said(model, images)
    wanted = softmax(np.log(before.astype(np.float64)) / temperature)
    assert np.allclose(after, wanted, atol=1e-5)
    assert np.array_equal(after.argmax(1), before.argmax(1))
    quantized = int8(model, dataset)
    assert (quantized.argmax(1) == named).mean() > 0.99
    assert np.abs(quantized - after).mean() < 0.01
    assert abs(quantized.max(1).mean() - after.max(1).mean()) < 0.01
    assert abs(after.max(1).mean() - before.max(1).mean()) > 0.01


def int8(model, dataset):
    """What the int8 TFLite file of a model says of the test images, float32 [N,K]."""
    sample = to_unit(dataset.train.images[:200, ..., None])
    content = tflite.convert(model)
    seen = observe(lambda: trace_tflite(content, sample), histograms=False)
    target = Target("tflite", "int8", "int8", "per-channel", "minmax")
    with open_backend(tflite.quantize(content, target, ranges(seen, "minmax"))) as backend:
        return backend.infer(dataset.test.images)


class StopAfter(Watcher):
    def __init__(self, epoch):
        self.at = epoch

    def epoch(self, row):
        if row["epoch"] == self.at:
            raise KeyboardInterrupt


def temperature_of(folder):
    return read_bundle(folder).manifest["training"].get("temperature")


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory, dataset, small_recipe):
    out = tmp_path_factory.mktemp("runs") / "calibrated"
    train(override(small_recipe, calibrate=True), dataset, out)
    return out


def logits_of(folder, images):
    model = keras.saving.load_model(folder / "edge.keras", compile=False)
    dense = last_dense(model)
    before = keras.Model(model.inputs[0], dense.input)
    kernel, bias = dense.get_weights()
    return said(before, images) @ kernel + bias


def test_a_run_is_calibrated_on_what_was_held_out_and_says_so(
    calibrated, run_folder, dataset, small_recipe
):
    _kept, held = stratified_split(
        dataset.train.labels, small_recipe.validation_share, small_recipe.split_seed
    )
    images, labels = dataset.train.images, dataset.train.labels
    before = logits_of(run_folder, images)  # the same run, but for that
    found = temperature_of(calibrated)
    assert found == pytest.approx(fit_temperature(before[held], labels[held]), rel=1e-4)
    assert abs(found - 1) > 0.05
    assert logits_of(calibrated, images) == pytest.approx(before / found, abs=1e-3)
    assert temperature_of(run_folder) is None
    training = read_bundle(calibrated).manifest["training"]
    assert training["hyperparameters"]["calibrate"] is True
    with open_backend(calibrated / "edge.keras", "keras") as backend:
        right = backend.infer(dataset.test.images).argmax(1) == dataset.test.labels
    assert training["test_accuracy"] == right.mean()


@pytest.mark.parametrize("epoch", [3, 8])
def test_a_stopped_run_is_calibrated_as_an_unstopped_one(
    calibrated, dataset, small_recipe, tmp_path, epoch
):
    recipe = override(small_recipe, calibrate=True)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, dataset, tmp_path / "run", watcher=StopAfter(epoch))
    train(recipe, dataset, tmp_path / "run", resume=True)
    assert temperature_of(tmp_path / "run") == temperature_of(calibrated)
    one, other = (
        keras.saving.load_model(folder / "edge.keras", compile=False).get_weights()
        for folder in (tmp_path / "run", calibrated)
    )
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_run_that_holds_no_image_out_is_not_calibrated(dataset, small_recipe, tmp_path):
    recipe = override(small_recipe, calibrate=True, validation_share=0.0, epochs=1)
    train(recipe, dataset, tmp_path / "run")
    assert "temperature" not in read_bundle(tmp_path / "run").manifest["training"]


def test_a_fine_tuned_run_is_calibrated_anew_and_its_range_with_it(
    calibrated, dataset, tmp_path, monkeypatch
):
    fitted = []

    def fit(logits, labels):
        fitted.append(4 * fit_temperature(logits, labels))  # so that it is seen in the range
        return fitted[-1]

    monkeypatch.setattr("mnist_edge.training.temperature.fit_temperature", fit)
    run = read_bundle(calibrated)
    found = finetune(run, dataset, tmp_path / "out", epochs=1, learning_rate=1e-3)
    assert [temperature_of(tmp_path / "out")] == fitted
    assert fitted[0] / 4 not in (1, temperature_of(calibrated))
    model = keras.saving.load_model(tmp_path / "out" / "edge-qat.keras", compile=False)
    dense = last_dense(model)
    sums = said(keras.Model(model.inputs[0], dense.output), dataset.train.images)
    low, high = found.ranges[dense.name]
    assert high - low == pytest.approx(np.ptp(sums), rel=0.5)
    assert found.validation["quantization_aware"] > 0.9

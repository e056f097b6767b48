import json

import keras
import numpy as np
import pytest
from keras import layers

from mnist_edge.backends import open_backend
from mnist_edge.bundle import read_bundle
from mnist_edge.data import Dataset, Split, load
from mnist_edge.errors import DataError, ModelError, SettingError
from mnist_edge.export.adopt import adopt, names_for
from mnist_edge.export.own_model import open_own

SHAPE = (20, 24, 3)
CLASSES = 4


@pytest.fixture(scope="module")
def images_file(tmp_path_factory, own_images):
    path = tmp_path_factory.mktemp("own") / "pictures.npz"
    images, labels = own_images(140, SHAPE, CLASSES, 1)
    np.savez(path, images=images, labels=labels)
    return path


@pytest.fixture
def pictures(images_file):
    return load(images_file, shape=SHAPE)


def network(fitted, ending="softmax", first=(), low=0.0, high=1.0):
    keras.utils.set_random_seed(2)  # the same weights in whatever order tests are run
    image = keras.Input(SHAPE)
    x = image
    for layer in first:
        x = layer(x)
    x = layers.Conv2D(6, 3, strides=2, activation="relu")(x)
    features = layers.Flatten()(layers.MaxPooling2D()(x))
    return fitted(image, features, CLASSES, ending, low, high)


def opened(tmp_path, model):
    model.save(tmp_path / "own.keras")
    return open_own(tmp_path / "own.keras")


def run_of(tmp_path, model, dataset, **how):
    (tmp_path / "run").mkdir()
    return adopt(opened(tmp_path, model), dataset, tmp_path / "run", **how)


def accuracy(run, dataset):
    with open_backend(run.folder / "own.keras") as backend:
        found = backend.infer(dataset.test.images).argmax(1)
    return (found == dataset.test.labels).mean()


def test_a_run_says_what_the_model_is_and_how_the_images_were_split(tmp_path, fitted, pictures):
    run = run_of(tmp_path, network(fitted), pictures)
    assert accuracy(run, pictures) == 1
    manifest = json.loads((run.folder / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["name"], manifest["labels"]) == ("own", ["0", "1", "2", "3"])
    assert manifest["input"] == {"shape": [20, 24, 3], "dtype": "uint8", "range": [0, 255]}
    assert run.image_shape == SHAPE
    training = manifest["training"]
    assert training["source"] == "own model"
    assert training["dataset"] == {"name": "pictures", "sha256": pictures.sha256}
    assert training["split"] == {
        "calibration": 120,
        "test": 20,
        "method": "held out by seed, stratified by class",
    }
    assert [entry.file for entry in run.models] == ["own.keras"]


@pytest.mark.parametrize("pixels", [(0.0, 255.0), (-1.0, 1.0)])
def test_a_model_for_another_range_of_pixels_is_not_adopted_as_it_is(
    tmp_path, fitted, pictures, pixels
):
    squared = [lambda x: x * x]  # what is dark and what is bright depends on where 0 is
    model = network(fitted, first=squared, low=pixels[0], high=pixels[1])
    shown = f"{pixels[0]:g} {pixels[1]:g}"
    with pytest.raises(SettingError, match=rf"names \d+ of 120 .* say .*--input-range {shown}"):
        run_of(tmp_path, model, pictures)
    assert list((tmp_path / "run").iterdir()) == []
    (tmp_path / "run").rmdir()
    run = run_of(tmp_path, model, pictures, input_range=pixels)
    assert accuracy(run, pictures) == 1
    assert run.manifest["training"]["input_range"] == list(pixels)


def test_a_model_that_scales_its_pixels_is_not_given_scaled_ones(tmp_path, fitted, pictures):
    model = network(fitted, first=[layers.Rescaling(1 / 255)], high=255.0)
    said = r"begins with Rescaling\(0.003922, 0\), .* say --input-range 0 255, or"
    unlabelled = Dataset("own", Split(pictures.train.images, None), pictures.test, pictures.labels)
    with pytest.raises(SettingError, match=said):
        run_of(tmp_path, model, unlabelled)
    (tmp_path / "run").rmdir()
    noted = []
    run_of(tmp_path, model, pictures, input_range=(0, 1), note=noted.append)
    assert "is --input-range right?" in noted[0]
    for path in (tmp_path / "run").iterdir():
        path.unlink()
    (tmp_path / "run").rmdir()
    run = run_of(tmp_path, model, pictures, input_range=(0, 255), note=noted.append)
    assert accuracy(run, pictures) == 1
    assert len(noted) == 1


@pytest.mark.parametrize("pixels", [(1, 0), (0, 0), (0, float("inf")), (float("nan"), 1)])
def test_a_range_that_is_none_is_refused(tmp_path, fitted, pictures, pixels):
    with pytest.raises(SettingError, match="wanted low high, such as 0 255"):
        run_of(tmp_path, network(fitted), pictures, input_range=pixels)


def test_logits_are_refused_unless_a_softmax_is_asked_for(tmp_path, fitted, pictures):
    model = network(fitted, ending=None)
    with pytest.raises(ModelError, match="if these are logits, add --softmax"):
        run_of(tmp_path, model, pictures)
    (tmp_path / "run").rmdir()
    run = run_of(tmp_path, model, pictures, softmax=True)
    assert accuracy(run, pictures) == 1
    assert run.manifest["training"]["softmax"] == "appended"


@pytest.mark.parametrize(
    ("ending", "softmax", "error", "said"),
    [
        ("softmax", True, SettingError, "ends in a softmax already: leave --softmax out"),
        ("sigmoid", False, ModelError, "ends in a sigmoid for each class, which may be several"),
    ],
)
def test_endings_that_are_no_probabilities_are_told_apart(
    tmp_path, fitted, pictures, ending, softmax, error, said
):
    with pytest.raises(error, match=said):
        run_of(tmp_path, network(fitted, ending=ending), pictures, softmax=softmax)


def test_images_that_are_0_and_1_are_refused(tmp_path, fitted, pictures):
    dark = Split((pictures.train.images > 127).astype(np.uint8), None)
    with pytest.raises(DataError, match="images are uint8 from 0 to 1; wanted"):
        run_of(tmp_path, network(fitted), Dataset("own", dark, dark, pictures.labels))


def test_a_model_that_gives_nan_is_refused(tmp_path, fitted, pictures):
    model = network(fitted)
    model.get_layer("head").bias.assign([np.nan] * CLASSES)
    with pytest.raises(ModelError, match="gives NaN or infinity"):
        run_of(tmp_path, model, pictures)


def test_a_batch_that_is_built_in_is_refused(tmp_path, pictures):
    image = keras.Input(batch_shape=(8, *SHAPE))
    x = keras.ops.reshape(keras.ops.reshape(image, (2, 4, 1440)), (8, 1440))
    model = keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x))
    with pytest.raises(ModelError, match=r"cannot be run on 32 images: .* without batch_shape"):
        run_of(tmp_path, model, pictures)


def test_classes_are_called_as_asked_for_as_labelled_or_by_number(tmp_path, fitted, pictures):
    own = opened(tmp_path, network(fitted))
    one = pictures.train.part(np.array([0]))

    def named(*names):
        return Dataset("own", one, one, names)

    assert names_for(own, pictures) == ("0", "1", "2", "3")
    assert names_for(own, named("0", "1")) == ("0", "1", "2", "3")  # the others are not shown
    assert names_for(own, named()) == ("0", "1", "2", "3")
    assert names_for(own, named("a", "b", "c", "d")) == ("a", "b", "c", "d")
    assert names_for(own, pictures, ("a", "b", "c", "d")) == ("a", "b", "c", "d")
    for dataset, asked in ((named("a", "b"), None), (pictures, ("a", "b", "c"))):
        with pytest.raises(DataError, match=r"has 4 classes, and there are \d names"):
            names_for(own, dataset, asked)
    with pytest.raises(DataError, match="has 4 classes, and there are 5 names"):
        names_for(own, named("0", "1", "2", "3", "4"))


def test_a_grey_model_of_28x28_is_one_of_digits_and_bright_pictures_are_noted(tmp_path, fitted):
    image = keras.Input((28, 28, 1))
    model = fitted(image, layers.Flatten()(layers.AveragePooling2D(7)(image)), 2)
    bright = Split(np.full((40, 28, 28), 200, np.uint8), None)
    noted = []
    run = run_of(tmp_path, model, Dataset("own", bright, bright, ("a", "b")), note=noted.append)
    assert read_bundle(run.folder).manifest["input"]["polarity"] == "bright-on-dark"
    assert "bright at their edges" in noted[0]

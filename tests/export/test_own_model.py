import keras
import numpy as np
import pytest
from keras import layers

from mnist_edge.errors import ModelError
from mnist_edge.export.own_model import open_own


@keras.saving.register_keras_serializable("tests")
class Doubled(layers.Layer):
    def call(self, x):
        return 2 * x


def saved(tmp_path, model):
    path = tmp_path / "own.keras"
    model.save(path)
    return path


def ending(x, classes=3, activation="softmax"):
    return layers.Dense(classes, activation=activation)(layers.Flatten()(x))


def simple(image, **how):
    return keras.Model(image, ending(layers.Conv2D(2, 3)(image), **how))


def test_what_a_model_takes_and_gives_is_known_without_running_it(tmp_path):
    own = open_own(saved(tmp_path, simple(keras.Input((20, 24, 3)))))
    assert (own.image_shape, own.classes, own.flat) == ((20, 24, 3), 3, False)
    assert own.ending == "softmax"
    assert own.wrapped((0, 1), softmax=False) is own.network


def test_a_sequential_that_takes_images_without_channels_gets_an_axis_for_them(tmp_path):
    model = keras.Sequential([keras.Input((28, 28)), layers.Flatten(), layers.Dense(3)])
    own = open_own(saved(tmp_path, model))
    assert (own.image_shape, own.flat, own.ending) == ((28, 28, 1), True, "linear")
    wrapped = own.wrapped((0, 1), softmax=False)
    image = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    assert np.allclose(wrapped(image), model(image[..., 0]), atol=1e-6)


@pytest.mark.parametrize("pixels", [(0, 255), (-1, 1)])
def test_the_range_of_pixels_and_a_softmax_become_layers(tmp_path, pixels):
    model = simple(keras.Input((20, 24, 3)), activation=None)
    wrapped = open_own(saved(tmp_path, model)).wrapped(pixels, softmax=True)
    unit = np.random.default_rng(0).random((4, 20, 24, 3), np.float32)
    low, high = pixels
    wanted = keras.ops.softmax(model(unit * (high - low) + low))
    assert np.abs(np.asarray(wrapped(unit)) - np.asarray(wanted)).max() < 1e-4
    assert wrapped.inputs[0].shape == (None, 20, 24, 3)


@pytest.mark.parametrize("batch", [1, 32])
def test_a_fixed_batch_is_built_anew_for_any(tmp_path, batch):
    model = simple(keras.Input(batch_shape=(batch, 20, 24, 3)))
    wrapped = open_own(saved(tmp_path, model)).wrapped((0, 1), softmax=False)
    assert wrapped.inputs[0].shape[0] is None
    assert wrapped(np.zeros((5, 20, 24, 3), np.float32)).shape == (5, 3)


def two_inputs():
    images = [keras.Input((8, 8, 1)), keras.Input((8, 8, 1))]
    return keras.Model(images, ending(layers.Concatenate()(images)))


def two_outputs():
    image = keras.Input((8, 8, 1))
    return keras.Model(image, [ending(image), ending(image)])


def custom():
    image = keras.Input((8, 8, 1))
    return keras.Model(image, ending(Doubled()(image)))


def with_lambda():
    image = keras.Input((8, 8, 1))
    return keras.Model(image, ending(layers.Lambda(lambda x: x / 255, name="scale")(image)))


def unbuilt():
    return keras.Sequential([layers.Flatten(), layers.Dense(3, activation="softmax")])


def of_shape(*shape, **how):
    def make():
        image = keras.Input(shape, **how)
        return keras.Model(image, ending(image))

    return make


def any_size():
    image = keras.Input((None, None, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(image))
    return keras.Model(image, layers.Dense(3, activation="softmax")(x))


def segmentation():
    image = keras.Input((8, 8, 3))
    return keras.Model(image, layers.Conv2D(3, 3, activation="softmax")(image))


CASES = {
    two_inputs: "has 2 inputs and 1 outputs; wanted one image in",
    two_outputs: "has 1 inputs and 2 outputs",
    with_lambda: r"has code within it \(scale, a Lambda layer\), which is never run: use layers",
    unbuilt: "does not say what it takes: call it on an image before it is saved",
    of_shape(784): r"takes \[\?,784\], which are no images; wanted \[N,height,width,channels\]",
    of_shape(8, 8, 3, dtype="uint8"): "takes uint8; wanted float32",
    of_shape(3, 32, 32): r"takes \[\?,3,32,32\], channels first; .*Permute\(\(3, 1, 2\)\)",
    any_size: r"takes \[\?,\?,\?,3\], of any size; wanted one that is fixed: image = keras.Input",
    segmentation: r"gives \[\?,6,6,3\]; wanted probabilities \[N,classes\]",
    lambda: simple(keras.Input((8, 8, 1)), classes=1, activation="sigmoid"): "gives one number",
    lambda: keras.Model(
        image := keras.Input(batch_shape=(28, 28, 1)), layers.Dense(3)(layers.Flatten()(image))
    ): r"takes \[28,28,1\], with no axis for the batch; .* keras.Input\(\(28, 28, 1\)\) says",
}


@pytest.mark.parametrize("make", CASES, ids=lambda make: CASES[make][:20])
@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built")
def test_a_model_that_does_not_fit_is_refused_in_one_line(tmp_path, make):
    path = saved(tmp_path, make())
    with pytest.raises(ModelError, match=CASES[make]) as caught:
        open_own(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_layers_of_ones_own_code_are_named(tmp_path, monkeypatch):
    path = saved(tmp_path, custom())
    monkeypatch.setattr(keras.saving, "get_registered_object", lambda *_a, **_k: None)
    registry = keras.saving.get_custom_objects()
    kept = dict(registry)
    registry.clear()
    try:
        with pytest.raises(ModelError, match="has Doubled, which Keras does not have: build it of"):
            open_own(path)
    finally:
        registry.update(kept)


def test_what_is_no_keras_file_is_refused(tmp_path):
    (tmp_path / "own.keras").write_bytes(b"\x89HDF\r\n\x1a\n and so on")
    with pytest.raises(ModelError, match=r"is not a \.keras archive; wanted one: load it where"):
        open_own(tmp_path / "own.keras")
    with pytest.raises(ModelError, match="no model at"):
        open_own(tmp_path / "absent.keras")

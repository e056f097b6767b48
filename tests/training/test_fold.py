import keras
import numpy as np
import pytest
from keras import layers

from mnist_edge.errors import ModelError
from mnist_edge.training.fold import fold
from mnist_edge.training.graph import calls

IMAGES = np.random.default_rng(0).random((16, 28, 28, 1), np.float32)


def lived_in(model):
    """Random biases and statistics, some scales negative."""
    random = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            lived_in(layer)
        if getattr(layer, "use_bias", False):
            layer.bias.assign(random.uniform(-1, 1, layer.bias.shape))
        if isinstance(layer, layers.BatchNormalization):
            *others, variance = layer.get_weights()
            others = [random.uniform(-1, 1, each.shape) for each in others]
            layer.set_weights([*others, random.uniform(0.3, 2, variance.shape)])
    return model


def after_weights():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(4, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, depth_multiplier=2),
            layers.BatchNormalization(center=False),
            layers.Activation("relu6"),
            layers.Flatten(),
            layers.Dense(6),
            layers.BatchNormalization(scale=False),
            layers.Dense(3, activation="softmax"),
        ]
    )


def after_activations():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(4),
            layers.Flatten(),
            layers.Dense(6, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax"),
        ]
    )


def branched():
    image = keras.Input((28, 28, 1))
    x = layers.Conv2D(4, 3, strides=2)(image)
    straight = layers.BatchNormalization()(x)
    x = layers.Conv2D(4, 3, padding="same", activation="tanh")(x)
    x = layers.Add()([x, straight])
    x = keras.Sequential([keras.Input(x.shape[1:]), layers.Conv2D(2, 1), layers.ReLU()])(x)
    return keras.Model(image, layers.Softmax()(layers.GlobalAveragePooling2D()(x)))


@pytest.mark.parametrize("build", [after_weights, after_activations, branched])
def test_a_folded_model_gives_what_the_model_gives(build):
    keras.utils.set_random_seed(0)
    model = lived_in(build())
    folded = fold(model)
    given, wanted = (np.asarray(each(IMAGES, training=False)) for each in (folded, model))
    assert wanted.std(0).max() > 1e-3  # it says something
    np.testing.assert_allclose(given, wanted, atol=1e-5)
    assert not [layer for layer in folded.layers if isinstance(layer, layers.BatchNormalization)]


def test_no_layer_is_added_where_the_one_before_can_take_the_normalisation():
    folded = fold(lived_in(after_weights()))
    kinds = [type(call.layer).__name__ for call in calls(folded)]
    assert kinds == [
        "Conv2D", "ReLU", "DepthwiseConv2D", "Activation", "Flatten", "Dense", "Dense",
        "Activation",
    ]  # fmt: skip


def test_the_model_is_left_as_it_was():
    model = lived_in(after_weights())
    before = [weight.copy() for weight in model.get_weights()]
    fold(model).set_weights([0 * weight for weight in fold(model).get_weights()])
    assert all(map(np.array_equal, before, model.get_weights()))


def stacked(*rest):
    return keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), *rest])


class OwnConv(layers.Conv2D):
    pass


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: stacked(layers.BatchNormalization(), layers.ReLU()), "no dense layer next"),
        (
            lambda: keras.Sequential([keras.Input((28, 28, 1)), OwnConv(2, 3)]),
            "OwnConv: not known how to fold",
        ),
        (
            lambda: keras.Model(*[[keras.Input((2,)), keras.Input((2,))]] * 2),
            "2 inputs and 2 outputs; wanted one of each",
        ),
    ],
)
def test_what_cannot_be_folded_is_refused(model, message):
    with pytest.raises(ModelError, match=message):
        fold(model())


def test_a_layer_called_twice_is_refused():
    image, shared = keras.Input((4,)), layers.Dense(4, name="shared")
    with pytest.raises(ModelError, match="layer shared is called 2 times; wanted once"):
        fold(keras.Model(image, shared(shared(image))))

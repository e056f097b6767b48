import keras
import numpy as np
import pytest
from keras import layers

from mnist_edge.export.front import likely_range, normalization

SHAPE = (8, 8, 3)


def after(*scaling):
    return keras.Sequential([keras.Input(SHAPE), *scaling, layers.Conv2D(2, 3)])


def adapted(high):
    layer = layers.Normalization()
    layer.adapt(np.random.default_rng(0).random((50, *SHAPE), np.float32) * high)
    return layer


def by_operations(scale):
    image = keras.Input(SHAPE)
    return keras.Model(image, layers.Conv2D(2, 3)(scale(image)))


def nested():
    inner = keras.Sequential([keras.Input(SHAPE), layers.Rescaling(1 / 255), layers.ReLU()])
    image = keras.Input(SHAPE)
    return keras.Model(image, layers.Conv2D(2, 3)(inner(layers.RandomFlip()(image))))


@pytest.mark.parametrize(
    ("network", "pixels"),
    [
        (after(layers.Rescaling(1 / 255)), (0, 255)),
        (after(layers.Rescaling(1 / 127.5, -1)), (0, 255)),
        (after(layers.RandomFlip(), layers.Rescaling(2, -1)), (0, 1)),
        (after(layers.Rescaling(1 / 255), adapted(1)), (0, 255)),
        (after(adapted(255)), (0, 255)),
        (after(adapted(1)), (0, 1)),
        (by_operations(lambda x: x / 255.0), (0, 255)),
        (by_operations(keras.applications.mobilenet_v2.preprocess_input), (0, 255)),
        (nested(), (0, 255)),
    ],
)
def test_a_scaling_at_the_front_is_seen_and_so_is_what_it_is_for(network, pixels):
    assert likely_range(normalization(network)) == pixels


def residual():
    image = keras.Input(SHAPE)
    x = layers.Conv2D(3, 3, padding="same")(image)
    return keras.Model(image, layers.Rescaling(0.5)(x) + image)


@pytest.mark.parametrize("network", [after(), after(layers.ZeroPadding2D()), residual()])
def test_a_network_without_one_has_none(network):
    assert normalization(network) == []

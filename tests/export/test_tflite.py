import numpy as np
import pytest

from mnist_edge.export import tflite
from mnist_edge.export.activations import trace_tflite
from mnist_edge.export.audit.tflite_file import constants
from mnist_edge.export.plan import Target
from mnist_edge.export.ranges import observe, ranges

IMAGES = np.random.default_rng(0).random((8, 8, 8, 1), np.float32)


@pytest.fixture(scope="module")
def model():
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 1))
    x = layers.Conv2D(4, 3, strides=2, activation="relu", name="conv")(image)
    x = layers.Dense(6, activation="relu")(layers.Flatten()(x))
    return keras.Model(image, layers.Dense(3, activation="softmax")(x))


def test_dim_calibration_images_do_not_clip_the_input_of_an_int16_file(model):
    content = tflite.convert_int16(model, Target("tflite", "int16x8", "int16"), IMAGES * 0.2)
    quant = next(iter(next(trace_tflite(content, IMAGES[:1])).values())).quant
    assert (quant.dtype, quant.zero_point) == ("int16", 0)
    assert quant.scale == pytest.approx(1 / 32767)


@pytest.mark.parametrize(
    ("granularity", "scales"), [("per-tensor", [1, 1, 1]), ("per-channel", [3, 4, 6])]
)
def test_weights_have_one_scale_a_tensor_or_one_a_channel_dense_ones_too(
    model, granularity, scales
):
    content = tflite.convert(model)
    seen = observe(lambda: trace_tflite(content, IMAGES), histograms=False)
    target = Target("tflite", "int8", "int8", granularity, "minmax")
    made = tflite.quantize(content, target, ranges(seen, "minmax"))
    kernels = [each for each in constants(made).values() if each.stored == "int8"]
    assert sorted(each.values.ndim for each in kernels) == [2, 2, 4]
    assert sorted(each.scales for each in kernels) == scales

import pytest

from mnist_edge.export import tflite
from mnist_edge.export.audit.tflite_file import constants
from mnist_edge.export.plan import Target


@pytest.fixture(scope="module")
def model():
    """A convolution of one filter and a depthwise one: kernels of the same shape."""
    import keras
    from keras import layers

    image = keras.Input((8, 8, 5))
    x = layers.DepthwiseConv2D(3, name="depthwise")(image)
    return keras.Model(image, layers.Conv2D(1, 3, name="single")(x))


@pytest.mark.parametrize("quantization", ["float32", "float16"])
def test_a_convolution_of_one_filter_is_not_taken_for_a_depthwise_one(model, quantization):
    content = (
        tflite.convert(model)
        if quantization == "float32"
        else tflite.convert_weights(model, Target("tflite", quantization))
    )
    found = {name: each for name, each in constants(content).items() if each.values.ndim == 4}
    assert {each.values.shape for each in found.values()} == {(1, 3, 3, 5)}
    axes = {(each.outputs, each.inputs): name for name, each in found.items()}
    assert axes.keys() == {(0, 3), (3, 0)}
    assert "single" in axes[0, 3]
    assert "depthwise" in axes[3, 0]

"""Models of other people's, whose images are laid out otherwise or are of any size."""

import numpy as np
import pytest

from mnist_edge.backends import open_backend
from mnist_edge.errors import ModelError

pytestmark = pytest.mark.needs("onnxruntime", "keras")  # and onnx, which comes with Keras


def mean_colours(shape, axes):
    """An ONNX file: softmax of the means over `axes` of images of `shape`."""
    from onnx import TensorProto, helper, numpy_helper

    taken = helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)
    given = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [shape[0], None])
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["means"], axes=axes, keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
    ]
    channels = next(size for place, size in enumerate(shape) if place and place not in axes)
    weights = numpy_helper.from_array(np.eye(channels, 4, dtype=np.float32), "weights")
    given.type.tensor_type.shape.dim[1].dim_value = 4
    graph = helper.make_graph(nodes, "means", [taken], [given], [weights])
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


@pytest.mark.parametrize("shape", [("N", 1, 28, 28), ("N", 3, 96, 96), (1, 3, 32, 32)])
def test_channels_first_is_refused_and_not_read_as_rows(shape):
    with pytest.raises(ModelError, match=r"channels first; .* x\.permute\(0, 3, 1, 2\)") as caught:
        open_backend(mean_colours(shape, [2, 3]))
    assert f",{shape[1]},{shape[2]},{shape[3]}]" in str(caught.value)


@pytest.mark.parametrize("shape", [(20, 24, 3), (3, 8, 3), (1, 5, 2), (40, 7, 5)])
def test_images_of_any_height_width_and_channels_are_taken(shape):
    with open_backend(mean_colours(("N", *shape), [1, 2])) as backend:
        assert backend.image_shape == shape
        images = np.random.default_rng(0).integers(0, 256, (5, *shape), np.uint8)
        scores = np.exp((images / 255).mean((1, 2)) @ np.eye(shape[2], 4))
        wanted = scores / scores.sum(1, keepdims=True)
        assert np.abs(backend.infer(images) - wanted).max() < 1e-5
        assert np.abs(backend.infer_one(images[2]) - wanted[2]).max() < 1e-5


def test_the_files_are_sound():
    import onnx

    onnx.checker.check_model(onnx.load_from_string(mean_colours(("N", 8, 8, 3), [1, 2])))


def test_a_keras_model_for_one_image_at_a_time_takes_any_number(tmp_path):
    import keras
    from keras import layers

    image = keras.Input(batch_shape=(1, 8, 8, 3))
    x = layers.Dense(4, activation="softmax")(layers.Flatten()(image))
    keras.Model(image, x).save(tmp_path / "single.keras")
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)
    with open_backend(tmp_path / "single.keras") as backend:
        found = backend.infer(images)
        one_by_one = np.concatenate([backend.infer(image) for image in images])
    assert np.abs(found - one_by_one).max() < 1e-6

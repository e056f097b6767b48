from types import SimpleNamespace

import numpy as np
import pytest

from mnist_edge.export import onnx_model, tflite
from mnist_edge.export.activations import trace_onnx, trace_tflite
from mnist_edge.export.keras_layers import Known, keras_values
from mnist_edge.export.layers import _before_activation, _recognise, layer_names

IMAGES = np.random.default_rng(0).random((3, 12, 12, 1), np.float32)


def nested():
    """A model in a model, a branch, and activations of each kind: within, after, and fused."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    stem = keras.Sequential(
        [
            layers.Conv2D(4, 3, use_bias=False, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(),
        ],
        name="stem",
    )
    image = keras.Input((12, 12, 1), name="image")
    x = stem(image)
    y = layers.Conv2D(4, 3, padding="same", activation="swish", name="branch")(x)
    x = layers.Activation("relu", name="sum_relu")(layers.Add(name="sum")([x, y]))
    x = layers.MaxPooling2D(name="pool")(x)
    x = layers.Dropout(0.2)(layers.Flatten(name="flat")(x))
    model = keras.Model(image, layers.Dense(5, activation="softmax", name="answer")(x))
    random = np.random.default_rng(1)
    for weight in model.weights:  # statistics that fresh normalisation has not
        weight.assign(weight + random.uniform(-0.3, 0.3, weight.shape))
    return model


@pytest.fixture(scope="module")
def model():
    return nested()


@pytest.fixture(scope="module")
def traced(model):
    """By format, what each tensor held for each image."""
    return {
        "tflite": list(trace_tflite(tflite.convert(model), IMAGES)),
        "onnx": list(trace_onnx(onnx_model.convert(model), IMAGES)),
    }


@pytest.fixture(scope="module")
def names(model, traced):
    """By format: tensor name -> layer name."""
    return {kind: layer_names(model, held, IMAGES) for kind, held in traced.items()}


def test_both_families_are_told_in_the_names_of_the_keras_model(names):
    layers = ["image", "conv", "branch", "sum", "pool", "answer (logits)", "answer"]
    for kind in ("tflite", "onnx"):
        order = [name for name in names[kind].values() if name in layers]
        assert order == layers, kind
        assert len(set(names[kind].values())) == len(names[kind])


@pytest.mark.parametrize("layer", ["conv", "branch", "sum", "pool", "answer"])
def test_a_layer_is_found_in_the_tensor_that_holds_what_it_gives(model, traced, names, layer):
    (wanted, *_) = [
        place.values[0] for place in reversed(keras_values(model, IMAGES)) if place.name == layer
    ]
    for kind, held in traced.items():
        (tensor,) = [tensor for tensor, name in names[kind].items() if name == layer]
        found = held[0][tensor].values[0]
        if kind == "onnx" and found.ndim == 3:
            found = np.moveaxis(found, 0, -1)
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_what_comes_before_an_activation_is_told_from_what_comes_after(names):
    assert {"conv (norm)", "branch (before silu)", "sum (sum)"} <= set(names["onnx"].values())
    assert "branch (before silu)" in names["tflite"].values()


def doubling(values):
    return 2 * values


def test_a_tensor_that_is_only_like_what_a_layer_gives_is_not_named_after_it():
    wanted = np.random.default_rng(0).random((3, 4, 4, 2), np.float32)
    known = [Known("conv", None, wanted)]
    most = wanted.max()
    assert _recognise(wanted + np.float32(5e-4) * most, known) is known[0]
    assert _recognise(wanted + np.float32(5e-3) * most, known) is None
    layer = SimpleNamespace(activation=doubling)
    exact, like = (Known("conv", layer, wanted * np.float32(by)) for by in (2, 2.01))
    assert _before_activation(wanted, [exact]) == "conv (before doubling)"
    assert _before_activation(wanted, [like]) is None


def test_layers_of_one_name_in_two_nested_models_are_told_by_path():
    import keras
    from keras import layers

    image = keras.Input((12, 12, 1))
    halves = [
        keras.Sequential([layers.Conv2D(2, 3, name="conv")], name=name)
        for name in ("left", "right")
    ]
    both = layers.Concatenate(name="both")
    model = keras.Model(image, both([half(image) for half in halves]))
    found = {place.name for place in keras_values(model, IMAGES)}
    assert {"left/conv", "right/conv", "both"} <= found


def test_what_others_read_too_is_not_fused_away():
    import keras
    from keras import layers

    image = keras.Input((12, 12, 1))
    wide = layers.Conv2D(2, 3, name="wide")(image)
    bent = layers.ReLU(name="bent")(wide)
    model = keras.Model(image, layers.Add(name="sum")([wide, bent]))
    assert [place.name for place in keras_values(model, IMAGES)][1:] == ["wide", "bent", "sum"]


def test_a_model_that_is_no_graph_of_layers_leaves_tensors_their_own_short_names(traced):
    import keras

    class Own(keras.Model):
        def call(self, x):
            return x

    found = layer_names(Own(), traced["tflite"], IMAGES)
    assert list(found) == list(traced["tflite"][0])
    assert not set(found.values()) & {"conv", "sum", "answer"}
    assert "pool_1/MaxPool2d" in found.values()

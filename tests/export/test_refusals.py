import keras
import numpy as np
import pytest
import tensorflow as tf

from mnist_edge.errors import ModelError
from mnist_edge.export import onnx_model, tflite
from mnist_edge.export.plan import Target
from mnist_edge.export.refusals import check_standard, explain


class Apply(keras.layers.Layer):
    """A layer of the user's own that computes with TensorFlow."""

    def __init__(self, function, **how):
        super().__init__(**how)
        self.function = function

    def call(self, inputs):
        return self.function(inputs)

    def compute_output_shape(self, shape):
        return shape


def classifier(*layers):
    image = found = keras.Input((8, 8, 1))
    for layer in (*layers, keras.layers.Flatten(), keras.layers.Dense(4, activation="softmax")):
        found = layer(found)
    return keras.Model(image, found)


def bicubic():
    return keras.layers.UpSampling2D(2, interpolation="bicubic", name="larger")


def erfinv():
    return Apply(lambda x: keras.ops.erfinv(x * 0.5), name="mine")


def refused(call, *args):
    with pytest.raises(ModelError) as caught:
        call(*args)
    return caught.value


def test_a_keras_layer_that_would_need_flex_is_named_with_its_operator():
    error = refused(tflite.convert, classifier(bicubic()))
    for raised in (error, error.__cause__):
        assert explain(raised).startswith("the model needs ResizeBicubic (in larger")
        assert explain(raised).endswith(
            "which TensorFlow Lite does not have: use another layer there"
        )
        assert "\n" not in explain(raised)


def test_what_would_be_a_custom_operator_is_named_together_with_flex():
    said = explain(refused(tflite.convert, classifier(erfinv(), bicubic())))
    assert "Erfinv (in mine" in said
    assert "ResizeBicubic (in larger" in said
    assert len(said) < 200


def test_an_operator_without_such_a_quantization_is_named():
    model = classifier(Apply(lambda x: tf.sin(x) + tf.nn.elu(x)))
    images = np.random.default_rng(0).random((4, 8, 8, 1)).astype(np.float32)
    error = refused(tflite.convert_int16, model, Target("tflite", "int16x8", io="int16"), images)
    assert explain(error) == (
        "ELU, SIN cannot be quantized to 16x8-bit: take another quantization or layer"
    )


def test_an_operator_that_onnx_lacks_is_found_in_the_file_that_tf2onnx_writes():
    said = str(refused(onnx_model.convert, classifier(erfinv())))
    assert said.startswith("the model needs Erfinv (in mine")
    assert said.endswith("which ONNX does not have: use another layer there")
    check_standard(onnx_model.convert(classifier(bicubic())))


def test_what_onnx_runtime_says_of_such_a_file_is_as_plain(monkeypatch):
    import onnxruntime

    monkeypatch.setattr(onnx_model, "check_standard", lambda _content: None)
    content = onnx_model.convert(classifier(erfinv()))
    with pytest.raises(Exception, match="Erfinv") as caught:
        onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    assert explain(caught.value) == (
        "the model needs Erfinv, which ONNX does not have: use another layer there"
    )


def test_other_errors_keep_their_first_line_that_says_something():
    model = classifier()
    with pytest.raises(ValueError, match="incompatible") as caught:
        model(np.zeros((1, 9, 9, 1), np.float32))
    assert "is incompatible with the layer" in explain(caught.value)
    assert "\x1b" not in explain(caught.value)
    assert explain(RuntimeError("\n  no memory \nat all")) == "no memory"
    assert explain(KeyError()) == "KeyError"
    outer = ModelError("conversion failed: see below")
    outer.__cause__ = ValueError("the reason")
    assert explain(outer) == "the reason"

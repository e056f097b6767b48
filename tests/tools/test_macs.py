"""Multiply-adds of networks, against counts by hand."""

from math import prod

import pytest

from tools.peers.macs import count, macs

# An early edge, see tests/structure/conftest.py.
# 28 -> 12 by 5x5, stride 2; -> 10 -> 8 by 3x3; pool -> 4; -> 2 by 3x3; the mean; 64 by 10
POOLED = [
    12 * 12 * 16 * 5 * 5 * 1,
    10 * 10 * 32 * 3 * 3 * 16,
    8 * 8 * 32 * 3 * 3 * 32,
    2 * 2 * 64 * 3 * 3 * 32,
    64 * 10,
]
# 28 -> 26, pool -> 13, -> 11, pool -> 5; 5*5*64 by 128 by 10
CLASSIC = [26 * 26 * 32 * 3 * 3 * 1, 11 * 11 * 64 * 3 * 3 * 32, 5 * 5 * 64 * 128, 128 * 10]


@pytest.mark.parametrize("name", ["pooled-int8.tflite", "pooled-float32.onnx"])
def test_a_network_is_counted_as_by_hand(root, name):
    assert [layer.macs for layer in count(root / "tests" / "structure" / name)] == POOLED
    assert sum(POOLED) == 1_182_592


def test_every_file_of_edge_is_counted_as_the_layers_of_keras_say(root):
    import keras

    edge = root / "artifacts" / "edge"
    layers = keras.saving.load_model(edge / "edge.keras", compile=False).layers
    wanted = [
        prod(layer.output.shape[1:-1]) * prod(layer.kernel.shape)
        for layer in layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)
    ]
    assert len(wanted) > 2
    for form in ("int8.tflite", "float32.tflite", "int8.onnx", "float32.onnx"):
        assert [layer.macs for layer in count(edge / f"edge-{form}")] == wanted, form


def test_the_classic_network_is_counted_as_by_hand(tmp_path):
    import keras
    import tensorflow as tf
    from keras import layers

    body = [keras.Input(batch_shape=(1, 28, 28, 1))]
    for filters in (32, 64):
        body += [layers.Conv2D(filters, 3, activation="relu"), layers.MaxPooling2D()]
    body += [layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(10)]
    path = tmp_path / "classic.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(keras.Sequential(body)).convert())
    assert [layer.macs for layer in count(path)] == CLASSIC
    assert sum(CLASSIC) == 2_631_040


@pytest.mark.parametrize(
    ("form", "name", "taken", "given", "wanted"),
    [
        # depthwise: each channel has its own 3x3, no sum over channels
        ("tflite", "DEPTHWISE_CONV_2D", [(1, 14, 14, 8), (1, 3, 3, 8)], (1, 14, 14, 8), 196 * 72),
        ("onnx", "Conv", [(1, 8, 14, 14), (8, 1, 3, 3)], (1, 8, 14, 14), 196 * 72),
        ("onnx", "ConvInteger", [(1, 4, 9, 9), (6, 4, 3, 3)], (1, 6, 7, 7), 49 * 216),
        ("tflite", "TRANSPOSE_CONV", [(4,), (6, 2, 2, 4), (1, 7, 7, 4)], (1, 14, 14, 6), 49 * 96),
        ("onnx", "ConvTranspose", [(1, 4, 7, 7), (4, 6, 2, 2)], (1, 6, 14, 14), 49 * 96),
        ("tflite", "FULLY_CONNECTED", [(1, 64), (10, 64), (10,)], (1, 10), 640),
        ("onnx", "MatMul", [(5, 64), (64, 10)], (5, 10), 3200),
        ("tflite", "SOFTMAX", [(1, 10)], (1, 10), 0),
        ("onnx", "Add", [(1, 10), (10,)], (1, 10), 0),
    ],
)
def test_an_operator_is_counted_by_its_kind(form, name, taken, given, wanted):
    assert macs(form, name, taken, given) == wanted


def test_a_gemm_may_turn_its_first_matrix():
    assert macs("onnx", "Gemm", [(64, 5), (64, 10)], (5, 10), turned=True) == 3200

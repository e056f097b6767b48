from pathlib import Path

import pytest

from mnist_edge.bench.targets import FORMATS, TARGETS, check_targets
from mnist_edge.errors import ModelError, SettingError

pytestmark = pytest.mark.needs("keras")


def dense():
    """A network with a dense layer that is large enough for its weights to be quantized."""
    import keras

    image = keras.Input((8, 8, 1))
    found = keras.layers.Dense(64)(keras.layers.Flatten()(image))
    return keras.Model(image, keras.layers.Dense(4, activation="softmax")(found))


@pytest.fixture(scope="module")
def new():
    """A file as TensorFlow makes it, too new for tflite-runtime: a scale for each dense channel."""
    import tensorflow as tf

    from mnist_edge.export.quiet import quiet

    converter = tf.lite.TFLiteConverter.from_keras_model(dense())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    with quiet("conversion"):
        return converter.convert()


@pytest.fixture(scope="module")
def strange():
    """An ONNX file with an operator of TensorFlow's, as tf2onnx leaves it."""
    from onnx import TensorProto, helper

    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Erfinv", ["x"], ["y"])], "g", ports[:1], ports[1:])
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()


def test_what_we_export_runs_on_the_oldest_of_each_runtime(bundle):
    for entry in bundle.models:
        if entry.format != "keras":
            check_targets((bundle.folder / entry.file).read_bytes(), entry.file)


def test_an_operator_that_is_too_new_for_a_target_is_named_with_all_that_helps(new):
    with pytest.raises(ModelError) as caught:
        check_targets(new, Path("net-dynamic.tflite"))
    assert str(caught.value) == (
        "net-dynamic.tflite cannot run there: tflite-runtime 2.14.0 lacks FULLY_CONNECTED "
        "version 12 (it knows up to 10): leave it out (--for litert,onnxruntime), "
        "or use another layer or quantization"
    )


def test_a_dense_network_with_dynamic_ranges_runs_on_the_oldest_runtime():
    from mnist_edge.export import tflite
    from mnist_edge.export.audit.tflite_file import constants
    from mnist_edge.export.plan import Target

    content = tflite.convert_weights(dense(), Target("tflite", "dynamic"))
    assert "int8" in {each.stored for each in constants(content).values()}
    check_targets(content, "net-dynamic.tflite", ["tflite-runtime"])


def test_every_target_that_lacks_it_is_named(new):
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(new))
    for code in model.operatorCodes:
        code.version = 99
    newer = bytes(flatbuffer_utils.convert_object_to_bytearray(model))
    with pytest.raises(ModelError, match=r"litert .* lacks .*; tflite-runtime 2\.14\.0 lacks"):
        check_targets(newer, "net")


def test_only_the_targets_that_were_asked_for_are_looked_at(new):
    check_targets(new, "net", ["litert", "onnxruntime"])
    with pytest.raises(ModelError, match=r"knows up to 10\): use another layer"):
        check_targets(new, "net", ["tflite-runtime", "onnxruntime"])
    check_targets(new, "net", ["onnxruntime"])


def test_an_operator_that_is_none_of_onnx_is_named(strange):
    with pytest.raises(ModelError) as caught:
        check_targets(strange, "net.onnx")
    assert str(caught.value) == (
        "net.onnx cannot run there: onnxruntime 1.18.1 lacks Erfinv (it knows no such operator): "
        "use another layer or quantization"
    )


def test_a_damaged_file_or_an_unknown_target_is_refused(new):
    with pytest.raises(ModelError, match="net is damaged"):
        check_targets(new[:500], "net")
    with pytest.raises(SettingError, match="unknown runtime 'litertt': did you mean 'litert'"):
        check_targets(new, "net", ["litertt"])


def test_every_target_is_a_runtime_that_is_known_of():
    assert set(TARGETS) < set(FORMATS)
    assert FORMATS["onnxruntime"] == "onnx"

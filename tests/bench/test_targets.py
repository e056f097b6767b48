from pathlib import Path

import pytest

from mnist_edge.bench.targets import FORMATS, TARGETS, check_targets
from mnist_edge.errors import ModelError, SettingError

pytestmark = pytest.mark.needs("keras")


@pytest.fixture(scope="module")
def new():
    """A file of today's converter that tflite-runtime is too old for: a wide dynamic layer."""
    import keras

    from mnist_edge.export import tflite
    from mnist_edge.export.plan import Target

    image = keras.Input((8, 8, 1))
    found = keras.layers.Dense(64)(keras.layers.Flatten()(image))
    model = keras.Model(image, keras.layers.Dense(4, activation="softmax")(found))
    return tflite.convert_weights(model, Target("tflite", "dynamic"))


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

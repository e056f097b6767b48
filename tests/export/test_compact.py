from pathlib import Path

import numpy as np
import pytest

from mnist_edge import open_backend
from mnist_edge.export.compact import ALIGNMENT, compact, short

# An early `edge`, with 64 channels at its end: see tests/structure/conftest.py.
POOLED = Path(__file__).parents[1] / "structure" / "pooled-int8.tflite"


def as_converted(content):
    """Write a file as TensorFlow's converter does: long names, each vector apart."""
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    graph = model.subgraphs[0]
    for index, tensor in enumerate(graph.tensors):
        if index not in {*graph.inputs, *graph.outputs}:
            tensor.name = b"net_1/net/" + tensor.name + b";net_1/net/bn_1/add;net_1/net/conv/c"
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def converted():
    """A float32 network of two convolutions, by TensorFlow's converter."""
    import keras
    import tensorflow as tf
    from keras import layers

    keras.utils.set_random_seed(0)
    body = [
        keras.Input(batch_shape=(1, 28, 28, 1)),
        layers.Conv2D(8, 3, 2, activation="relu"),
        layers.Conv2D(64, 3, 2, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(10, activation="softmax"),
    ]
    return tf.lite.TFLiteConverter.from_keras_model(keras.Sequential(body)).convert()


@pytest.fixture(scope="module", params=["int8", "float32"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def long(kind):
    return as_converted(POOLED.read_bytes() if kind == "int8" else converted())


def test_a_smaller_file_gives_the_same_bits(kind, long, dataset):
    made = compact(long)
    least = {"int8": 3000, "float32": 500}  # names, and in int8 zero points
    assert len(made) < len(long) - least[kind]
    with open_backend(long, "litert") as before, open_backend(made, "litert") as after:
        assert (before.input, before.output) == (after.input, after.output)
        images = dataset.test.images[:64]
        np.testing.assert_array_equal(before.infer(images), after.infer(images))
    assert compact(made) == made


def test_data_lies_where_runtimes_want_it(long):
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.Model.GetRootAs(compact(long), 0)
    buffers = [model.Buffers(place) for place in range(model.BuffersLength())]
    starts = [each._tab.Vector(each._tab.Offset(4)) for each in buffers if each.DataLength()]
    assert len(starts) >= 7  # kernels and biases of three layers, and the axes of the mean
    assert all(start % ALIGNMENT == 0 for start in starts)


def test_zero_points_of_many_channels_are_written_once():
    content = POOLED.read_bytes()
    zeros = bytes(8 * 64)
    assert as_converted(content).count(zeros) >= 2
    assert compact(content).count(zeros) == 1


def test_names_stay_apart():
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(POOLED.read_bytes()))
    tensors = model.subgraphs[0].tensors
    for place, tensor in enumerate(tensors):
        tensor.name = b"a/%d/b/c;d" % place
    made = compact(bytes(flatbuffer_utils.convert_object_to_bytearray(model)))
    graph = flatbuffer_utils.convert_bytearray_to_object(bytearray(made)).subgraphs[0]
    names = [tensor.name for tensor in graph.tensors]
    ends = {*graph.inputs, *graph.outputs}
    assert len(set(names)) == len(names)
    assert {names[index] for index in ends} == {b"a/%d/b/c;d" % index for index in ends}
    others = [name for index, name in enumerate(names) if index not in ends]
    assert sorted(others)[:2] == [b"b/c", b"b/c_10"]


@pytest.mark.parametrize("place", ["buffer", "operator"])
def test_a_file_with_data_behind_its_tables_is_left_alone(place):
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(POOLED.read_bytes()))

    def written(at):
        if place == "buffer":
            model.buffers[1].offset, model.buffers[1].size = at, 16
        else:
            op = model.subgraphs[0].operators[0]
            op.largeCustomOptionsOffset, op.largeCustomOptionsSize = at, 16
        behind = bytes(range(16))
        return bytes(flatbuffer_utils.convert_object_to_bytearray(model, behind))

    outside = written(len(written(1)) - 16)
    assert compact(outside) == outside
    assert len(compact(written(0))) < len(written(0)) - 16


@pytest.mark.parametrize(
    ("name", "wanted"), [("a", "a"), ("a/b", "a/b"), ("a/b/c;d/e", "b/c"), (";a", "")]
)
def test_a_name_is_cut_to_its_last_parts(name, wanted):
    assert short(name) == wanted


def test_what_converted_it_is_left_out_and_what_it_needs_stays(long):
    assert b"CONVERSION_METADATA" in long
    made = compact(long)
    assert b"CONVERSION_METADATA" not in made
    assert b"min_runtime_version" in made


def opened(content):
    from tensorflow.lite.tools import flatbuffer_utils

    return flatbuffer_utils.convert_bytearray_to_object(bytearray(content))


def data(model, place):
    held = model.buffers[place].data
    return b"" if held is None else bytes(held)


def test_what_is_computed_shares_the_buffer_that_is_empty(long):
    before, after = opened(long), opened(compact(long))
    pairs = zip(before.subgraphs[0].tensors, after.subgraphs[0].tensors, strict=True)
    for then, now in pairs:
        assert data(before, then.buffer) == data(after, now.buffer)
        assert (now.buffer == 0) == (not data(before, then.buffer))
    notes = {each.name: data(before, each.buffer) for each in before.metadata}
    for each in after.metadata:
        assert data(after, each.buffer) == notes[each.name] != b""
    tensors = after.subgraphs[0].tensors
    taken = {0, *(each.buffer for each in [*tensors, *after.metadata])}
    assert taken == set(range(len(after.buffers)))


@pytest.mark.parametrize(
    "case", ["variable", "no elements", "first buffer has data", "notes by buffer alone"]
)
def test_buffers_stay_where_more_than_a_tensor_may_count_on_them(case):
    from tensorflow.lite.tools import flatbuffer_utils

    model = opened(POOLED.read_bytes())
    tensors = model.subgraphs[0].tensors
    place = next(place for place, each in enumerate(tensors) if not data(model, each.buffer))
    if case == "variable":
        tensors[place].isVariable = True
    elif case == "no elements":
        model.buffers[tensors[place].buffer].data = np.zeros(0, np.uint8)
    elif case == "first buffer has data":
        model.buffers[0].data = np.arange(16, dtype=np.uint8)
    else:
        model.metadataBuffer = [1]
    content = bytes(flatbuffer_utils.convert_object_to_bytearray(model))
    made = opened(compact(content))
    assert made.subgraphs[0].tensors[place].buffer != 0
    if case not in ("variable", "no elements"):
        assert [each.buffer for each in made.subgraphs[0].tensors] == [
            each.buffer for each in tensors
        ]

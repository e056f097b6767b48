from pathlib import Path

import numpy as np
import pytest

from mnist_edge import open_backend
from mnist_edge.export.compact import ALIGNMENT, compact, short

EDGE = Path(__file__).parents[2] / "artifacts" / "edge"


def as_converted(content):
    """Write a file as TensorFlow's converter does: long names, each vector apart."""
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    graph = model.subgraphs[0]
    for index, tensor in enumerate(graph.tensors):
        if index not in {*graph.inputs, *graph.outputs}:
            tensor.name = b"net_1/net/" + tensor.name + b";net_1/net/bn_1/add;net_1/net/conv/c"
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


@pytest.fixture(scope="module", params=["edge-int8.tflite", "edge-float32.tflite"])
def long(request):
    return as_converted((EDGE / request.param).read_bytes())


def test_a_smaller_file_gives_the_same_bits(long, dataset):
    made = compact(long)
    assert len(made) < len(long) - 1500
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
    assert len(starts) > 10
    assert all(start % ALIGNMENT == 0 for start in starts)


def test_zero_points_of_many_channels_are_written_once():
    content = (EDGE / "edge-int8.tflite").read_bytes()
    zeros = bytes(8 * 64)
    assert as_converted(content).count(zeros) >= 2
    assert compact(content).count(zeros) == 1


def test_names_stay_apart():
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(
        bytearray((EDGE / "edge-int8.tflite").read_bytes())
    )
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


@pytest.mark.parametrize(
    ("name", "wanted"), [("a", "a"), ("a/b", "a/b"), ("a/b/c;d/e", "b/c"), (";a", "")]
)
def test_a_name_is_cut_to_its_last_parts(name, wanted):
    assert short(name) == wanted

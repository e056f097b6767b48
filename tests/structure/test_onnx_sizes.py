"""Shapes that an ONNX file computes, worked out for one image or left unknown."""

import struct

import numpy as np
import pytest

from mnist_edge.errors import ModelError
from mnist_edge.structure import examine

MOST, LEAST = 2**63 - 1, -(2**63)


def with_shape(made, kind, nodes, weights=(), name="shape"):
    """A model where an operator is given a shape that `nodes` compute from the image x."""
    taken = ["shape"] if kind == "ConstantOfShape" else ["x", "shape"]
    nodes = [*nodes, made.node(kind, [n if n != "shape" else name for n in taken], ["y"])]
    return made.model(nodes, weights)


def measured(made, *nodes):
    return [made.node("Shape", ["x"], ["sides"]), *nodes]


@pytest.mark.parametrize("kind", ["Expand", "Tile", "ConstantOfShape"])
def test_a_shape_that_only_running_tells_is_left_unknown(made, kind):
    nodes = measured(made, made.node("Mod", ["sides", "sides"], ["shape"]))
    assert examine(with_shape(made, kind, nodes), "a.onnx")


@pytest.mark.parametrize("kind", ["Expand", "Tile", "ConstantOfShape", "Reshape"])
def test_a_shape_from_the_images_own_is_followed_as_exporters_write_it(made, kind):
    # [1,28,28,1] -> its first side -> [1,count,28,1], as Keras has it for states and class tokens
    def content(count):
        nodes = measured(
            made,
            made.node("Cast", ["sides"], ["short"], to=6),
            made.node("Slice", ["short", "zero", "one", "zero"], ["first"]),
            made.node("Concat", ["first", "rest"], ["joined"], axis=0),
            made.node("Cast", ["joined"], ["shape"], to=7),
        )
        rest = made.weights("rest", [3], struct.pack("<3i", count, 28, 1), 6)
        weights = [made.integers("zero", 0), made.integers("one", 1), rest]
        return with_shape(made, kind, nodes, weights)

    assert examine(content(28), "a.onnx")
    with pytest.raises(ModelError, match=rf"node 5 \({kind}\)"):
        examine(content(2**30), "a.onnx")


@pytest.mark.parametrize(
    ("kind", "numbers", "settings", "gives"),
    [
        # As onnxruntime gave them for the shape [1,28,28,1].
        ("Add", [1, 2, 3, 4], {}, [2, 30, 31, 5]),
        ("Sub", [2], {}, [-1, 26, 26, -1]),
        ("Mul", [2**62, 2**61, 2, -1], {}, [2**62, LEAST, 56, -1]),
        ("Div", [-2, -3, 5, 1], {}, [0, -9, 5, 1]),
        ("Max", [9], {}, [9, 28, 28, 9]),
        ("Min", [9], {}, [1, 9, 9, 1]),
        ("Gather", [-2, 0], {}, [28, 1]),
        ("Concat", [7], {"axis": 0}, [1, 28, 28, 1, 7]),
        ("Expand", [4], {}, [1, 28, 28, 1]),
        ("Reshape", [4], {}, [1, 28, 28, 1]),
        ("Slice", [-2, MOST, 0, 1], {}, [28, 1]),
        ("Slice", [-1, LEAST, 0, -2], {}, [1, 28]),
        ("ReduceProd", None, {"axes": [0]}, [784]),
        ("Cast", None, {"to": 9}, [1, 1, 1, 1]),
        ("Cast", None, {"to": 6}, [1, 28, 28, 1]),
        ("Equal", [28], {}, [0, 1, 1, 0]),
        ("Greater", [27], {}, [0, 1, 1, 0]),
        ("Less", [28], {}, [1, 0, 0, 1]),
    ],
)
def test_the_numbers_are_worked_out_as_onnxruntime_does(made, kind, numbers, settings, gives):
    """ConstantOfShape of `sides - gives` plus 3 is [3,...]: any other number changes the shape."""
    taken = ["sides"]
    weights = [made.integers("gives", *gives), made.integers("three", 3)]
    if kind == "Slice":
        for place, number in enumerate(numbers):
            weights.append(made.integers(f"n{place}", number))
            taken.append(f"n{place}")
    elif numbers is not None:
        weights.append(made.integers("n", *numbers))
        taken.append("n")
    nodes = measured(
        made,
        made.node(kind, taken, ["a"], **settings),
        made.node("Cast", ["a"], ["numbers"], to=7),
        made.node("Equal", ["numbers", "gives"], ["same"]),
        made.node("Where", ["same", "three", "wide"], ["shape"]),
    )
    weights.append(made.integers("wide", 2**31))
    nodes.append(made.node("ConstantOfShape", ["shape"], ["filled"]))
    nodes.append(made.node("Reshape", ["filled", "wanted"], ["y"]))
    content = made.model(nodes, [*weights, made.integers("wanted", 3 ** len(gives))])
    assert examine(content, "a.onnx")
    content = made.model(nodes, [*weights, made.integers("wanted", 3 ** len(gives) + 1)])
    with pytest.raises(ModelError, match=r"\(Reshape\) turns"):
        examine(content, "a.onnx")


def test_numbers_may_be_among_the_settings(made):
    for name, value in (("value_int", 2**40), ("value_ints", [2**40])):
        nodes = [made.node("Constant", [], ["shape"], **{name: value})]
        with pytest.raises(ModelError, match=r"gives .*1099511627776"):
            examine(with_shape(made, "Expand", [*nodes]), "a.onnx")


def test_filled_constants_are_numbers_as_well(made):
    value = made.weights("v", [1], struct.pack("<q", 2**20), 7)
    nodes = [
        made.node("ConstantOfShape", ["n"], ["shape"],
                  (5, made.message((1, "value"), (5, value), (20, 4)))),
    ]  # fmt: skip
    with pytest.raises(ModelError, match=r"gives .1048576,1048576,1048576."):
        examine(with_shape(made, "ConstantOfShape", nodes, [made.integers("n", 3)]), "a.onnx")


@pytest.mark.parametrize(("number", "by"), [(28, 0), (LEAST, -1)])
def test_a_division_over_which_onnxruntime_ends_is_refused(made, number, by):
    nodes = [
        made.node("Div", ["number", "by"], ["shape"]),
    ]
    weights = [made.integers("number", number), made.integers("by", by)]
    with pytest.raises(ModelError, match=f"divides {number} by {by}"):
        examine(with_shape(made, "Expand", nodes, weights), "a.onnx")


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        ("Max", ["sides"]),
        ("Add", ["sides"]),
        ("Add", ["sides"] * 3),
        ("Where", ["sides"]),
        ("Gather", ["sides"]),
        ("Slice", ["sides"]),
        ("Slice", ["sides", "sides", "sides"]),
        ("Cast", ["sides"]),
        ("ReduceProd", ["sides"] * 2),
        ("Expand", ["sides"]),
        ("Concat", ["sides"]),
    ],
)
def test_a_node_with_too_few_or_too_many_inputs_is_no_error_of_python(made, kind, taken):
    content = made.model(measured(made, made.node(kind, taken, ["y"])))
    try:
        told = ", ".join(op.name for op in examine(content, "a.onnx").ops)
    except ModelError as error:
        told = str(error)
    assert told.startswith("a.onnx is damaged: node 1") or {kind, "Shape"} == {*told.split(", ")}


@pytest.mark.needs("tensorflow-lite", "onnxruntime")
def test_what_keras_exports_of_layers_over_time_is_taken():
    import keras
    import onnxruntime

    from mnist_edge.export.onnx_model import convert

    rows = [keras.layers.Reshape((28, 28)), keras.layers.LSTM(2), keras.layers.Dense(3)]
    content = convert(keras.Sequential([keras.Input((28, 28, 1)), *rows]))
    structure = examine(content, "a.onnx")
    assert {"LSTM", "Expand"} <= {op.name for op in structure.ops}
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    images = np.zeros((2, 28, 28, 1), np.float32)
    assert session.run(None, {structure.inputs[0].name: images})[0].shape == (2, 3)

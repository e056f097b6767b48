"""Each statement of an ONNX file that a runtime trusts, or follows where it should not."""

import struct

import pytest

from mnist_edge.errors import ModelError
from mnist_edge.structure import Op, examine

IMAGE = ["N", 28, 28, 1]


def seen(content):
    return examine(content, "a.onnx")


def small(made, *extra, **changes):
    """[N,28,28,1] -> [N,10] by a reshape, a matrix product and a softmax."""
    nodes = [
        made.node("Reshape", ["x", "shape"], ["flat"]),
        made.node("MatMul", ["flat", "w"], ["sums"]),
        made.node("Softmax", ["sums"], ["y"], axis=-1),
    ]
    weights = [made.integers("shape", -1, 784), made.weights("w", [784, 10])]
    nodes = changes.pop("nodes", nodes)
    return made.model(nodes, changes.pop("weights", weights), *extra, **changes)


def chain(made, node, *weights, out="y", shape=IMAGE, **more):
    """A model whose one node takes the image as x and gives y."""
    return made.model(
        [node], weights, [made.value("x", shape)], [made.value(out, ["N", 10])], **more
    )


def test_a_whole_model_is_read(made):
    structure = seen(small(made))
    assert structure.ops == (Op("MatMul", 17), Op("Reshape", 17), Op("Softmax", 17))
    assert structure.any_batch
    assert (structure.opset, structure.ir_version) == (17, 8)


def test_weights_may_be_among_the_inputs_as_before_2019(made):
    inputs = [made.value("x", IMAGE), made.value("w", [784, 10])]
    assert [port.name for port in seen(small(made, inputs=inputs)).inputs] == ["x"]


def test_a_model_for_one_image_says_so(made):
    assert not seen(small(made, inputs=[made.value("x", [1, 28, 28, 1])])).any_batch


def test_numbers_one_by_one_are_as_good_as_bytes(made):
    shape = made.message((1, 2), (2, 7), (8, "shape"), (7, -1), (7, 784))
    assert seen(small(made, weights=[shape, made.weights("w", [784, 10])]))


def broken(made):
    """Files by what is wrong with them, each with what the message says."""
    message, weights = made.message, made.weights("w", [784, 10])
    shape = made.integers("shape", -1, 784)

    def with_weights(*rows):
        return small(made, weights=rows)

    def node(*args, **settings):
        return chain(made, made.node(*args, **settings))

    other = message((13, message((1, "location"), (2, "other.bin"))), (14, 1))
    yield "no opset", made.model([], (), None, None).replace(b"\x42\x02\x10\x11", b""), "no graph"
    yield "opset 0", small(made, opset=0), "operator set ai.onnx has version 0"
    yield "functions", small(made) + message((25, b"")), "functions of its own"
    yield "training", small(made) + message((20, b"")), "a graph to train"
    yield "sparse", small(made, graph=[(15, b"")]), "sparse weights"
    yield "no output", small(made, outputs=[]), "it has 1 inputs and 0 outputs"
    yield "no input", small(made, inputs=[]), "it has 0 inputs"
    yield "output of nothing", small(made, outputs=[made.value("z", [1])]), "nothing gives output z"
    yield "input twice", small(made, inputs=[made.value("x", IMAGE)] * 2), "input x is there twice"
    yield "text input", small(made, inputs=[made.value("x", IMAGE, 8)]), "x, which is no tensor"
    yield "no type", small(made, inputs=[message((1, "x"))]), "x, which is no tensor"
    yield "huge input", small(made, inputs=[made.value("x", [1, 2**31, 2**31, 1])]), "x has the sh"
    yield "negative", small(made, inputs=[made.value("x", [1, -28, 28, 1])]), "x has the shape"
    yield "value huge", small(made, graph=[(13, made.value("v", [2**62]))]), "v has the shape"
    # ONNX Runtime 1.31 reads it from the folder it happens to run in.
    yield "external", with_weights(shape, weights + other), "w lies in another file"
    yield "segment", with_weights(shape, weights + message((3, b""))), "w lies in another file"
    yield "short data", with_weights(shape, made.weights("w", [784, 10], bytes(9))), "has 9 bytes"
    yield "no data", with_weights(shape, message((1, 5), (2, 1), (8, "w"))), "has 0 numbers"
    yield "two places", with_weights(shape, weights + message((4, 1.0))), "data in two places"
    yield "other field", with_weights(shape, weights + message((7, 1))), "data in two places"
    yield "complex", with_weights(shape, made.weights("w", [1], bytes(8), 14)), "of type 14"
    yield "negative size", with_weights(shape, made.weights("w", [-1], b"")), "has the shape .-1."
    yield "twice", with_weights(shape, weights, weights), "w are there twice"
    yield "nameless", with_weights(shape, made.weights("", [1])), "or have no name"
    yield "from nowhere", node("Relu", ["z"], ["y"]), r"node 0 \(Relu\) takes z, which nothing"
    yield "again", node("Relu", ["x"], ["x"]), "gives x, which is there already"
    yield "unknown set", small(made, nodes=[made.node("A", ["x"], ["y"], (7, "me"))]), "set me"
    # ONNX Runtime 1.31 runs without an end.
    yield "loop", node("Loop", ["x"], ["y"]), "needs Loop"
    yield "random", node("RandomNormal", [], ["y"]), "needs RandomNormal"
    body = message((1, "body"), (6, b""), (20, 5))
    yield "body", small(made, nodes=[made.node("Foo", ["x"], ["y"], (5, body))]), "kind 5"
    yield "twice set", node("Relu", ["x"], ["y"], (5, made.setting("a", 1)), a=2), "a twice"
    yield "nan", node("LeakyRelu", ["x"], ["y"], alpha=float("nan")), "has alpha nan"
    yield "real axis", node("Softmax", ["x"], ["y"], axis=1.0), "axis that is no integer"
    yield "one stride", node("MaxPool", ["x"], ["y"], strides=1), "strides that are no integers"
    yield "group 0", node("Conv", ["x", "x"], ["y"], group=0), "has group .0."
    yield "stride 0", node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[0, 1]), "strides"
    # ONNX Runtime 1.31: SIGFPE
    yield "window", node("MaxPool", ["x"], ["y"], kernel_shape=[29, 1]), "29 over 28 pixels"
    yield "no window", node("MaxPool", ["x"], ["y"]), "no kernel_shape"
    yield "pads", node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], pads=[9, 0, 0, 0]), "pads by"
    yield "dims", node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2, 2]), "window .2,2,2. over"
    yield "pads -", node("MaxPool", ["x"], ["y"], kernel_shape=[2, 1], pads=[-1, 0, 0, 0]), "0..32"
    yield "strides", node("MaxPool", ["x"], ["y"], kernel_shape=[2, 1], strides=[1]), "1 strides"
    bare = message((1, "value"), (20, 4))
    yield "no tensor", small(made, nodes=[made.node("Constant", [], ["y"], (5, bare))]), "no tensor"
    yield "flat", chain(made, made.node("GlobalMaxPool", ["x"], ["y"]), shape=["N", 9]), "an image"
    for kind, sides, settings, said in (
        ("Conv", [8, 28, 3, 1], {"kernel_shape": [5, 1]}, "has kernel_shape .5, 1."),
        ("ConvTranspose", [28, 5], {}, "has filters .28,5."),
        ("ConvTranspose", [28, 5, 1, 1], {"output_padding": [1]}, "with .1. more"),
        ("ConvTranspose", [28, 5, 1, 1], {"output_shape": [2**40, 1]}, "gives .1099511627776,1."),
        ("ConvTranspose", [3, 5, 1, 1], {}, "takes .1,28,28,1. with filters"),
        ("Concat", [1, 2], {"axis": 0}, "joins .1,28,28,1. and .1,2."),
    ):
        row = made.weights("w", sides)
        yield said, chain(made, made.node(kind, ["x", "w"], ["y"], **settings), row), said
    yield "order", node("Transpose", ["x"], ["y"], perm=[0, 1, 1, 2]), "in the order"
    yield "axis", node("Flatten", ["x"], ["y"], axis=9), "dimension 9 of 4"
    yield "matrices", node("MatMul", ["x", "x"], ["y"]), "multiplies"
    yield "no matrices", node("Gemm", ["x", "x"], ["y"]), "multiplies"
    yield "reshape", with_weights(made.integers("shape", -1, 783), weights), "turns .1,28,28,1."
    yield "real shape", with_weights(made.weights("shape", [2]), weights), "takes .2. float32 for"
    yield "many nodes", small(made, nodes=[made.node("A", [], [])] * 20_001), "has 20001 nodes"
    for kind, numbers, said in (
        # ONNX Runtime 1.31 asks the system for as much.
        ("Expand", [2**20, 28, 28, 1], "gives .1048576,28,28,1., 3 GiB"),
        ("Expand", [3, 28, 3, 1], "takes .1,28,28,1. and .3,28,3,1."),
        ("Tile", [1, 1, 2**30, 1], "too often"),
        ("Pad", [0, 2**40, 0, 0, 0, 0, 0, 0], "pads by"),
        ("Pad", [0, -30, 0, 0, 0, 0, 0, 0], "gives .1,-2,28,1."),
        ("Reshape", [-1, -1], "turns"),
        ("Unsqueeze", [9], "along dimensions"),
        ("Squeeze", [1], "drops dimensions"),
    ):
        row = made.integers("n", *numbers)
        yield f"{kind} {said}", chain(made, made.node(kind, ["x", "n"], ["y"]), row), said
    for kind, taken in ("Pad", ["x", "x"]), ("Resize", ["x", "", "x"]):
        node_of = made.node(kind, taken, ["y"])
        yield f"{kind} computed", chain(made, node_of), rf"has node 0 \({kind}\), which computes"
    count = made.node("Range", ["a", "b", "c"], ["y"])
    for stop, step, said in ((2**33, 1, "gives .8589934592., 32 GiB"), (9, 0, "counts from")):
        ends = [made.integers(*row) for row in (("a", 0), ("b", stop), ("c", step))]
        yield said, chain(made, count, *ends), said
        ends = [
            made.weights(n, [], struct.pack("<f", v))
            for n, v in zip("abc", (0, stop, step), strict=True)
        ]
        yield f"real {said}", chain(made, count, *ends), said
    cut = made.node("Slice", ["x", "n", "n", "n", "m"], ["y"])
    rows = made.integers("n", 1), made.integers("m", 0)
    yield "step 0", chain(made, cut, *rows), "cuts .1,28,28,1. from .1. to .1. by .0."
    row = made.integers("n", 2**36)
    yield "filled", chain(made, made.node("ConstantOfShape", ["n"], ["y"]), row), "256 GiB"
    row = made.weights("n", [4], struct.pack("<4f", 1, 1e6, 1, 1))
    yield "scale", chain(made, made.node("Resize", ["x", "", "n"], ["y"]), row), "resizes by"
    row = made.integers("n", 1, 28, 2**40, 1)
    yield "size", chain(made, made.node("Resize", ["x", "", "", "n"], ["y"]), row), "resizes to"
    row = made.weights("w", [8, 3, 3, 1])
    yield "channels", chain(made, made.node("Conv", ["x", "w"], ["y"]), row), "with filters"
    row = made.weights("w", [8, 28])
    yield "filters", chain(made, made.node("Conv", ["x", "w"], ["y"]), row), "has filters .8,28."
    # Checking these took minutes: every node went through each number, or each dimension.
    row = made.integers("n", *[1] * 17)
    taken = {"Slice": ["x", "n", "n", "n"], "Unsqueeze": ["x", "n"], "ReduceSum": ["x", "n"]}
    for kind, names in taken.items():
        node_of = made.node(kind, names, ["y"])
        yield f"long {kind}", chain(made, node_of, row), "takes .17. int64 for a shape"
    node_of = made.node("Unsqueeze", ["x"], ["y"], axes=[0] * 17)
    yield "long axes", chain(made, node_of), "has 17 axes"
    yield "rank", chain(made, made.node("Unsqueeze", ["x"], ["y"], axes=[0, 1, 2, 3, 4])), "gives"
    yield "deep", with_weights(shape, made.weights("w", [1] * 9)), "has 9 dimensions"
    yield "deep input", small(made, inputs=[made.value("x", [1] * 9)]), "x has the shape"
    nodes = [made.node("Relu", ["x" if n == 0 else f"a{n - 1}"], [f"a{n}"]) for n in range(9)]
    wide = [made.value("x", [1, 28, 28, 65536])]
    yield "all", small(made, nodes=nodes, inputs=wide, outputs=[made.value("a8", [1])]), "1.9 GiB"


def test_a_statement_that_runtimes_trust_is_checked(made):
    for name, content, said in broken(made):
        with pytest.raises(ModelError, match=said) as caught:
            pytest.fail(f"{name} is taken: {seen(content)}")
        assert str(caught.value).startswith("a.onnx "), name
        assert "\n" not in str(caught.value), name


@pytest.mark.parametrize(
    ("kind", "settings", "numbers", "turned"),
    [
        # Each gives another shape than [1,28,28,1], and the next node only takes the right one.
        ("MaxPool", {"kernel_shape": [4, 1], "strides": [2, 1]}, None, (1, 28, 13, 1)),
        ("MaxPool", {"kernel_shape": [4, 1], "pads": [2, 0, 1, 0]}, None, (1, 28, 28, 1)),
        ("GlobalAveragePool", {}, None, (1, 28, 1, 1)),
        ("Transpose", {"perm": [0, 3, 1, 2]}, None, (1, 1, 28, 28)),
        ("Flatten", {"axis": 2}, None, (28, 28)),
        ("Squeeze", {}, [3], (1, 28, 28)),
        ("Unsqueeze", {}, [0, 5], (1, 1, 28, 28, 1, 1)),
        ("ReduceMean", {"axes": [1, 2], "keepdims": 0}, None, (1, 1)),
        ("ReduceSum", {}, [-1], (1, 28, 28, 1)),
        ("Pad", {}, [0, 1, 0, 0, 0, 2, 0, 3], (1, 31, 28, 4)),
        ("Tile", {}, [1, 2, 1, 1], (1, 56, 28, 1)),
        ("Expand", {}, [1, 1, 5], (1, 28, 28, 5)),
        ("Slice", {"axes": [1], "starts": [2], "ends": [-2]}, None, (1, 24, 28, 1)),
        ("Shape", {}, None, (4,)),
        ("Shape", {"start": 1, "end": -1}, None, (2,)),
        ("Gather", {"axis": 1}, [2, 0, 1], (1, 3, 28, 1)),
        ("Relu", {}, None, (1, 28, 28, 1)),
        ("Add", {}, [1, 2, 3], (1, 28, 28, 3)),
    ],
)
def test_the_shape_that_a_node_gives_is_known_to_the_next(made, kind, settings, numbers, turned):
    def content(wanted):
        taken = ["x"] if numbers is None else ["x", "n"]
        nodes = [
            made.node(kind, taken, ["a"], **settings),
            made.node("Reshape", ["a", "wanted"], ["y"]),
        ]
        rows = [made.integers("wanted", *wanted), made.integers("n", *(numbers or [0]))]
        return small(made, nodes=nodes, weights=rows)

    assert seen(content(turned))
    with pytest.raises(ModelError, match=r"node 1 \(Reshape\) turns"):
        seen(content((*turned, 2)))


@pytest.mark.parametrize(
    ("kind", "settings", "weights", "turned"),
    [
        # As onnxruntime gave them.
        ("Conv", {"strides": [2, 1], "pads": [1, 0, 1, 0]}, [8, 28, 3, 1], (1, 8, 14, 1)),
        ("Conv", {"group": 7, "dilations": [3, 1]}, [7, 4, 3, 1], (1, 7, 22, 1)),
        ("ConvTranspose", {"strides": [2, 3]}, [28, 5, 3, 2], (1, 5, 57, 2)),
        ("MatMul", {}, [28, 1, 6], (1, 28, 28, 6)),
        ("Concat", {"axis": 3}, [1, 28, 28, 2], (1, 28, 28, 3)),
    ],
)
def test_the_shape_that_sums_give_is_known_to_the_next(made, kind, settings, weights, turned):
    def content(*wanted):
        nodes = [
            made.node(kind, ["x", "w"], ["a"], **settings),
            made.node("Reshape", ["a", "wanted"], ["y"]),
        ]
        rows = [made.integers("wanted", *wanted), made.weights("w", weights)]
        return small(made, nodes=nodes, weights=rows)

    assert seen(content(*turned))
    with pytest.raises(ModelError, match=r"node 1 \(Reshape\) turns"):
        seen(content(*turned, 2))


def test_names_are_told_apart_by_all_their_bytes(made):
    # Keras and TensorFlow call weights by the path of their layer, which can be long.
    long = "functional_1_1/mobilenet_v3_small_1/expanded_conv_1_squeeze_excite_conv_1/kernel:"
    for first, second in ((long + "0", long + "1"), (b"w\x01", b"w\x02"), (b"w\xfe", b"w\xff")):
        nodes = [
            made.node("Add", ["x", first], [second + second[-1:]]),
            made.node("Mul", [second + second[-1:], second], ["y"]),
        ]
        weights = [made.weights(first, [1]), made.weights(second, [1])]
        assert seen(small(made, nodes=nodes, weights=weights))
        with pytest.raises(ModelError, match=r"weights .* are there twice") as caught:
            seen(small(made, nodes=nodes, weights=[weights[0], weights[0]]))
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 200


def test_settings_and_operator_sets_are_told_apart_by_all_their_bytes(made):
    long = "x" * 90
    node = made.node("Add", ["x", "x"], ["y"], (7, f"{long}a"), **{f"{long}a": 1, f"{long}b": 2})
    sets = [(8, made.message((1, long + end), (2, place))) for place, end in enumerate("ab", 1)]
    structure = seen(small(made, nodes=[node]) + made.message(*sets))
    assert [op.version for op in structure.ops] == [1]

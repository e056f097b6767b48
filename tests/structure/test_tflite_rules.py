"""The shapes that operators give, and what they must not be given."""

import struct
from math import prod

import pytest

from mnist_edge.errors import ModelError
from mnist_edge.structure import Op
from mnist_edge.structure.tensors import Wrong
from mnist_edge.structure.tflite_graph import any_batch, check_graph
from mnist_edge.structure.tflite_rules import ROWS, shape_given
from mnist_edge.structure.tflite_tensors import Tensor


def made(*shape, dtype="float32", data=None, scales=(), axis=0, free=None):
    free = (False,) * len(shape) if free is None else free
    return Tensor("t", shape, free, dtype, data, scales, axis, False)


def constant(*values, shape=None):
    data = memoryview(struct.pack(f"<{len(values)}i", *values))
    return made(*((len(values),) if shape is None else shape), dtype="int32", data=data)


def table(settings=None, kind=0):
    return {"builtin_options_type": kind, "builtin_options": settings}


def given(name, taken, settings=None, dtype="float32", outputs=1):
    """The shape that an operator gives, its settings being of the right kind."""
    row = table(settings, ROWS[name].settings if name in ROWS else 0)
    return shape_given(name, row, taken, [made(dtype=dtype)] * outputs)


IMAGE = made(1, 28, 28, 3)
BIAS = made(8)
CONV = {
    "padding": 1, "stride_h": 2, "stride_w": 1, "dilation_h_factor": 1, "dilation_w_factor": 1,
}  # fmt: skip
DEPTH = {**CONV, "depth_multiplier": 2}
POOL = {"padding": 0, "stride_h": 3, "stride_w": 2, "filter_height": 3, "filter_width": 2}
CUT = dict.fromkeys(
    ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask", "offset"), 0
)
PADS = constant(0, 0, 2, 1, 0, 3, 0, 0, shape=(4, 2))

SHAPES = [
    # As tf.nn.conv2d, tf.nn.max_pool2d and so on gave them.
    ("CONV_2D", [IMAGE, made(8, 3, 5, 3), BIAS], CONV, (1, 13, 24, 8)),
    ("CONV_2D", [IMAGE, made(8, 3, 5, 3), BIAS], {**CONV, "padding": 0}, (1, 14, 28, 8)),
    ("CONV_2D", [IMAGE, made(8, 3, 3, 3)], {**CONV, "dilation_w_factor": 4}, (1, 13, 20, 8)),
    ("CONV_2D", [IMAGE, made(9, 1, 1, 1)], CONV, (1, 14, 28, 9)),
    ("DEPTHWISE_CONV_2D", [IMAGE, made(1, 3, 3, 6), made(6)], DEPTH, (1, 13, 26, 6)),
    ("MAX_POOL_2D", [IMAGE], POOL, (1, 10, 14, 3)),
    ("AVERAGE_POOL_2D", [IMAGE], {**POOL, "padding": 1}, (1, 9, 14, 3)),
    ("FULLY_CONNECTED", [made(2, 3, 4), made(5, 4), made(5)], {}, (6, 5)),
    ("FULLY_CONNECTED", [made(2, 4), made(5, 4), None], {}, (2, 5)),
    ("FULLY_CONNECTED", [made(2, 3, 4), made(5, 4)], {"keep_num_dims": True}, (2, 3, 5)),
    (
        "TRANSPOSE_CONV",
        [constant(1, 28, 28, 8), made(8, 3, 5, 4), made(1, 13, 24, 4)], CONV, (1, 28, 28, 8),
    ),
    ("BATCH_MATMUL", [made(3, 2, 4), made(1, 4, 5)], {}, (3, 2, 5)),
    ("BATCH_MATMUL", [made(4, 2), made(5, 4)], {"adj_x": True, "adj_y": True}, (2, 5)),
    ("ADD", [made(2, 1, 3), made(5, 1)], {}, (2, 5, 3)),
    ("SELECT_V2", [made(2, 1), made(3), made()], None, (2, 3)),
    ("SOFTMAX", [made(1, 10)], {"beta": 1.0}, (1, 10)),
    ("MEAN", [IMAGE, constant(1, -2)], {}, (1, 3)),
    ("MEAN", [IMAGE, constant(1, 2)], {"keep_dims": True}, (1, 1, 1, 3)),
    ("CONCATENATION", [made(1, 2), made(1, 5)], {"axis": -1}, (1, 7)),
    ("PACK", [made(4), made(4)], {"values_count": 2, "axis": 1}, (4, 2)),
    ("UNPACK", [made(4, 2)], {"num": 2, "axis": -1}, (4,)),
    ("SPLIT", [constant(-1, shape=()), made(2, 6)], {"num_splits": 3}, (2, 2)),
    ("RESHAPE", [IMAGE, constant(2, -1)], None, (2, 1176)),
    ("RESHAPE", [IMAGE], {"new_shape": (1, 2352)}, (1, 2352)),
    ("RESHAPE", [IMAGE, made(2, dtype="int32")], None, None),
    ("SQUEEZE", [made(1, 3, 1)], {"squeeze_dims": (-1,)}, (1, 3)),
    ("SQUEEZE", [made(1, 3, 1)], None, (3,)),
    ("EXPAND_DIMS", [made(2, 3), constant(1, shape=())], None, (2, 1, 3)),
    ("PAD", [IMAGE, PADS], None, (1, 31, 31, 3)),
    ("MIRROR_PAD", [IMAGE, PADS], {"mode": 1}, (1, 31, 31, 3)),
    ("RESIZE_BILINEAR", [IMAGE, constant(5, 7)], {}, (1, 5, 7, 3)),
    ("TRANSPOSE", [made(1, 2, 3), constant(2, 0, 1)], None, (3, 1, 2)),
    ("TILE", [made(2, 3), constant(2, 1)], None, (4, 3)),
    ("BROADCAST_TO", [made(3), constant(2, 3)], None, (2, 3)),
    ("FILL", [constant(2, 3), made()], None, (2, 3)),
    ("STRIDED_SLICE", [made(6, 8), constant(1, 0), constant(5, 8), constant(2, 3)], CUT, (2, 3)),
    (
        "STRIDED_SLICE",
        [made(6, 8), constant(4, -1), constant(0, 0), constant(-1, 1)],
        {**CUT, "begin_mask": 1, "end_mask": 1, "shrink_axis_mask": 2}, (6,),
    ),
    ("SLICE", [made(6, 8), constant(1, 2), constant(-1, 3)], None, (5, 3)),
    ("SPACE_TO_DEPTH", [IMAGE], {"block_size": 4}, (1, 7, 7, 48)),
    ("DEPTH_TO_SPACE", [made(1, 7, 7, 48)], {"block_size": 4}, (1, 28, 28, 3)),
    ("ARG_MAX", [made(1, 10), constant(1)], None, None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "taken", "settings", "shape"), SHAPES)
def test_the_shape_is_that_of_tensorflow(name, taken, settings, shape):
    assert given(name, taken, settings) == shape


def test_a_measured_shape_is_as_long_as_there_are_dimensions():
    assert given("SHAPE", [IMAGE], {"out_type": 2}, dtype="int32") == (4,)


WRONG = [
    ("CONV_2D", [IMAGE, made(8, 3, 3, 2)], CONV, r"takes \[1,28,28,3\] with filters"),
    ("CONV_2D", [IMAGE, made(8, 3, 3, 0)], CONV, "with filters"),
    ("CONV_2D", [IMAGE, made(8, 3, 3)], CONV, "wanted 4 dimensions"),
    ("CONV_2D", [IMAGE, made(8, 3, 3, 3), made(7)], CONV, "bias of .7. for 8 channels"),
    ("CONV_2D", [IMAGE, made(8, 30, 3, 3)], CONV, "window of 30 over 28 pixels"),
    ("CONV_2D", [IMAGE, made(8, 3, 3, 3)], {**CONV, "dilation_h_factor": 0}, "dilation_h_factor 0"),
    ("CONV_2D", [IMAGE, made(8, 3, 3, 3)], {**CONV, "stride_h": -1}, "stride_h -1"),
    ("CONV_2D", [IMAGE, made(8, 3, 3, 3)], None, "has no settings"),
    (
        "CONV_2D", [IMAGE, made(3, 1, 1, 3, scales=(1.0, 1.0, 1.0), axis=3)], CONV,
        "scales along dimension 3; wanted 0",
    ),
    (
        "CONV_2D", [made(1, 999, 999, 64), made(64, 9, 9, 64)], CONV, "needs 9 GiB to unfold",
    ),
    # LiteRT 2.3 and tflite-runtime 2.14: SIGSEGV
    ("DEPTHWISE_CONV_2D", [IMAGE, made(1, 3, 3, 6)], DEPTH, "has 2 inputs"),
    ("DEPTHWISE_CONV_2D", [IMAGE, made(1, 3, 3, 6), None], DEPTH, "has 2 inputs"),
    ("DEPTHWISE_CONV_2D", [IMAGE, made(1, 3, 3, 7), BIAS], DEPTH, "with filters"),
    ("DEPTHWISE_CONV_2D", [IMAGE, made(1, 3, 3, 9), BIAS], DEPTH, "has depth_multiplier 2"),
    ("MAX_POOL_2D", [IMAGE], {**POOL, "filter_height": 0}, "has filter_height 0"),
    ("FULLY_CONNECTED", [made(1, 7), made(5, 4)], {}, "with weights"),
    ("FULLY_CONNECTED", [made(1, 4), made(5, 4)], {"weights_format": 1}, "shuffled"),
    ("FULLY_CONNECTED", [made(1, 0), made(5, 0)], {}, "with weights"),
    (
        "TRANSPOSE_CONV",
        [constant(1, 99, 28, 8), made(8, 3, 5, 4), made(1, 13, 24, 4)], CONV, "for .1,99,28,8.",
    ),
    # tflite-runtime 2.14: memory beyond its end is written to when there are more images
    (
        "TRANSPOSE_CONV",
        [constant(1, 28, 28, 8), made(8, 3, 5, 4), made(2, 13, 24, 4)], CONV, "for .1,28,28,8.",
    ),
    ("BATCH_MATMUL", [made(2, 3), made(4, 5)], {}, "multiplies"),
    ("ADD", [made(2, 3), made(4)], {}, r"takes \[2,3\] and \[4\]"),
    ("ADD", [made(2, dtype="int8"), made(2)], {}, "works on int8 without a scale"),
    ("RELU", [made(2, dtype="int32")], None, "gives float32 for int32"),
    # tflite-runtime 2.14: SIGABRT
    ("LEAKY_RELU", [made(2)], None, "has no settings"),
    ("LEAKY_RELU", [made(2)], {"alpha": float("nan")}, "has alpha nan"),
    ("ADD", [made(2), made(2)], {"fused_activation_function": 77}, "ends in activation 77"),
    ("MEAN", [IMAGE, constant(4)], {}, "dimensions .4. of 4"),
    ("MEAN", [made(1, 0), constant(1)], {}, "which is empty"),
    ("CONCATENATION", [made(1, 2), made(3, 2)], {"axis": 1}, "joins"),
    ("CONCATENATION", [made(1, 2)], {"axis": 2}, "along dimensions .2. of 2"),
    ("PACK", [made(4), made(4)], {"values_count": 3, "axis": 0}, "packs 2 tensors"),
    ("UNPACK", [made(4, 2)], {"num": 3, "axis": 1}, "unpacks 3"),
    ("SPLIT", [constant(1, shape=()), made(2, 6)], {"num_splits": 0}, "into 0"),
    ("RESHAPE", [IMAGE, constant(3, 7)], None, "turns .1,28,28,3. into .3,7."),
    ("RESHAPE", [IMAGE, constant(-1, -1)], None, "turns"),
    # LiteRT 2.3 and tflite-runtime 2.14: SIGSEGV
    ("RESHAPE", [IMAGE, None], {"new_shape": (1, 2352)}, "has a blank in place of an input"),
    ("SQUEEZE", [made(1, 3)], {"squeeze_dims": (1,)}, "drops dimensions"),
    ("EXPAND_DIMS", [made(2), constant(5, shape=())], None, "along dimensions"),
    ("PAD", [IMAGE, constant(0, 0, 2**30, 0, 0, 0, 0, 0, shape=(4, 2))], None, "has padding"),
    ("PAD", [IMAGE, constant(0, 0, -1, 0, 0, 0, 0, 0, shape=(4, 2))], None, "has padding"),
    ("PAD", [IMAGE, made(4, 2, dtype="int32")], None, "computes its padding"),
    ("MIRROR_PAD", [made(2), constant(2, 0, shape=(1, 2))], {"mode": 0}, "mirrors"),
    ("RESIZE_BILINEAR", [IMAGE, constant(5, 0)], {}, "has size"),
    ("RESIZE_BILINEAR", [made(28, 28), constant(5, 5)], {}, "wanted an image"),
    ("TRANSPOSE", [made(1, 2, 3), constant(0, 0, 1)], None, "in the order"),
    ("TILE", [made(2, 3), constant(1 << 20, 1)], None, "has count of tiles"),
    ("BROADCAST_TO", [made(3), constant(2, 4)], None, "takes .3. and .2,4."),
    # LiteRT 2.3 and tflite-runtime 2.14: SIGSEGV
    ("STRIDED_SLICE", [made(6), *[constant(1)] * 3], {**CUT, "offset": True}, "by an offset"),
    ("STRIDED_SLICE", [made(6), constant(0), constant(6), constant(0)], CUT, "by .0."),
    (
        "STRIDED_SLICE", [made(6), constant(9), constant(9), constant(1)],
        {**CUT, "shrink_axis_mask": 1}, "takes number 9 of 6",
    ),
    ("SLICE", [made(6), constant(4), constant(3)], None, "cuts"),
    ("SPACE_TO_DEPTH", [IMAGE], {"block_size": 0}, "of blocks of 0"),
    ("DEPTH_TO_SPACE", [IMAGE], {"block_size": 2}, "blocks of 2"),
    ("ARG_MAX", [made(1, 10), None], None, "has 1 inputs"),
    # A file can have each of many operators share one long list.
    ("MEAN", [IMAGE, constant(*[1] * 17)], {}, "takes .17. int32 for a shape"),
    ("SQUEEZE", [made(1, 3)], {"squeeze_dims": (0,) * 17}, "drops 17 dimensions"),
    ("RESHAPE", [IMAGE], {"new_shape": (1,) * 17}, "into 17 dimensions"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "taken", "settings", "said"), WRONG)
def test_what_no_runtime_should_be_given_is_refused(name, taken, settings, said):
    with pytest.raises(Wrong, match=said):
        given(name, taken, settings)


def test_a_shape_of_real_numbers_is_refused():
    values = made(2, data=memoryview(bytes(8)))
    with pytest.raises(Wrong, match=r"takes .2. float32 for a shape"):
        given("RESHAPE", [IMAGE, values])


def test_settings_of_another_operator_are_refused():
    with pytest.raises(Wrong, match=r"has settings of kind 9; wanted 5"):
        shape_given("MAX_POOL_2D", table({"beta": 1.0}, 9), [IMAGE], [IMAGE])


def quantized(*shape, scale, dtype="int8"):
    return made(*shape, dtype=dtype, scales=(scale,))


@pytest.mark.parametrize(
    ("name", "shapes", "settings", "dtype", "most"),
    [
        # Tried on LiteRT 2.3 and tflite-runtime 2.14: they abort, or refuse, from there on.
        ("ADD", [(4,), (4,)], {}, "int8", 2.0**19),
        ("SUB", [(4,), (4,)], {}, "int8", 2.0**19),
        ("ADD", [(4,), (4,)], {}, "int16", 2.0**14),
        ("SQUARED_DIFFERENCE", [(4,), (4,)], None, "int8", 2.0**6),
        ("MUL", [(4,), (4,)], {}, "int8", 2.0**4),
        ("FULLY_CONNECTED", [(1, 4), (2, 4)], {}, "int8", 2.0**4),
        ("CONV_2D", [(1, 9, 9, 3), (4, 3, 3, 3)], CONV, "int8", 2.0**4),
    ],
)
def test_scales_too_far_apart_are_refused(name, shapes, settings, dtype, most):
    def run(scale):
        taken = [quantized(*shape, scale=scale, dtype=dtype) for shape in shapes]
        row = table(settings, ROWS[name].settings)
        shape_given(name, row, taken, [quantized(1, scale=1.0, dtype=dtype)])

    run(most * 0.99)
    with pytest.raises(Wrong, match="rescales by"):
        run(most)


FLAT = (prod(IMAGE.shape[1:]),)


@pytest.mark.parametrize(
    ("taken", "out", "several"),
    [
        (constant(1, *FLAT), made(1, *FLAT), False),
        (constant(-1, *FLAT), made(1, *FLAT), True),
        (made(2, dtype="int32"), made(1, *FLAT), False),
        (made(2, dtype="int32"), made(1, *FLAT, free=(True, False)), True),
    ],
)
def test_only_a_graph_whose_constants_allow_it_takes_several_images(taken, out, several):
    graph = {
        "inputs": (0,), "outputs": (2,),
        "operators": [{**table(), "opcode_index": 0, "inputs": (0, 1), "outputs": (2,)}],
    }  # fmt: skip
    assert any_batch(graph, [Op("RESHAPE", 1)], [IMAGE, taken, out]) is several


def test_a_graph_for_two_images_at_once_takes_no_others():
    graph = {"inputs": (0,), "outputs": (0,), "operators": []}
    assert not any_batch(graph, [], [made(2, 28, 28, 1)])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"intermediates": (7,)}, "uses tensor 7 of 2"),
        ({"builtin_options2_type": 3}, "settings of another kind of operator"),
        ({"large_custom_options_size": 9}, "settings of another kind of operator"),
    ],
)
def test_what_an_operator_has_besides_is_checked(changes, said):
    row = {
        **table(), "opcode_index": 0, "inputs": (0,), "outputs": (1,), "intermediates": None,
        "builtin_options2_type": 0, "large_custom_options_size": 0,
    }  # fmt: skip
    graph = {"inputs": (0,), "outputs": (1,), "operators": [row]}
    check_graph(graph, [Op("RELU", 1)], [IMAGE, IMAGE], "a")
    graph = {**graph, "operators": [{**row, **changes}]}
    with pytest.raises(ModelError, match=said):
        check_graph(graph, [Op("RELU", 1)], [IMAGE, IMAGE], "a")


def test_an_output_that_nothing_gives_is_refused():
    graph = {"inputs": (0,), "outputs": (1,), "operators": []}
    with pytest.raises(ModelError, match="nothing gives output t"):
        check_graph(graph, [], [IMAGE, IMAGE], "a")


def test_operators_that_share_long_lists_of_tensors_are_refused():
    row = {
        **table({"axis": 0, "fused_activation_function": 0}, 10), "opcode_index": 0,
        "inputs": (0,) * 30_000, "intermediates": None,
        "builtin_options2_type": 0, "large_custom_options_size": 0,
    }  # fmt: skip
    tensors = [made(1), *[made(30_000)] * 4]
    graph = {"inputs": (0,), "outputs": (1,)}
    rows = [{**row, "outputs": (place,)} for place in range(1, 5)]
    check_graph({**graph, "operators": rows[:3]}, [Op("CONCATENATION", 1)], tensors, "a")
    with pytest.raises(ModelError, match="take and give more than 100000 tensors"):
        check_graph({**graph, "operators": rows}, [Op("CONCATENATION", 1)], tensors, "a")

"""Each statement of a TensorFlow Lite file that a runtime trusts, made wrong.

Where a comment names a runtime, that runtime was seen to end the process over it.
"""

import struct

import pytest

from mnist_edge.errors import ModelError
from mnist_edge.structure import examine

GRAPH = ("subgraphs", 0)
CONV = (*GRAPH, "operators", 0)
POOL = (*GRAPH, "operators", 3)
MEAN = (*GRAPH, "operators", 5)
DENSE = (*GRAPH, "operators", 6)
SETTINGS = "builtin_options"


def tensor(place):
    return (*GRAPH, "tensors", place)


WRONG = {
    # The model
    "schema": (("version",), 2, "schema version 2: wanted 3"),
    "codes-gone": (("operator_codes", "slot"), 0, "operator 0 is of kind 0 of 0"),
    "graphs-gone": (("subgraphs", "slot"), 0, "has 0 graphs; wanted one"),
    "buffers-gone": (("buffers", "slot"), 0, "takes buffer 1 of 0"),
    "version-of-code": (("operator_codes", 0, "version"), 0, "CONV_2D version 0"),
    "code-beyond": (("operator_codes", 0, "builtin_code"), 900, "needs operator 900"),
    "note-without-buffer": (("metadata", 0, "buffer"), 23, "note lies in buffer 23 of 23"),
    "note-without-name": (("metadata", 0, "name", "slot"), 0, "note lies in buffer"),
    "signature-of-none": (
        ("signature_defs", 0, "outputs", 0, "tensor_index"), 99, "a signature takes tensor 99",
    ),
    "signature-without-key": (("signature_defs", 0, "signature_key", "slot"), 0, "a signature is"),
    # Tensors
    "shape-negative": ((*tensor(0), "shape", 1), -28, r"has the shape \[1,-28,28,1\]"),
    "shape-huge": ((*tensor(12), "shape", 1), 2**31 - 1, r"\[1,2147483647,12,16\], 384 GiB"),
    "type-text": ((*tensor(0), "type"), 5, "has string elements"),
    "type-unknown": ((*tensor(0), "type"), 77, "has type 77 elements"),
    "type-other": ((*tensor(2), "type"), 4, "has 40 bytes of data; its shape .10. takes 80"),
    "buffer-beyond": ((*tensor(2), "buffer"), 23, "takes buffer 23 of 23"),
    "buffer-other": ((*tensor(2), "buffer"), 4, "has 640 bytes of data"),
    "scale-0": ((*tensor(2), "quantization", "scale", 3), 0.0, "a scale that is not within"),
    "scale-nan": ((*tensor(0), "quantization", "scale", 0), float("nan"), "not within 1e-30"),
    # LiteRT 2.3: SIGSEGV
    "scale-tiny": ((*tensor(12), "quantization", "scale", 0), 1e-38, "a scale that is not within"),
    "scale-far": ((*tensor(17), "quantization", "scale", 0), 1e6, "rescales by .*; wanted below"),
    "zero-point-beyond": (
        (*tensor(0), "quantization", "zero_point", 0), 300, "int8 takes -128..127",
    ),
    "scales-too-few": ((*tensor(3), "quantization", "scale", "count"), 9, "9 scales and 10 zero"),
    "scales-of-another": ((*tensor(3), "shape", 0), 64, r"has 640 bytes|10 scales along"),
    # tflite-runtime 2.14 and LiteRT 2.3 abort: no scale to work with
    "scales-gone": ((*tensor(12), "quantization", "scale", "count"), 0, "and 1 zero points|scale"),
    # The graph
    "input-beyond": ((*GRAPH, "inputs", 0), 97, "takes or gives tensor 97 of 20"),
    "input-constant": ((*GRAPH, "inputs", 0), 3, "an input is empty, a constant"),
    "output-beyond": ((*GRAPH, "outputs", 0), -5, "takes or gives tensor -5 of 20"),
    "inputs-gone": ((*GRAPH, "inputs", "count"), 0, "it has 0 inputs and 1 outputs"),
    # Operators
    "kind-beyond": ((*POOL, "opcode_index"), 9, "operator 3 is of kind 9 of 5"),
    "takes-beyond": ((*CONV, "inputs", 0), 97, r"operator 0 \(CONV_2D\) takes tensor 97 of 20"),
    # LiteRT 2.3: SIGSEGV in allocate_tensors
    "takes-nothing": ((*CONV, "inputs", 1), -1, "has 2 inputs and 1 outputs; wanted 2"),
    "takes-fewer": ((*MEAN, "inputs", "count"), 1, "has 1 inputs"),
    "takes-later": ((*CONV, "inputs", 0), 13, "takes tensor 13, which nothing gives before"),
    # tflite-runtime 2.14: SIGSEGV, a constant is written to
    "gives-constant": ((*CONV, "outputs", 0), 11, "gives tensor 11, which is there already"),
    "gives-nothing": ((*CONV, "outputs", "count"), 0, "has 3 inputs and 0 outputs"),
    "gives-beyond": ((*CONV, "outputs", 0), 20, "gives tensor 20 of 20"),
    # tflite-runtime 2.14: SIGFPE
    "stride-0": ((*CONV, SETTINGS, "stride_w"), 0, "has stride_w 0; wanted 1..32768"),
    # tflite-runtime 2.14: SIGSEGV
    "stride-huge": ((*CONV, SETTINGS, "stride_h"), 255, r"gives \[1,1,12,16\], and the file says"),
    "padding": ((*CONV, SETTINGS, "padding"), 3, "has padding 3; wanted 0 or 1"),
    "activation": ((*CONV, SETTINGS, "fused_activation_function"), 9, "ends in activation 9"),
    "settings-of-another": ((*CONV, "builtin_options_type"), 21, "settings of kind 21; wanted 1"),
    "window-0": ((*POOL, SETTINGS, "filter_width"), 0, "has filter_width 0"),
    "window-beyond": ((*POOL, SETTINGS, "filter_height"), 9, "a window of 9 over 8 pixels"),
    "bias-of-another": ((*DENSE, "inputs", 2), 4, r"has a bias of \[64\] for 10 channels"),
    "weights-of-another": ((*DENSE, "inputs", 1), 2, "takes .10.; wanted 2 dimensions"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_statement_that_runtimes_trust_is_checked(int8_model, patched, name):
    path, value, said = WRONG[name]
    with pytest.raises(ModelError, match=said) as caught:
        examine(patched(int8_model, *path, value), "a.tflite")
    assert str(caught.value).startswith("a.tflite ")
    assert "\n" not in str(caught.value)


EMPTY = {
    # tflite-runtime 2.14: SIGFPE, strides of 0
    "settings": ((*CONV, SETTINGS), "has stride_h 0"),
    # tflite-runtime 2.14: SIGABRT
    "quantization": ((*tensor(12), "quantization"), "works on int8 without a scale"),
    "operator": (CONV, "has 0 inputs and 0 outputs"),
    "tensor": (tensor(13), r"gives int8 for float32|float32|gives"),
    "signature": (("signature_defs", 0, "inputs", 0), "a signature has a tensor without a name"),
    "note": (("metadata", 0), "a note lies in buffer"),
    "graph": (GRAPH, "it has 0 inputs and 0 outputs"),
}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_table_is_refused_where_something_has_to_be(int8_model, emptied, name):
    path, said = EMPTY[name]
    with pytest.raises(ModelError, match=said):
        examine(emptied(int8_model, *path), "a.tflite")


def test_a_shape_that_another_operator_gives_is_refused(int8_model, patched):
    # 9 x 9 instead of 10 x 10 pixels: operators after it would read beyond what is there.
    content = patched(int8_model, *tensor(13), "shape", 1, 9)
    with pytest.raises(ModelError, match=r"\(CONV_2D\) gives \[1,10,10,32\], and the file says"):
        examine(content, "a.tflite")


def test_a_custom_operator_is_refused_by_its_name(int8_model, patched):
    # SOFTMAX becomes CUSTOM, whose name is reached where its version was: at the description.
    content = patched(int8_model, "operator_codes", 4, "deprecated_builtin_code", 32)
    content = patched(content, "operator_codes", 4, "builtin_code", 32)
    with pytest.raises(ModelError, match=r"a\.tflite needs .*, which small runtimes lack: use"):
        examine(content, "a.tflite")


@pytest.mark.parametrize(
    ("number", "said"), [(119, "needs WHILE"), (142, "needs VAR_HANDLE"), (163, "STABLEHLO_ADD")]
)
def test_operators_that_reach_out_of_the_graph_are_refused(int8_model, patched, number, said):
    content = patched(int8_model, "operator_codes", 4, "builtin_code", number)
    with pytest.raises(ModelError, match=f"{said}, which no image classifier does"):
        examine(content, "a.tflite")


def test_what_all_tensors_take_together_is_bounded(int8_model, patched):
    content = patched(int8_model, *tensor(12), "shape", 1, 4_000_000)
    content = patched(content, *tensor(13), "shape", 1, 2_000_000)
    with pytest.raises(ModelError, match=r"needs 1\.3 GiB for one image: wanted at most 1"):
        examine(content, "a.tflite")


def test_weights_in_another_file_are_refused(int8_model, located):
    # The model's last field, external_buffers, is made to lead where its notes are.
    model = located(int8_model)[0]
    slots = [struct.unpack_from("<H", int8_model, located(int8_model, "metadata", "slot")[0])[0]]
    old = model - struct.unpack_from("<i", int8_model, model)[0]
    size, table = struct.unpack_from("<HH", int8_model, old)
    vtable = struct.pack("<HH", 24, table) + int8_model[old + 4 : old + size]
    vtable += bytes(22 - len(vtable)) + struct.pack("<H", *slots)
    changed = bytearray(int8_model + vtable)
    struct.pack_into("<i", changed, model, model - len(int8_model))
    with pytest.raises(ModelError, match="has weights in another file: export it as one file"):
        examine(bytes(changed), "a.tflite")


def test_data_outside_of_the_tables_is_refused(int8_model, located):
    # Buffer 1 becomes a table at the end, which speaks of data at byte 99.
    buffers, end = located(int8_model, "buffers")[0], len(int8_model)
    added = struct.pack("<HHHH", 8, 16, 0, 8) + struct.pack("<iiQ", 8, 0, 99)
    changed = bytearray(int8_model + added)
    struct.pack_into("<I", changed, buffers + 8, end + 8 - (buffers + 8))
    with pytest.raises(ModelError, match="has buffer 1 outside of its tables"):
        examine(bytes(changed), "a.tflite")

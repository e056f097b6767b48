import re
import subprocess

import numpy as np
import pytest

from mnist_edge.backends import open_backend
from mnist_edge.errors import ModelError
from mnist_edge.export import micro
from mnist_edge.export.c_array import c_array, identifier, literal

pytestmark = pytest.mark.needs("keras")  # where models are made, there is a compiler

LABELS = ['say "no"', "back\\slash\n", "what??/", "Ä7"]
# Built with %: C has braces of its own. Bytes go to stdout, what is printed to stderr.
MAIN = """
#include <stdio.h>
#include "%(name)s.h"

int main(void) {
  static const int shape[] = %(macro)s_INPUT_SHAPE;
  static const int outcome[] = %(macro)s_OUTPUT_SHAPE;
  %(macro)s_INPUT_TYPE first = %(macro)s_INPUT_ZERO_POINT;
  int i;
  for (i = 0; i < %(macro)s_INPUT_DIMS; ++i) fprintf(stderr, "%%d ", shape[i]);
  for (i = 0; i < %(macro)s_OUTPUT_DIMS; ++i) fprintf(stderr, "%%d ", outcome[i]);
  fprintf(stderr, "\\n%%d %%.9g %%d %%.9g %%d %%d\\n", (int)sizeof first,
          %(macro)s_INPUT_SCALE, %(macro)s_INPUT_ZERO_POINT, %(macro)s_OUTPUT_SCALE,
          %(macro)s_OUTPUT_ZERO_POINT, %(macro)s_INPUT_ELEMENTS * %(macro)s_OUTPUT_ELEMENTS);
  fprintf(stderr, "%%d %%d\\n", (int)((size_t)(const void *)%(name)s_model %% 16),
          (int)sizeof %(name)s_model);
  for (i = 0; i < %(macro)s_CLASSES; ++i) fprintf(stderr, "[%%s]", %(name)s_labels[i]);
  fwrite(%(name)s_model, 1, %(macro)s_MODEL_BYTES, stdout);
  return 0;
}
"""
RESOLVER = """
#include <stdio.h>
#include "%(name)s.h"

struct Resolver {
  int room;
  int added(const char *name) { puts(name); return room-- > 0 ? 0 : 1; }
%(methods)s
};

int main() {
  Resolver enough = {%(macro)s_OPERATORS}, few = {%(macro)s_OPERATORS - 1};
  bool held = %(name)s_add_operators(enough);
  return held && !%(name)s_add_operators(few) ? 0 : 1;
}
"""
C = ["gcc -std=c99", "gcc -std=c11"]
COMPILERS = [*C, "g++ -xc++ -std=c++98", "g++ -xc++ -std=c++17"]
STRICT = ["-Wall", "-Wextra", "-Wshadow", "-Werror", "-pedantic"]


@pytest.fixture(scope="module")
def int8(bundle):
    return (bundle.folder / "edge-int8.tflite").read_bytes()


def program(folder, made, compiler, main):
    """Write and compile the two files with a main of the test's own."""
    (folder / made.header_file).write_text(made.header, encoding="ascii")
    (folder / made.source_file).write_text(made.source, encoding="ascii")
    suffix = ".c" if compiler in C else ".cc"
    (folder / f"main{suffix}").write_text(main, encoding="ascii")
    out = folder / "program"
    files = [folder / made.source_file, folder / f"main{suffix}"]
    ended = subprocess.run(
        [*compiler.split(), *STRICT, "-o", out, *files], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return out


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_program_finds_in_it_all_that_the_file_says(int8, bundle, tmp_path, compiler):
    made = c_array(int8, "my-net 2", LABELS)
    main = MAIN % {"name": "my_net_2", "macro": "MY_NET_2"}
    ran = subprocess.run([program(tmp_path, made, compiler, main)], capture_output=True, check=True)
    assert ran.stdout == int8
    shapes, numbers, place, labels = ran.stderr.decode().split("\n", 3)
    with open_backend(bundle.folder / "edge-int8.tflite") as backend:
        taken, given = backend.input, backend.output
    assert [int(each) for each in shapes.split()] == [1, 28, 28, 1, 1, 4]
    size, *quant, product = numbers.split()
    assert (size, product) == ("1", str(28 * 28 * 4))
    assert [np.float32(each) for each in quant] == [
        np.float32(taken.quant.scale), taken.quant.zero_point,
        np.float32(given.quant.scale), given.quant.zero_point,
    ]  # fmt: skip
    assert place == f"0 {len(int8)}"
    assert labels == "".join(f"[{label}]" for label in LABELS)


# How a resolver of TensorFlow Lite Micro calls them.
METHODS = {
    "CONV_2D": "AddConv2D", "FULLY_CONNECTED": "AddFullyConnected", "MAX_POOL_2D": "AddMaxPool2D",
    "MEAN": "AddMean", "SOFTMAX": "AddSoftmax",
}  # fmt: skip


@pytest.mark.parametrize("name", ["int", "class", "2 fast", "_x__y_", "π", "A*/B", ""])
def test_any_name_makes_identifiers(int8, tmp_path, name):
    made = c_array(int8, name, LABELS)
    assert re.fullmatch("[a-z][a-z0-9]*(_[a-z0-9]+)*", made.name)
    main = MAIN % {"name": made.name, "macro": made.name.upper()}
    for compiler in (C[0], COMPILERS[-1]):
        program(tmp_path, made, compiler, main)


def test_a_resolver_is_told_every_operator_and_whether_it_had_room(int8, bundle, tmp_path):
    made = c_array(int8, "net", LABELS)
    wanted = [METHODS[name] for name in bundle.entry("edge-int8.tflite").ops]
    assert len(wanted) > 3
    methods = "\n".join(f'  int {name}() {{ return added("{name}"); }}' for name in wanted)
    main = RESOLVER % {"name": "net", "macro": "NET", "methods": methods}
    out = program(tmp_path, made, COMPILERS[2], main)
    ran = subprocess.run([out], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == wanted * 2


def test_it_is_the_same_each_time_and_includes_itself_once(int8, tmp_path):
    made = c_array(int8, "net", LABELS)
    assert made == c_array(int8, "net", tuple(LABELS))
    twice = f'#include "{made.header_file}"\n' * 2 + MAIN % {"name": "net", "macro": "NET"}
    program(tmp_path, made, C[0], twice)


def test_the_model_is_a_table_of_twelve_bytes_a_line(int8):
    lines = c_array(int8, "net", LABELS).source.splitlines()
    table = [line for line in lines if line.startswith("  0x")]
    assert len(table) == -(-len(int8) // 12)
    assert {len(line.split()) for line in table[:-1]} == {12}
    assert max(map(len, lines)) <= 80


def test_activations_are_counted_at_the_fullest_moment(bundle):
    # The image and the first layer's 4 maps. Where those were of 12x12, TensorFlow Lite Micro
    # itself said 1360 and 2720, which is this sum.
    for file, width in (("edge-int8.tflite", 1), ("edge-int16x8.tflite", 2)):
        model = micro.read_micro((bundle.folder / file).read_bytes(), file)
        assert model.activation_bytes == width * (28 * 28 + 26 * 26 * 4)


def test_what_a_later_operator_takes_is_still_in_use():
    # a -> b, b -> c, a + c -> d, d viewed as e, e -> f; 7 is a constant
    sizes = [10, 20, 30, 40, 40, 5, 1, 9]
    steps = [((0, 7), 1), ((1,), 2), ((0, 2), 3), ((3,), 4), ((4,), 5)]
    graph = {
        "tensors": [{"shape": (1, size)} for size in sizes],
        "inputs": (0,),
        "outputs": (5,),
        "operators": [
            {"opcode_index": int(place == 3), "inputs": taken, "outputs": (given,)}
            for place, (taken, given) in enumerate(steps)
        ],
    }
    computed = dict.fromkeys(range(6), "int8")
    assert micro._peak(graph, computed, ["CONV_2D", "RESHAPE"]) == 10 + 30 + 40
    computed |= {3: "int32", 4: "int32"}
    assert micro._peak(graph, computed, ["CONV_2D", "RESHAPE"]) == 10 + 30 + 160
    assert micro._peak(graph, computed, ["CONV_2D", "CONV_2D"]) == 320


def test_what_is_viewed_and_taken_again_later_is_not_overwritten():
    # a -> b, b viewed as c, b + c -> d
    graph = {
        "tensors": [{"shape": (1, size)} for size in (10, 50, 50, 5)],
        "inputs": (0,),
        "outputs": (3,),
        "operators": [
            {"opcode_index": 0, "inputs": (0,), "outputs": (1,)},
            {"opcode_index": 1, "inputs": (1,), "outputs": (2,)},
            {"opcode_index": 0, "inputs": (1, 2), "outputs": (3,)},
        ],
    }
    computed = dict.fromkeys(range(4), "int8")
    assert micro._peak(graph, computed, ["ADD", "RESHAPE"]) == 50 + 50 + 5


def test_int16_is_typed_as_such(bundle):
    made = c_array((bundle.folder / "edge-int16x8.tflite").read_bytes(), "wide", LABELS)
    assert "#define WIDE_INPUT_TYPE int16_t" in made.header
    assert "-32768..32767" in made.header


@pytest.mark.parametrize("kind", ["float32", "float16", "dynamic"])
def test_a_model_that_takes_floats_is_refused(bundle, kind):
    content = (bundle.folder / f"edge-{kind}.tflite").read_bytes()
    with pytest.raises(ModelError, match="net takes or gives float32; wanted int8"):
        c_array(content, "net", LABELS)


def test_a_float_layer_within_is_refused():
    import keras

    from mnist_edge.export import tflite
    from mnist_edge.export.plan import Target

    image = keras.Input((8, 8, 1))
    hidden = keras.layers.Flatten()(keras.layers.Conv2D(2, 3, activation="relu")(image))
    model = keras.Model(image, keras.layers.Dense(4, activation="softmax")(hidden))
    content = tflite.convert(model)
    operations = tflite.operations(content)
    names = {name for each in operations for name in (*each.inputs, *each.outputs)}
    target = Target("tflite", "int8", "int8", "per-channel", "minmax",
                    float_layers=operations[0].outputs)  # fmt: skip
    ranges = dict.fromkeys(names, (0.0, 1.0))
    with pytest.raises(ModelError, match="net computes in float32; wanted int8 or int16"):
        c_array(tflite.quantize(content, target, ranges), "net", LABELS)


def test_an_operator_that_is_lacking_is_named(int8, monkeypatch):
    fewer = {name: call for name, call in micro.METHODS.items() if name != "MEAN"}
    monkeypatch.setattr(micro, "METHODS", fewer)
    with pytest.raises(ModelError, match="needs MEAN, which TensorFlow Lite Micro lacks: use"):
        c_array(int8, "net", LABELS)


def test_what_is_no_tflite_file_or_has_other_classes_is_refused(int8, bundle):
    with pytest.raises(ModelError, match=r"is not a \.tflite file"):
        c_array((bundle.folder / "edge-int8.onnx").read_bytes(), "net", LABELS)
    with pytest.raises(ModelError, match="net is damaged"):
        c_array(int8[:2000], "net", LABELS)
    with pytest.raises(ModelError, match="4 classes, and there are 3 labels"):
        c_array(int8, "net", LABELS[:3])


def test_every_method_is_of_an_operator_that_the_format_has():
    from mnist_edge.structure.tflite_schema import OPERATORS

    formats = {name.replace("_", "") for name in OPERATORS}
    assert set(micro.METHODS) <= formats
    assert micro.METHODS["DEPTHWISECONV2D"] == "AddDepthwiseConv2D"
    assert micro.METHODS["PADV2"] == "AddPadV2"


def test_texts_are_strings_of_c():
    assert literal('a"?\\\n7é') == '"a\\042\\077\\134\\0127\\303\\251"'
    assert identifier("my-net 2") == "my_net_2"

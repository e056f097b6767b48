import subprocess
import sys

import pytest

from mnist_edge.errors import ModelError
from mnist_edge.structure import Op, Port, Structure, examine

MODELS = [
    *(f"edge-{kind}.tflite" for kind in ("float32", "float16", "dynamic", "int8", "int16x8")),
    *(f"edge-{kind}.onnx" for kind in ("float32", "int8")),
]


@pytest.mark.parametrize("file", MODELS)
def test_every_model_that_export_writes_is_sound(bundle, file):
    structure = examine((bundle.folder / file).read_bytes(), file)
    entry = bundle.entry(file)
    assert tuple(sorted({op.name for op in structure.ops})) == entry.ops
    assert structure.format == entry.format
    assert structure.any_batch
    for port, stated in ((structure.inputs[0], entry.input), (structure.outputs[0], entry.output)):
        assert port.name == stated["name"]
        assert port.dtype == stated["dtype"]
        assert list(port.shape) == stated["shape"]


def test_a_tflite_file_says_what_it_is_made_of(int8_model):
    assert examine(int8_model, "a.tflite") == Structure(
        "tflite",
        (
            *(Op("CONV_2D", 3), Op("FULLY_CONNECTED", 4), Op("MAX_POOL_2D", 2)),
            *(Op("MEAN", 2), Op("SOFTMAX", 2)),
        ),
        (Port("serving_default_image:0", (1, 28, 28, 1), "int8"),),
        (Port("StatefulPartitionedCall_1:0", (1, 10), "int8"),),
        any_batch=True,
    )


def test_an_onnx_file_says_what_it_is_made_of(onnx_model):
    structure = examine(onnx_model, "a.onnx")
    assert structure.opset == 17
    assert structure.ir_version == 8
    assert Op("MaxPool", 17) in structure.ops
    assert structure.inputs == (Port("image", (None, 28, 28, 1), "float32"),)
    assert structure.outputs[0].shape == (None, 10)


def test_an_archive_is_said_to_be_one():
    with pytest.raises(ModelError, match=r"a\.keras is an archive"):
        examine(b"PK\x03\x04 and so on", "a.keras")


@pytest.mark.parametrize("content", [b"", b"\n", b"just some text, no model", bytes(64), b"TFL3"])
def test_what_is_no_model_is_refused_in_one_line(content):
    with pytest.raises(ModelError, match=r"^a is damaged: .*: export or copy it anew$"):
        examine(content, "a")


@pytest.mark.parametrize("model", ["int8_model", "onnx_model"])
def test_a_truncated_model_is_refused_wherever_it_is_cut(request, model):
    content = request.getfixturevalue(model)
    for size in [*range(0, 64), *range(64, len(content), 997), len(content) - 1]:
        with pytest.raises(ModelError, match=r"^a "):
            examine(content[:size], "a")


@pytest.mark.parametrize("model", ["int8_model", "onnx_model"])
def test_no_flipped_byte_raises_anything_but_a_model_error(request, model):
    content = request.getfixturevalue(model)
    said = []
    for place in [*range(0, 2000, 5), *range(len(content) - 6000, len(content), 13)]:
        changed = bytearray(content)
        changed[place] ^= 0xFF
        try:
            examine(bytes(changed), "a")
        except ModelError as error:
            said.append(str(error))
    assert len(said) > 150
    assert "\n" not in "".join(said)
    assert max(map(len, said)) < 500


def test_examining_imports_nothing_but_python(root, int8_model, tmp_path):
    path = tmp_path / "a.tflite"
    path.write_bytes(int8_model)
    code = (
        "import sys; from mnist_edge.structure import examine; "
        f"examine(open({str(path)!r}, 'rb').read(), 'a'); "
        "print(sorted({m.partition('.')[0] for m in sys.modules} "
        "& {'onnx', 'google', 'flatbuffers', 'tensorflow', 'ai_edge_litert', 'onnxruntime'}))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=root
    )
    assert said.stdout == "[]\n"

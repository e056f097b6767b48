"""The shipped network with one thing wrong in it: bench must see it and name the class."""

import json
from pathlib import Path

import numpy as np
import pytest

from mnist_edge.backends import open_backend
from mnist_edge.bench.gates import gate_for
from mnist_edge.bench.parity import compare
from mnist_edge.cli import run
from mnist_edge.data import load

pytestmark = pytest.mark.needs("litert", "onnxruntime", "tensorflow-lite")

EDGE = Path(__file__).parents[2] / "artifacts" / "edge"
FLOAT = EDGE / "edge-float32.tflite"
CLASSES = 10


def tflite(folder, change):
    """The int8 model with `change(kernel, bias, last, inputs)` done to it.

    Args:
        folder: to write it to.
        change: is given the last layer's kernel [K,C] and bias [K], both to be written into, its
            two tensors and the model's input tensor.
    """
    from tensorflow.lite.tools import flatbuffer_utils

    from mnist_edge.export.audit.tflite_object import kind_of, parsed

    model = parsed((EDGE / "edge-int8.tflite").read_bytes())
    graph = model.subgraphs[0]
    (dense,) = (op for op in graph.operators if kind_of(model, op) == "FULLY_CONNECTED")
    last = [graph.tensors[place] for place in dense.inputs[1:]]
    kernel, bias = (
        np.array(model.buffers[tensor.buffer].data, np.uint8).view(dtype).reshape(tensor.shape)
        for tensor, dtype in zip(last, (np.int8, np.int32), strict=True)
    )
    change(kernel, bias, last, graph.tensors[graph.inputs[0]])
    for tensor, values in zip(last, (kernel, bias), strict=True):
        model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), np.uint8)
    path = folder / "edge-int8.tflite"
    path.write_bytes(bytes(flatbuffer_utils.convert_object_to_bytearray(model)))
    return path


def onnx(folder, change):
    """The float ONNX model with `change(kernel, bias)` done to its last layer, [C,K] and [K]."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(EDGE / "edge-float32.onnx")
    last = {len(each.dims): each for each in model.graph.initializer if each.dims[-1] == CLASSES}
    values = {rank: numpy_helper.to_array(each).copy() for rank, each in last.items()}
    change(values[2], values[1])
    for rank, each in last.items():
        each.CopyFrom(numpy_helper.from_array(values[rank], each.name))
    path = folder / "edge-float32.onnx"
    onnx.save(model, path)
    return path


def zeroed_tflite(folder, index):
    def change(kernel, bias, _last, _image):
        kernel[index] = bias[index] = 0

    return tflite(folder, change)


def zeroed_onnx(folder, index):
    def change(kernel, bias):
        kernel[:, index] = bias[index] = 0

    return onnx(folder, change)


def permuted_tflite(folder):
    """Of 3 and 8 each is called the other."""

    def change(kernel, bias, last, _image):
        for values in (kernel, bias, *(tensor.quantization.scale for tensor in last)):
            values[[3, 8]] = values[[8, 3]]

    return tflite(folder, change)


def permuted_onnx(folder):
    def change(kernel, bias):
        kernel[:, [3, 8]], bias[[3, 8]] = kernel[:, [8, 3]], bias[[8, 3]]

    return onnx(folder, change)


def shifted(folder):
    """The image's zero point is 112 instead of -128: all ink is as faint as 15 of 255."""

    def change(_kernel, _bias, _last, image):
        image.quantization.zeroPoint = [112]

    return tflite(folder, change)


@pytest.fixture(scope="module")
def mnist():
    return load("mnist").test


@pytest.fixture(scope="module")
def reference(mnist):
    with open_backend(FLOAT, threads=2) as backend:
        return backend.infer(mnist.images)


def judged(path, mnist, reference, quantization):
    with open_backend(path, threads=2) as backend:
        found = backend.infer(mnist.images)
    parity = compare(reference, found, mnist.truth, quantization=quantization)
    return parity, gate_for(quantization).judge(parity)


@pytest.mark.parametrize("sound", ["edge-int8.tflite", "edge-float32.onnx"])
def test_the_sound_model_passes(mnist, reference, sound):
    parity, judgement = judged(EDGE / sound, mnist, reference, sound.split("-")[1].split(".")[0])
    assert judgement
    assert judgement.notes == ()
    assert parity.invariants == ()


@pytest.mark.parametrize("index", range(CLASSES))
def test_a_class_whose_weights_are_zeroed_is_caught_and_named(tmp_path, mnist, reference, index):
    parity, judgement = judged(zeroed_tflite(tmp_path, index), mnist, reference, "int8")
    assert not judgement
    assert parity.worst_class.index == index
    (line,) = (line for line in judgement.failures if line.startswith("class "))
    assert line.startswith(f"class '{index}' down ")


@pytest.mark.parametrize("index", [1, 7])
def test_the_same_is_caught_in_a_float_model(tmp_path, mnist, reference, index):
    parity, judgement = judged(zeroed_onnx(tmp_path, index), mnist, reference, "float32")
    assert parity.worst_class.index == index
    assert f"class '{index}' down " in str(judgement.failures)


def test_labels_that_are_permuted_are_caught_and_both_are_named(tmp_path, mnist, reference):
    parity, judgement = judged(permuted_tflite(tmp_path), mnist, reference, "int8")
    assert parity.worst_class.index in (3, 8)
    lines = [line for line in judgement.failures if line.startswith("class ")]
    assert {line.split("'")[1] for line in lines} == {"3", "8"}


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda folder: zeroed_tflite(folder, 5), {"5"}),
        (permuted_onnx, {"3", "8"}),
        (shifted, set()),  # which classes suffer is up to the network: the worst is named
    ],
    ids=["zeroed", "permuted", "zero-point"],
)
def test_the_command_ends_with_1_and_names_the_class(make, named, tmp_path, capsys):
    arguments = ["--data", "mnist", "--quick", "--runtime", "litert", "--runtime", "onnxruntime"]
    assert run(["bench", str(FLOAT), str(make(tmp_path)), *arguments, "--json"]) == 1
    said = capsys.readouterr()
    sound, broken = json.loads(said.out)["results"]
    assert sound["gate_failures"] == []
    assert broken["status"] == "ok"
    worst = broken["parity"]["worst_class"]["label"]
    assert worst in (named or {worst})
    for name in named or {worst}:
        assert f"class '{name}' down " in said.err
    flips = broken["parity"]["flips"]["to_wrong"]
    assert len(flips) == broken["parity"]["flips_to_wrong"] > 100
    for index, truth, before, after in flips[:20]:
        assert load("mnist").test.truth[index] == truth == before != after

"""From an ONNX file to layers of PyTorch, which a stand-in in numpy takes the place of here."""

import runpy
import subprocess
import sys
from functools import partial
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from tools.peers.conversions import HERE

XNNPACK = "executorch.backends.xnnpack.partition.xnnpack_partitioner"


def chain(path, **settings):
    """Write a network of three convolutions, 1 -> 3 -> 4 -> 5 channels, for 28x28 pixels."""
    random = np.random.default_rng(0)
    constants = {"shape": np.array([-1, 1, 28, 28]), "axes": np.array([2, 3])}
    nodes = [helper.make_node("Reshape", ["image", "shape"], ["0"])]
    for place, (filters, taken, side, strides) in enumerate(
        [(3, 1, 3, None), (4, 3, 5, [2, 2]), (5, 4, 3, [1, 2])]
    ):
        constants[f"k{place}"] = random.normal(0, 0.5, (filters, taken, side, side))
        constants[f"b{place}"] = random.normal(0, 0.5, filters)
        more = settings if strides is None else {"strides": strides}
        names = [str(place), f"k{place}", f"b{place}"]
        nodes.append(helper.make_node("Conv", names, [f"c{place}"], **more))
        nodes.append(helper.make_node("Relu", [f"c{place}"], [str(place + 1)]))
    constants |= {"w": random.normal(0, 0.5, (5, 10)), "b": random.normal(0, 0.5, 10)}
    nodes += [
        helper.make_node("GlobalAveragePool", ["3"], ["mean"]),
        helper.make_node("Squeeze", ["mean", "axes"], ["features"]),
        helper.make_node("MatMul", ["features", "w"], ["product"]),
        helper.make_node("Add", ["product", "b"], ["sums"]),
        helper.make_node("Softmax", ["sums"], ["answer"], axis=-1),
    ]
    weights = [
        numpy_helper.from_array(each.astype(np.float32) if each.dtype.kind == "f" else each, name)
        for name, each in constants.items()
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("image", ["N", 28, 28, 1]), ("answer", ["N", 10]))
    ]
    graph = helper.make_graph(nodes, "chain", ends[:1], ends[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


class Parameter:
    """One tensor of a layer; takes values of its shape alone."""

    def __init__(self, *shape):
        self.shape, self.data = shape, self

    def copy_(self, values):
        assert values.shape == self.shape
        self.values = values


def conv2d(taken, filters, window, stride):
    """What nn.Conv2d has and does, for images [N,C,H,W]."""
    kernel, bias = Parameter(filters, taken, *window), Parameter(filters)

    def run(x):
        seen = np.lib.stride_tricks.sliding_window_view(x, window, (2, 3))
        seen = seen[:, :, :: stride[0], :: stride[1]]
        summed = np.einsum("nchwij,kcij->nkhw", seen, kernel.values)
        return summed + bias.values[:, None, None]

    return SimpleNamespace(parameters=[kernel, bias], run=run)


def linear(features, classes):
    kernel, bias = Parameter(classes, features), Parameter(classes)
    return SimpleNamespace(
        parameters=[kernel, bias], run=lambda x: x @ kernel.values.T + bias.values
    )


def plain(run, *wanted):
    """A layer without parameters, made with these settings."""

    def make(*settings):
        assert settings == wanted
        return SimpleNamespace(parameters=[], run=run)

    return make


def softmax(x):
    powers = np.exp(x)
    return powers / powers.sum(1, keepdims=True)


@pytest.fixture
def pytorch(monkeypatch):
    """PyTorch and ExecuTorch that know these layers and lower nothing; what was built is in it."""
    built = []

    def sequential(*layers):
        built.extend(layers)
        network = MagicMock()
        network.eval.return_value.parameters.return_value = [
            parameter for layer in layers for parameter in layer.parameters
        ]
        return network

    torch, exir = MagicMock(), MagicMock()
    torch.from_numpy = np.asarray
    torch.nn = SimpleNamespace(
        Sequential=sequential, Conv2d=conv2d, Linear=linear,
        ReLU=plain(partial(np.maximum, 0)), Flatten=plain(lambda x: x.reshape(len(x), -1)),
        AdaptiveAvgPool2d=plain(lambda x: x.mean((2, 3), keepdims=True), 1),
        Softmax=plain(softmax, 1),
    )  # fmt: skip
    lowered = exir.to_edge_transform_and_lower.return_value
    lowered.to_executorch.return_value.buffer = b"a program"
    for name, module in (("torch", torch), ("executorch.exir", exir), (XNNPACK, MagicMock())):
        monkeypatch.setitem(sys.modules, name, module)
    return built


def take_weights(source, target):
    command = [sys.executable, str(HERE / "weights.py"), str(source), str(target)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_what_is_built_in_pytorch_answers_as_the_onnx_file_does(tmp_path, monkeypatch, pytorch):
    source = chain(tmp_path / "chain.onnx")
    assert take_weights(source, tmp_path / "weights.npz").returncode == 0
    images = np.random.default_rng(1).integers(0, 256, (6, 28, 28)).astype(np.uint8)
    np.save(tmp_path / "images.npy", images)
    files = [str(tmp_path / name) for name in ("weights.npz", "images.npy", "chain.pte")]
    monkeypatch.setattr(sys, "argv", ["to_executorch.py", *files[:2], "float32", files[2]])
    seen = runpy.run_path(str(HERE / "to_executorch.py"))["images"]
    assert (tmp_path / "chain.pte").read_bytes() == b"a program"
    found = seen
    for layer in pytorch:
        found = layer.run(found)
    session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
    (wanted,) = session.run(None, {"image": (images / np.float32(255))[..., None]})
    assert np.ptp(wanted, 0).max() > 0.01
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize(
    "setting", [{"pads": [1, 1, 1, 1]}, {"dilations": [2, 2]}, {"auto_pad": "SAME_UPPER"}]
)
def test_a_convolution_that_cannot_be_told_is_refused(tmp_path, setting):
    (name,) = setting
    ended = take_weights(chain(tmp_path / "a.onnx", **setting), tmp_path / "weights.npz")
    assert ended.returncode == 1
    assert f"has a convolution with {name} " in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "weights.npz").exists()


def test_a_network_with_a_pool_is_refused(root, tmp_path):
    source = root / "tests" / "structure" / "pooled-float32.onnx"
    ended = take_weights(source, tmp_path / "weights.npz")
    assert ended.returncode == 1
    assert "is no chain of convolutions, a mean and a dense layer: " in ended.stderr
    assert len(ended.stderr.splitlines()) == 1

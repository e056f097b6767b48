"""Keras to ONNX, float32 and int8 (static, QDQ, per channel); any number of images a batch."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from mnist_edge.errors import ModelError
from mnist_edge.export.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mnist_edge.export.calibration import Calibration

OPSET = 17  # ONNX Runtime 1.12 and later


def convert(model: Any, quantization: str, calibration: Calibration | None) -> bytes:
    """Return the ONNX file of a Keras model: float32 [N,28,28,1] in, probabilities [N,K] out.

    Args:
        model: takes float32 [N,28,28,1] in 0..1.
        quantization: `float32` or `int8`.
        calibration: needed for `int8`.

    Raises:
        ModelError: the conversion fails.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        quiet(f"conversion to {quantization} ONNX"),
    ):
        path = Path(folder) / "model.onnx"
        model(np.zeros((1, *model.inputs[0].shape[1:]), np.float32))  # or Keras: "never called"
        model.export(path, format="onnx", opset_version=OPSET, verbose=False)
        if quantization == "int8":
            if calibration is None:
                raise ModelError("int8 needs calibration images")
            path = _quantize(path, calibration)
        return path.read_bytes()


def operators(content: bytes) -> tuple[str, ...]:
    """Return the sorted names of the operators in an ONNX file.

    Raises:
        ModelError: it has an operator of a domain of its own.
    """
    nodes = onnx.load_from_string(content).graph.node
    foreign = sorted({node.op_type for node in nodes if node.domain not in ("", "ai.onnx")})
    if foreign:
        raise ModelError(f"the model needs {', '.join(foreign)}, which is not standard ONNX")
    return tuple(sorted({node.op_type for node in nodes}))


def _quantize(path: Path, calibration: Calibration) -> Path:
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared, result = path.with_name("prepared.onnx"), path.with_name("int8.onnx")
    # The dimensions are known but for the batch: symbolic inference (sympy) has nothing to add.
    quant_pre_process(path, prepared, skip_symbolic_shape=True)
    name = onnx.load(prepared).graph.input[0].name

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._inputs: Iterator[Any] = calibration.inputs()

        def get_next(self) -> dict[str, Any] | None:
            image = next(self._inputs, None)
            return None if image is None else {name: image}

    quantization.quantize_static(
        prepared,
        result,
        Reader(),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        # Signed with signed does not saturate on processors without VNNI, as unsigned would.
        activation_type=quantization.QuantType.QInt8,
        weight_type=quantization.QuantType.QInt8,
        calibrate_method=quantization.CalibrationMethod.MinMax,
    )
    return result

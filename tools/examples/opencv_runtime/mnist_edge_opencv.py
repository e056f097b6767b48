"""OpenCV's DNN module as a runtime of mnist_edge, for float32 ONNX models."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mnist_edge import Backend, ModelError, TensorSpec
from mnist_edge.structure import examine

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class OpenCvBackend(Backend):
    """A `cv2.dnn.Net`. Its threads are those of the process: opening sets them for all OpenCV."""

    formats: ClassVar[tuple[str, ...]] = ("onnx",)

    def _open(self, path: Path, content: bytes, threads: int) -> tuple[TensorSpec, TensorSpec]:
        import cv2  # here, so that listing the runtimes does not load it

        if int(cv2.__version__.split(".")[0]) < 5:  # 4.14: a batch of 20 comes back as one row
            raise ModelError(f"OpenCV {cv2.__version__} gives wrong answers; wanted 5 or newer")
        taken, given = _edges(path, content)
        if taken.shape[:1] == (1,):
            self.max_batch = 1
        cv2.setNumThreads(threads)
        self._net: Any = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))
        return taken, given

    def _run(self, raw: NDArray[Any]) -> NDArray[Any]:
        self._net.setInput(raw)
        result: NDArray[Any] = self._net.forward()  # a copy of its own
        return result

    def _close(self) -> None:
        self._net = None


def _edges(path: Path, content: bytes) -> tuple[TensorSpec, TensorSpec]:
    """Return the input and the output of an ONNX file: a `cv2.dnn.Net` does not tell them."""
    file = examine(content, str(path))
    if {op.name for op in file.ops} & {"QuantizeLinear", "DequantizeLinear"}:
        raise ModelError(f"{path} is quantized; OpenCV runs float32 ONNX: choose that")
    if len(file.inputs) != 1 or len(file.outputs) != 1:
        raise ModelError(
            f"{path} has {len(file.inputs)} inputs and {len(file.outputs)} outputs; "
            "wanted one of each"
        )
    (taken,), (given,) = file.inputs, file.outputs
    if {taken.dtype, given.dtype} != {"float32"}:
        raise ModelError(f"{path} has an edge that is not float32; OpenCV runs float32 ONNX")
    return TensorSpec(*astuple(taken)), TensorSpec(*astuple(given))

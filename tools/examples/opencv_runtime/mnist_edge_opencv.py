"""OpenCV's DNN module as a runtime of mnist_edge, for float32 ONNX models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mnist_edge import Backend, ModelError
from mnist_edge.quantize import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

FLOAT = 1  # TensorProto.DataType of onnx.proto, as are the numbers of fields below


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
    graph = dict(_fields(memoryview(content))).get(7, b"")
    inputs, outputs, weights = [], [], set()
    for number, value in _fields(graph):
        if number == 1 and _text(value, 4) in ("QuantizeLinear", "DequantizeLinear"):
            raise ModelError(f"{path} is quantized; OpenCV runs float32 ONNX: choose that")
        if number == 5:
            weights.add(_text(value, 8))
        elif number in (11, 12):
            (inputs if number == 11 else outputs).append(value)
    inputs = [value for value in inputs if _text(value, 1) not in weights]  # in old files
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(
            f"{path} has {len(inputs)} inputs and {len(outputs)} outputs; wanted one of each"
        )
    return _spec(path, inputs[0]), _spec(path, outputs[0])


def _spec(path: Path, info: memoryview) -> TensorSpec:
    tensor = dict(_fields(dict(_fields(dict(_fields(info))[2]))[1]))
    if tensor[1] != FLOAT:
        raise ModelError(f"{path} has an edge that is not float32; OpenCV runs float32 ONNX")
    sizes = [dict(_fields(dim)).get(1) for number, dim in _fields(tensor[2]) if number == 1]
    return TensorSpec(_text(info, 1), tuple(sizes), "float32")


def _text(message: memoryview, number: int) -> str:
    return bytes(dict(_fields(message)).get(number, b"")).decode()


def _fields(message: memoryview) -> Iterator[tuple[int, Any]]:
    """Yield number and value of each field of a protocol buffers message (its wire format)."""
    place = 0

    def varint() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = message[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(message):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            size = varint() if key & 7 == 2 else {1: 8, 5: 4}[key & 7]
            place += size
            if place > len(message):
                raise ValueError("the file is cut short")
            yield key >> 3, message[place - size : place]

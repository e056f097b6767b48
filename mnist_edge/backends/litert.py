"""TensorFlow Lite models, by LiteRT, by tflite-runtime or by the interpreter within TensorFlow.

The three are one interpreter under three names.
"""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

from mnist_edge.backends.base import Backend
from mnist_edge.errors import ModelError
from mnist_edge.quantize import QuantParams, TensorSpec

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MODULES = {
    "litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
    "tensorflow-lite": "tensorflow",
}
IDENTIFIER = b"TFL3"  # bytes 4..8 of every TensorFlow Lite flatbuffer


class LiteRTBackend(Backend):
    """A TensorFlow Lite interpreter for single images, and one that is resized for batches."""

    formats: ClassVar[tuple[str, ...]] = ("tflite",)

    def _open(self, path: Path, content: bytes, threads: int) -> tuple[TensorSpec, TensorSpec]:
        if content[4:8] != IDENTIFIER:
            raise ModelError(
                f"{path} is not a TensorFlow Lite model: bytes 4 to 8 are {content[4:8]!r}, "
                f"wanted {IDENTIFIER!r}: export or copy it anew"
            )
        self._content, self._threads = content, threads
        self._single = self._interpreter(1)
        self._batch: tuple[int, Any] | None = None
        inputs, outputs = self._single.get_input_details(), self._single.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(
                f"{path} has {len(inputs)} inputs and {len(outputs)} outputs; wanted one of each"
            )
        self._in, self._out = inputs[0]["index"], outputs[0]["index"]
        return _spec(inputs[0]), _spec(outputs[0])

    def _run(self, raw: NDArray[Any]) -> NDArray[Any]:
        interpreter = self._single if len(raw) == 1 else self._sized(len(raw))
        interpreter.set_tensor(self._in, raw)
        interpreter.invoke()
        result: NDArray[Any] = interpreter.get_tensor(self._out)  # a copy, unlike tensor()
        return result

    def _close(self) -> None:
        self._single = self._batch = None

    def _sized(self, count: int) -> Any:
        """Return the interpreter for batches of `count` images; the last one is kept."""
        if self._batch is None or self._batch[0] != count:
            self._batch = (count, self._interpreter(count))
        return self._batch[1]

    def _interpreter(self, count: int) -> Any:
        module: Any = importlib.import_module(MODULES[self.runtime])
        if self.runtime == "tensorflow-lite":
            module = module.lite  # loaded lazily: it cannot be imported by its name
        with warnings.catch_warnings():  # tf.lite.Interpreter says that it will go
            warnings.simplefilter("ignore")
            interpreter = module.Interpreter(model_content=self._content, num_threads=self._threads)
        if count != 1:
            details = interpreter.get_input_details()[0]
            interpreter.resize_tensor_input(details["index"], [count, *details["shape"][1:]])
        interpreter.allocate_tensors()
        return interpreter


def _spec(details: dict[str, Any]) -> TensorSpec:
    found = details["quantization_parameters"]
    dtype = details["dtype"].__name__
    quant = None
    if len(found["scales"]) == 1:
        quant = QuantParams(float(found["scales"][0]), int(found["zero_points"][0]), dtype)
    signature = details["shape_signature"] if len(details["shape_signature"]) else details["shape"]
    shape = tuple(None if size < 0 else int(size) for size in signature)
    return TensorSpec(details["name"], shape, dtype, quant)

"""ONNX models by ONNX Runtime, on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mnist_edge.backends.base import Backend, in_parts
from mnist_edge.errors import ModelError
from mnist_edge.quantize import TensorSpec

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

ERRORS_ONLY = 3


class OnnxRuntimeBackend(Backend):
    """An ONNX Runtime session of one thread a call, which several threads may call at once."""

    formats: ClassVar[tuple[str, ...]] = ("onnx",)
    thread_safe: ClassVar[bool] = True
    survives_fork: ClassVar[bool] = True

    def _open(self, path: Path, content: bytes, threads: int) -> tuple[TensorSpec, TensorSpec]:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # no threads of its own, so nothing that spins or hangs
        options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        self._session: Any = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(
                f"{path} has {len(inputs)} inputs and {len(outputs)} outputs; wanted one of each"
            )
        self._name = inputs[0].name
        taken = _spec(inputs[0])
        # Where activations are quantized for each call, an answer would depend on its batch.
        if (taken.shape and taken.shape[0] == 1) or b"DynamicQuantizeLinear" in content:
            self.max_batch = 1
        return taken, _spec(outputs[0])

    def _run(self, raw: NDArray[Any]) -> NDArray[Any]:
        return self._run_part(raw) if len(raw) == 1 else in_parts(self._run_part, raw)

    def _run_part(self, raw: NDArray[Any]) -> NDArray[Any]:
        result: NDArray[Any] = self._session.run(None, {self._name: raw})[0]
        return result

    def _close(self) -> None:
        self._session = None


def _spec(node: Any) -> TensorSpec:
    dtype = {"float": "float32", "double": "float64"}.get(node.type[7:-1], node.type[7:-1])
    shape = tuple(size if isinstance(size, int) else None for size in node.shape)
    return TensorSpec(node.name, shape, np.dtype(dtype).name)

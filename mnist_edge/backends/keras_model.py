"""Keras models, the reference that every export is held against."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mnist_edge.backends.base import Backend
from mnist_edge.errors import ModelError
from mnist_edge.quantize import TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray


class KerasBackend(Backend):
    """A `.keras` file, run as training left it."""

    formats: ClassVar[tuple[str, ...]] = ("keras",)

    def _open(self, path: Path, content: bytes, threads: int) -> tuple[TensorSpec, TensorSpec]:
        if not zipfile.is_zipfile(io.BytesIO(content)):
            raise ModelError(f"{path} is not a .keras archive: train or copy it anew")
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        import keras
        import tensorflow as tf

        with contextlib.suppress(RuntimeError):  # set already, for good, by an earlier model
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        with tempfile.TemporaryDirectory() as folder:  # Keras takes no bytes, and these were hashed
            copy = Path(folder) / "model.keras"
            copy.write_bytes(content)
            model = keras.saving.load_model(copy, compile=False, safe_mode=True)
        if len(model.inputs) != 1 or len(model.outputs) != 1:
            raise ModelError(f"{path} has several inputs or outputs; wanted one of each")
        taken = _spec(model.inputs[0])
        if taken.shape[:1] == (1,):
            self.max_batch = 1
        signature = tf.TensorSpec(taken.shape, taken.dtype)
        self._call: Any = tf.function(
            lambda images: model(images, training=False), input_signature=[signature]
        )
        return taken, _spec(model.outputs[0])

    def _run(self, raw: NDArray[Any]) -> NDArray[Any]:
        return np.array(self._call(raw).numpy())

    def _close(self) -> None:
        self._call = None


def _spec(tensor: Any) -> TensorSpec:
    return TensorSpec(tensor.name, tuple(tensor.shape), tensor.dtype)

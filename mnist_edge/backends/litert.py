"""TensorFlow Lite models, by LiteRT, by tflite-runtime or by the interpreter within TensorFlow.

The three are one interpreter under three names. It serves one thread at a time, so there are
several of them: as many as threads ask at once, up to one a processor.
"""

from __future__ import annotations

import importlib
import os
import threading
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mnist_edge.backends.base import WAS_CLOSED, Backend, in_parts
from mnist_edge.errors import ModelError
from mnist_edge.quantize import QuantParams, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from mnist_edge.preprocess import Fill

MODULES = {
    "litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
    "tensorflow-lite": "tensorflow",
}
LOST_S = 10.0  # an interrupt may hit between taking an engine and the care for it: it is lost
IDENTIFIER = b"TFL3"  # bytes 4..8 of every TensorFlow Lite flatbuffer


class LiteRTBackend(Backend):
    """TensorFlow Lite interpreters of one thread each, as many as are asked at once."""

    formats: ClassVar[tuple[str, ...]] = ("tflite",)
    thread_safe: ClassVar[bool] = True
    survives_fork: ClassVar[bool] = True

    def _open(self, path: Path, content: bytes, threads: int) -> tuple[TensorSpec, TensorSpec]:
        if content[4:8] != IDENTIFIER:
            raise ModelError(
                f"{path} is not a TensorFlow Lite model: bytes 4 to 8 are {content[4:8]!r}, "
                f"wanted {IDENTIFIER!r}: export or copy it anew"
            )
        module: Any = importlib.import_module(MODULES[self.runtime])
        if self.runtime == "tensorflow-lite":
            module = module.lite  # loaded lazily: it cannot be imported by its name

        def interpreter() -> Any:
            with warnings.catch_warnings():  # tf.lite.Interpreter says that it will go
                warnings.simplefilter("ignore")
                return module.Interpreter(model_content=content, num_threads=1)

        first = _Engine(interpreter)
        inputs, outputs = first.single.get_input_details(), first.single.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(
                f"{path} has {len(inputs)} inputs and {len(outputs)} outputs; wanted one of each"
            )
        self._engines = _Engines(first, lambda: _Engine(interpreter), max(threads, _processors()))
        return _spec(inputs[0]), _spec(outputs[0])

    def _run(self, raw: NDArray[Any]) -> NDArray[Any]:
        engine = self._engines.take()
        try:
            return engine.run(raw)
        finally:
            self._engines.give_back(engine)

    def _run_image(self, image: NDArray[Any]) -> NDArray[Any]:
        engines = self._engines
        try:
            engine = engines.idle.pop()  # as take(), but for one call less
        except IndexError:
            engine = engines.take()
        try:
            if engine.slot is None:
                engine.slot = self.encode_batch.slot(self.image_shape)
            return engine.run_image(image)
        finally:
            engines.give_back(engine)

    def _close(self) -> None:
        self._engines.close()


class _Engine:
    """An interpreter for one image, and one for each size of `in_parts`; one thread at a time."""

    def __init__(self, interpreter: Callable[[], Any]) -> None:
        self._interpreter = interpreter
        self.single = interpreter()
        self.single.allocate_tensors()
        self._in = self.single.get_input_details()[0]["index"]
        self._out = self.single.get_output_details()[0]["index"]
        self._set, self._invoke = self.single.set_tensor, self.single.invoke
        self._get = self.single.get_tensor
        self._sized: dict[int, Any] = {1: self.single}
        self.slot: tuple[NDArray[Any], Fill] | None = None

    def run_image(self, image: NDArray[np.uint8]) -> NDArray[Any]:
        """Return the output [1,K] for one image."""
        array, fill = self.slot  # type: ignore[misc]
        fill(image)
        self._set(self._in, array)
        self._invoke()
        row: NDArray[Any] = self._get(self._out)  # a copy, unlike tensor()
        return row

    def run(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Return the output [N,K] for a batch [N,H,W,C]."""
        return in_parts(self._run_part, raw)

    def _run_part(self, raw: NDArray[Any]) -> NDArray[Any]:
        if len(raw) not in self._sized:
            self._sized[len(raw)] = self._resized(len(raw))
        interpreter = self._sized[len(raw)]
        if interpreter is None:
            return np.concatenate([self._run_part(raw[at : at + 1]) for at in range(len(raw))])
        interpreter.set_tensor(self._in, raw)
        interpreter.invoke()
        found: NDArray[Any] = interpreter.get_tensor(self._out)
        return found

    def _resized(self, size: int) -> Any:
        """Return an interpreter for batches of `size` images; None if the model has none."""
        interpreter = self._interpreter()
        details = interpreter.get_input_details()[0]
        interpreter.resize_tensor_input(details["index"], [size, *details["shape"][1:]])
        try:
            interpreter.allocate_tensors()
        except RuntimeError:  # a shape that is fixed within the model
            return None
        fits = interpreter.get_output_details()[0]["shape"][0] == size
        return interpreter if fits else None


class _Engines:
    """A pool of engines; taking and giving back one that is there needs no lock.

    `list.pop` and `list.append` are atomic in CPython. Measured against one engine behind a lock:
    tools/bench_wrapper.py --threads.
    """

    def __init__(self, first: _Engine, make: Callable[[], _Engine], most: int) -> None:
        self.idle = [first]
        self._make, self._left = make, most - 1
        self._freed = threading.Condition()
        self._waiting = 0
        self._closed = False

    def take(self) -> _Engine:
        """Return an engine that no other thread has.

        Raises:
            ModelError: the pool was closed.
        """
        try:
            return self.idle.pop()
        except IndexError:
            return self._make_or_wait()

    def give_back(self, engine: _Engine) -> None:
        """Let others have the engine."""
        if self._closed:
            return
        self.idle.append(engine)
        if self._waiting:
            with self._freed:
                self._freed.notify()

    def close(self) -> None:
        """Let go of the engines; of those in use when they are given back."""
        with self._freed:
            self._closed = True
            self.idle.clear()
            self._freed.notify_all()

    def _make_or_wait(self) -> _Engine:
        with self._freed:
            self._waiting += 1
            try:
                while not self._closed:
                    if self.idle:
                        return self.idle.pop()
                    if self._left > 0:
                        engine = self._make()
                        self._left -= 1
                        return engine
                    if not self._freed.wait(LOST_S):
                        return self._make()
            finally:
                self._waiting -= 1
        raise ModelError(WAS_CLOSED)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _spec(details: dict[str, Any]) -> TensorSpec:
    found = details["quantization_parameters"]
    dtype = details["dtype"].__name__
    quant = None
    if len(found["scales"]) == 1:
        quant = QuantParams(float(found["scales"][0]), int(found["zero_points"][0]), dtype)
    signature = details["shape_signature"] if len(details["shape_signature"]) else details["shape"]
    shape = tuple(None if size < 0 else int(size) for size in signature)
    return TensorSpec(details["name"], shape, dtype, quant)

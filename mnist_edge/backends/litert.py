"""TensorFlow Lite models, by LiteRT, by tflite-runtime or by the interpreter within TensorFlow.

The three are one interpreter under three names. It serves one thread at a time, so there are
several of them, as many as threads ask at once; one a processor is kept.
"""

from __future__ import annotations

import importlib
import os
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mnist_edge.backends.base import Backend, in_parts
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

        @cache
        def any_batch() -> bool:
            """Whether the model may be resized: tflite-runtime would write beyond its tensors."""
            from mnist_edge.structure import examine  # 5 ms, for those who have batches

            try:
                return examine(content, str(path)).any_batch
            except ModelError:
                return False

        first = _Engine(interpreter, any_batch)
        inputs, outputs = first.single.get_input_details(), first.single.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(
                f"{path} has {len(inputs)} inputs and {len(outputs)} outputs; wanted one of each"
            )
        self._engines = _Engines(
            first, lambda: _Engine(interpreter, any_batch), max(threads, _processors())
        )
        return _spec(inputs[0]), _spec(outputs[0])

    def _run(self, raw: NDArray[Any]) -> NDArray[Any]:
        engine = self._engines.take()
        try:
            return engine.run_one(raw) if len(raw) == 1 else in_parts(engine.run_part, raw)
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
            raw, fill = engine.slot
            fill(image)
            return engine.run_one(raw)
        finally:
            engines.give_back(engine)

    def _close(self) -> None:
        self._engines.close()


class _Engine:
    """An interpreter for one image, and one for each size of `in_parts`; one thread at a time."""

    def __init__(self, interpreter: Callable[[], Any], any_batch: Callable[[], bool]) -> None:
        self._interpreter, self._any_batch = interpreter, any_batch
        self.single = interpreter()
        self.single.allocate_tensors()
        self._in = self.single.get_input_details()[0]["index"]
        self._out = self.single.get_output_details()[0]["index"]
        self._set, self._invoke = self.single.set_tensor, self.single.invoke
        self._get = self.single.get_tensor
        self._sized: dict[int, Any] = {1: self.single}
        self.slot: tuple[NDArray[Any], Fill] | None = None

    def run_one(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Return the output [1,K] for one image [1,H,W,C]."""
        self._set(self._in, raw)
        self._invoke()
        row: NDArray[Any] = self._get(self._out)  # a copy, unlike tensor()
        return row

    def run_part(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Return the output [N,K] for a batch [N,H,W,C] of a size of `in_parts`."""
        if len(raw) not in self._sized:
            self._sized[len(raw)] = self._resized(len(raw))
        interpreter = self._sized[len(raw)]
        if interpreter is None:
            return np.concatenate([self.run_part(raw[at : at + 1]) for at in range(len(raw))])
        interpreter.set_tensor(self._in, raw)
        interpreter.invoke()
        found: NDArray[Any] = interpreter.get_tensor(self._out)
        return found

    def _resized(self, size: int) -> Any:
        """Return an interpreter for batches of `size` images; None if the model has none."""
        if not self._any_batch():
            return None
        interpreter = self._interpreter()
        details = interpreter.get_input_details()[0]
        try:
            interpreter.resize_tensor_input(details["index"], [size, *details["shape"][1:]])
            interpreter.allocate_tensors()
        except (RuntimeError, ValueError):  # a shape that is fixed within the model
            return None
        fits = interpreter.get_output_details()[0]["shape"][0] == size
        return interpreter if fits else None


class _Engines:
    """A pool of engines in which nobody waits: who finds it empty makes one more.

    So there are as many as threads were ever inside at once, and `most` of them are kept. Taking
    and giving back need no lock (`list.pop` and `list.append` are atomic in CPython): no interrupt,
    signal handler or fork can leave one behind, and an engine lost to an interrupt is only memory.
    Measured against one engine behind a lock: tools/bench_wrapper.py threads.
    """

    def __init__(self, first: _Engine, make: Callable[[], _Engine], most: int) -> None:
        self.idle = [first]
        self._make, self._most = make, most

    def take(self) -> _Engine:
        """Return an engine that no other thread has."""
        try:
            return self.idle.pop()
        except IndexError:
            return self._make()

    def give_back(self, engine: _Engine) -> None:
        """Let others have the engine."""
        if len(self.idle) < self._most:
            self.idle.append(engine)

    def close(self) -> None:
        """Let go of the engines; of those in use when they are given back."""
        self._most = 0
        self.idle.clear()


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

"""What every runtime has in common: the base checks and converts, a runtime's file only runs."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mnist_edge.errors import InputError, MnistEdgeError, ModelError, SettingError
from mnist_edge.preprocess import Encoder, as_batch
from mnist_edge.quantize import TensorSpec, dequantize

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray
    from typing_extensions import Self

CHUNK = 256  # images a call when many are given: enough to be quick, small enough for the cache


class Backend(ABC):
    """One model opened by one runtime.

    A runtime is a subclass that opens (`_open`), runs (`_run`) and lets go (`_close`). It may be
    used from several threads: a lock stands around the runtime.

    Attributes:
        formats: model formats that the runtime opens.
        runtime: the runtime's name.
        input: the tensor that `invoke` takes, [N,H,W,C].
        output: the tensor that `invoke` returns, [N,K].
        image_shape: height, width and channels of an image.
        classes: how many probabilities an image gets.
    """

    formats: ClassVar[tuple[str, ...]]
    max_batch: int | None = None  # images that one runtime call can take; None for any number

    def __init__(self, runtime: str, path: Path, content: bytes, threads: int = 1) -> None:
        """Open a model.

        Args:
            runtime: the name under which this runtime was chosen.
            path: where the model is, for messages and for runtimes that read files themselves.
            content: the file's bytes.
            threads: that the runtime may use, at least 1.

        Raises:
            ModelError: the runtime refuses the model, or it is not an image classifier.
            SettingError: threads below 1.
        """
        if threads < 1:
            raise SettingError(f"threads is {threads}; wanted 1 or more")
        self.runtime = runtime
        self._lock = threading.Lock()
        self._closed = False
        try:
            self.input, self.output = self._open(path, content, threads)
        except MnistEdgeError:
            raise
        except Exception as error:  # each runtime has exceptions of its own
            raise ModelError(f"{runtime} cannot open {path}: {first_line(error)}") from error
        self.image_shape = _image_shape(self.input, path)
        self.classes = _classes(self.output, path)
        try:
            self.encode_batch = Encoder(self.input)
        except InputError as error:
            raise ModelError(f"{path}: {error}") from None

    @abstractmethod
    def _open(self, path: Path, content: bytes, threads: int) -> tuple[TensorSpec, TensorSpec]:
        """Open the model and return its one input and its one output."""

    @abstractmethod
    def _run(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Run a checked batch in the input's dtype; return the output as an array of its own."""

    @abstractmethod
    def _close(self) -> None:
        """Let go of what the runtime holds."""

    def encode(self, images: Any) -> NDArray[Any]:
        """Return images (as `preprocess.as_batch` takes them) in the input's own dtype, [N,H,W,C].

        Raises:
            InputError: another shape, dtype or range.
        """
        return self.encode_batch(as_batch(images, self.image_shape))

    def decode(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Return what `invoke` gave as float32 probabilities, [N,K]."""
        if self.output.quant is None:
            return raw.astype(np.float32, copy=False)
        return dequantize(raw, self.output.quant)

    def invoke(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Run the runtime on its own dtypes and return the raw output, [N,K]; the caller owns it.

        Args:
            raw: [N,H,W,C] in the dtype of `input`, N at least 1 (and at most `max_batch`).

        Raises:
            InputError: another shape or dtype.
            ModelError: the backend is closed, or the runtime fails.
        """
        if raw.dtype != self.input.dtype or raw.shape[1:] != self.image_shape or not len(raw):
            raise InputError(
                f"raw input is {raw.dtype} {list(raw.shape)}; "
                f"wanted {self.input.dtype} [N,{','.join(map(str, self.image_shape))}]"
            )
        with self._lock:
            if self._closed:
                raise ModelError("this model was closed; open it again")
            try:
                return self._run(raw)
            except MnistEdgeError:
                raise
            except Exception as error:
                raise ModelError(f"{self.runtime} failed: {first_line(error)}") from error

    def infer(self, images: Any) -> NDArray[np.float32]:
        """Return float32 probabilities [N,K] for images; the caller owns the array.

        Args:
            images: uint8 or float32, as `preprocess.as_batch` takes them. No image gives [0,K].

        Raises:
            InputError: another shape, dtype or range.
            ModelError: the backend is closed, or the runtime fails.
        """
        batch = as_batch(images, self.image_shape)
        found = np.empty((len(batch), self.classes), np.float32)
        step = self.max_batch or CHUNK
        for start in range(0, len(batch), step):
            raw = self.invoke(self.encode_batch(batch[start : start + step]))
            found[start : start + step] = self.decode(raw)
        return found

    def close(self) -> None:
        """Let go of the model; a second call does nothing."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or its type where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


def _image_shape(spec: TensorSpec, path: Path) -> tuple[int, int, int]:
    shape = spec.shape
    if len(shape) == 4 and shape[0] in (None, 1) and None not in shape[1:]:
        return tuple(int(size or 0) for size in shape[1:])  # type: ignore[return-value]
    raise ModelError(
        f"{path} takes {_shown(shape)}; wanted images [N,height,width,channels] with N of 1 or any"
    )


def _classes(spec: TensorSpec, path: Path) -> int:
    shape = spec.shape
    if len(shape) == 2 and shape[1] is not None and shape[1] >= 2:
        return shape[1]
    raise ModelError(f"{path} gives {_shown(shape)}; wanted probabilities [N,classes]")


def _shown(shape: tuple[int | None, ...]) -> str:
    return "[" + ",".join("?" if size is None else str(size) for size in shape) + "]"

"""What every runtime has in common: the base checks and converts, a runtime's file only runs."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mnist_edge.backends import lifetime
from mnist_edge.errors import InputError, ModelError, SettingError
from mnist_edge.preprocess import Encoder, as_batch
from mnist_edge.quantize import TensorSpec, dequantize

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

CHUNK = 64  # images a call when many are given: enough to be quick, small enough for the cache
MOST_THREADS = 1024
BYTE = np.dtype(np.uint8)
MOST_VALUES = 1 << 24  # of an image: 4096 by 4096 grey pixels
MOST_CLASSES = 1 << 16
MOST_CHANNELS = 4  # of a picture: more in the last place, and as few in the first, are the sides


class Backend(lifetime.Opened):
    """One model opened by one runtime.

    A runtime is a subclass that opens (`_open`), runs (`_run`) and lets go (`_close`). It may be
    used from several threads: unless the runtime is `thread_safe` itself, a lock stands around it.
    Pickled, it travels with the model's bytes and is opened anew where it arrives.

    Attributes:
        formats: model formats that the runtime opens.
        thread_safe: `_run` may be called from several threads at once. `threads` chunks of a
            batch are then run side by side.
        survives_fork: a child process that was forked may open the model anew, and does.
        max_batch: images that one `_run` can take; None for any number.
        runtime: the runtime's name.
        threads: as it was opened with.
        passed_over: of the runtimes that come before this one, why each was not taken; empty
            where one was named.
        input: the tensor that `invoke` takes, [N,H,W,C].
        output: the tensor that `invoke` returns, [N,K].
        image_shape: height, width and channels of an image.
        classes: how many probabilities an image gets.
    """

    formats: ClassVar[tuple[str, ...]]
    thread_safe: ClassVar[bool] = False
    survives_fork: ClassVar[bool] = False
    max_batch: int | None = None
    why_passed_over: Callable[[], tuple[str, ...]] = tuple  # set by who chose this runtime

    def __init__(self, runtime: str, path: Path, content: bytes, threads: int = 1) -> None:
        """Open a model.

        Args:
            runtime: the name under which this runtime was chosen.
            path: where the model came from, for messages; it need not be there (any more).
            content: the file's bytes.
            threads: images that may be worked on side by side, 1 to 1024.

        Raises:
            ModelError: the runtime refuses the model, or it is not an image classifier.
            SettingError: threads out of that range.
        """
        whole = isinstance(threads, (int, np.integer)) and not isinstance(threads, bool)
        if not (whole and 1 <= threads <= MOST_THREADS):
            raise SettingError(f"threads is {threads!r}; wanted a number of 1 to {MOST_THREADS}")
        super().__init__(runtime, path, content, int(threads))
        self.image_shape = _image_shape(self.input, path)
        self.classes = _classes(self.output, path)
        try:
            self.encode_batch = Encoder(self.input)
        except InputError as error:
            raise ModelError(f"{path}: {error}") from None
        self._dtype = np.dtype(self.input.dtype)
        self._batch_of_one, self._one_row = (1, *self.image_shape), (1, self.classes)
        self._plain = [self.image_shape]  # shapes of one image that need no further look
        if self.image_shape[2] == 1:
            self._plain.insert(0, self.image_shape[:2])  # type: ignore[arg-type]
        self._rehearse()

    @property
    def passed_over(self) -> tuple[str, ...]:
        """Of the runtimes that come before this one, why each was not taken, a line each.

        Empty where this one was asked for by name.
        """
        return self.why_passed_over()

    @abstractmethod
    def _run(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Run a checked batch in the input's dtype; return the output as an array of its own."""

    def _run_image(self, image: NDArray[np.uint8]) -> NDArray[Any]:
        """Run one checked uint8 image, [H,W] or [H,W,C]; return its raw output, [1,K].

        A runtime may have a quicker way.
        """
        return self._run(self.encode_batch(image.reshape(self._batch_of_one)))

    def encode(self, images: Any) -> NDArray[Any]:
        """Return images (as `preprocess.as_batch` takes them) in the input's own dtype, [N,H,W,C].

        Raises:
            InputError: another shape, dtype or range.
        """
        return self.encode_batch(as_batch(images, self.image_shape))

    def decode(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Return what `invoke` gave as float32 probabilities, [N,K].

        Raises:
            ModelError: some are not finite.
        """
        if self.output.quant is not None:
            return dequantize(raw, self.output.quant)
        found = raw.astype(np.float32, copy=False)
        if not np.isfinite(found).all():
            raise ModelError(NOT_FINITE.format(self._path))
        return found

    def invoke(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Run the runtime on its own dtypes and return the raw output, [N,K]; the caller owns it.

        Args:
            raw: [N,H,W,C] in the dtype of `input`, N at least 1 (and at most `max_batch`).

        Raises:
            InputError: another shape or dtype.
            ModelError: the backend is closed, or the runtime fails.
        """
        usual = isinstance(raw, np.ndarray) and raw.shape == self._batch_of_one
        if not (usual and raw.dtype == self._dtype):
            self._check_raw(raw)
        if self.thread_safe and self._alive == lifetime.forks:
            try:  # as _guarded, but for one call less
                found = self._run(raw)
            except Exception as error:
                self._fail(error)
        else:
            found = self._guarded(self._run, raw)
        if found.shape != (len(raw), self.classes):
            raise self._misshapen(found, len(raw))
        return found

    def _check_raw(self, raw: Any) -> None:
        wanted = f"wanted {self.input.dtype} [N,{','.join(map(str, self.image_shape))}]"
        if not isinstance(raw, np.ndarray):
            raise InputError(f"raw input is {type(raw).__name__}; {wanted}")
        if raw.dtype != self._dtype or raw.shape[1:] != self.image_shape or not len(raw):
            raise InputError(f"raw input is {raw.dtype} {shown(raw.shape)}; {wanted}")
        if len(raw) > CHUNK:
            self._room(len(raw))

    def infer_one(self, image: Any) -> NDArray[Any]:
        """Return the raw output [K] of one image, the quickest way there is; the caller owns it.

        Args:
            image: uint8 or float32, as `preprocess.as_batch` takes it.

        Raises:
            InputError: another shape, dtype or range, or several images.
            ModelError: the backend is closed, or the runtime fails.
        """
        if (
            type(image) is np.ndarray
            and image.dtype is BYTE
            and image.shape in self._plain  # the usual image; all others are looked at closely
        ):
            if self.thread_safe and self._alive == lifetime.forks:
                try:  # as _guarded, but for one call less
                    found = self._run_image(image)
                except Exception as error:
                    self._fail(error)
            else:
                found = self._guarded(self._run_image, image)
        else:
            batch = as_batch(image, self.image_shape, single=True)
            if batch.dtype == BYTE:
                found = self._guarded(self._run_image, batch)
            else:
                found = self._guarded(self._run, self.encode_batch(batch))
        if found.shape != self._one_row:
            raise self._misshapen(found, 1)
        row: NDArray[Any] = found[0]
        return row

    def infer(self, images: Any) -> NDArray[np.float32]:
        """Return float32 probabilities [N,K] for images; the caller owns the array.

        Args:
            images: uint8 or float32, as `preprocess.as_batch` takes them. No image gives [0,K].

        Raises:
            InputError: another shape, dtype or range.
            ModelError: the backend is closed, or the runtime fails, or gives what is not finite.
        """
        batch = as_batch(images, self.image_shape)
        found = self._room(len(batch))
        step = min(self.max_batch or CHUNK, CHUNK)
        workers = max(1, min(self.threads, -(-len(batch) // step))) if self.thread_safe else 1

        def work(worker: int) -> None:
            for start in range(worker * step, len(batch), workers * step):
                part = slice(start, start + step)
                found[part] = self.decode(self.invoke(self.encode_batch(batch[part])))

        if workers > 1:
            from concurrent.futures import ThreadPoolExecutor  # 5 ms, not for those with one thread

            with ThreadPoolExecutor(workers) as pool:
                list(pool.map(work, range(workers)))
        else:
            work(0)
        return found

    def _room(self, images: int) -> NDArray[np.float32]:
        """Return room for the answers, or say that there is none: a view may have no end."""
        try:
            return np.empty((images, self.classes), np.float32)
        except MemoryError:
            raise InputError(
                f"{images} images, whose answers memory does not hold: give fewer at a time"
            ) from None

    def _misshapen(self, found: NDArray[Any], images: int) -> ModelError:
        return ModelError(
            f"{self._path} gave {shown(found.shape)} for {images} image(s); wanted "
            f"[{images},{self.classes}]; the model is broken: export it anew"
        )

    def _rehearse(self) -> None:
        """Run a blank image: what comes out must be probabilities."""
        row = self.decode(self.infer_one(np.zeros(self.image_shape, np.uint8))[None])[0]
        total, least = float(row.sum()), float(row.min())
        step = self.output.quant.scale if self.output.quant else SUM_TOLERANCE / self.classes
        if abs(total - 1) > max(step * self.classes, SUM_TOLERANCE) or least < -step:
            raise ModelError(
                f"{self._path} gives numbers from {least:.3g} that sum to {total:.3g}; wanted "
                "probabilities, which sum to 1: end the network with a softmax, and export it anew"
            )


NOT_FINITE = "{} gives NaN or infinity; the model is broken: export it anew"
SUM_TOLERANCE = 0.02  # of probabilities; half-precision floats come within 0.01


def in_parts(run: Callable[[NDArray[Any]], NDArray[Any]], raw: NDArray[Any]) -> NDArray[Any]:
    """Run a batch [N,H,W,C] in parts of a power of two images, up to CHUNK; return [N,K].

    Whatever batch sizes are asked for, the runtime sees seven: what it keeps for each, an
    interpreter or a plan of its memory, stays bounded, and no image is computed in vain.
    """
    parts = []
    start = 0
    while start < len(raw):
        size = min(CHUNK, 1 << ((len(raw) - start).bit_length() - 1))
        parts.append(run(raw[start : start + size]))
        start += size
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _image_shape(spec: TensorSpec, path: Path) -> tuple[int, int, int]:
    shape = spec.shape
    if len(shape) == 4 and shape[0] in (None, 1) and None not in shape[1:]:
        height, width, channels = (int(size or 0) for size in shape[1:])
        if height <= MOST_CHANNELS < channels:  # what would be images 3 high in 96 channels
            raise ModelError(
                f"{path} takes {shown(shape)}, channels first; wanted [N,height,width,channels]: "
                "let the network begin by turning that round (in PyTorch, "
                "x.permute(0, 3, 1, 2)), and export it anew"
            )
        if min(height, width, channels) > 0 and height * width * channels <= MOST_VALUES:
            return height, width, channels
    raise ModelError(
        f"{path} takes {shown(shape)}; wanted images [N,height,width,channels] with N of 1 or any"
    )


def _classes(spec: TensorSpec, path: Path) -> int:
    shape = spec.shape
    if len(shape) == 2 and shape[1] is not None and 2 <= shape[1] <= MOST_CLASSES:
        return shape[1]
    raise ModelError(f"{path} gives {shown(shape)}; wanted probabilities [N,classes]")


def shown(shape: tuple[int | None, ...]) -> str:
    """Return a shape as messages have it, `[?,28,28,1]`; long ones are cut."""
    sizes = ["?" if size is None else str(size) for size in shape[:8]]
    return f"[{','.join(sizes)}{',...' if len(shape) > 8 else ''}]"

"""The only place where pixels become a model's input.

Training, calibration, bench and the device all come through here, so what a network learnt on is
what it is shown. An image is ink on paper as MNIST has it: bright on dark, uint8 0..255, or
float32 0..1 which means the same divided by 255.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.errors import InputError
from mnist_edge.quantize import quantize

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mnist_edge.quantize import TensorSpec

    Fill = Callable[[NDArray[np.uint8]], object]

IMAGE_SIZE = 28  # pixels a side of a digit
DIGIT_SHAPE = (IMAGE_SIZE, IMAGE_SIZE, 1)  # height, width, channels
BYTE = np.float32(255)
UNIT = np.arange(256, dtype=np.float32) / BYTE  # what each byte is as a real number
UNIT.flags.writeable = False


def to_unit(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return uint8 `images` of any shape as float32 in 0..1, a new contiguous array."""
    return np.divide(images, BYTE, dtype=np.float32, order="C")


def as_batch(images: Any, shape: tuple[int, int, int], *, single: bool = False) -> NDArray[Any]:
    """Return `images` as one batch [N, height, width, channels], checked; no copy if none is due.

    Args:
        images: one image or several: [H,W], [H,W,C], [N,H,W], [N,H,W,C] or a list of such
            images; uint8 in 0..255, or float32 in 0..1, which the Encoder looks at. The channel
            axis may be left out when there is one channel.
        shape: height, width and channels that the model takes.
        single: there must be one image.

    Raises:
        InputError: another shape, dtype or number of images, or masked pixels.
    """
    if isinstance(images, (list, tuple)):
        images = _one_kind(images, shape)
    if isinstance(images, np.ma.MaskedArray) and np.ma.is_masked(images):
        raise InputError("images with masked pixels; wanted all of them: use .filled(0)")
    try:
        batch = np.asarray(images)
    except ValueError:
        raise InputError(f"images of different shapes; wanted each {_wanted(shape)}") from None
    except Exception as error:  # an __array__ of somebody else's, such as a tensor's on a GPU
        raise InputError(
            f"{type(images).__name__} does not become an array ({type(error).__name__}); "
            f"wanted {_wanted(shape)} as a numpy array"
        ) from None
    if batch.dtype != np.uint8 and batch.dtype != np.float32:
        raise _of_another_dtype(batch, images)
    if batch.shape[-3:] == shape and batch.ndim in (3, 4):
        batch = batch[None] if batch.ndim == 3 else batch
    elif shape[2] == 1 and batch.shape[-2:] == shape[:2] and batch.ndim in (2, 3):
        batch = batch[None, ..., None] if batch.ndim == 2 else batch[..., None]
    else:
        raise InputError(f"images of shape {list(batch.shape)}; wanted {_wanted(shape)}")
    if single and len(batch) != 1:
        raise InputError(f"{len(batch)} images; wanted one: use probabilities() for any number")
    return batch


def _one_kind(images: Any, shape: tuple[int, int, int]) -> Any:
    """Return a list of images if they are of one dtype, none masked; an empty one as no images.

    Bytes among floats would be turned into floats: 1 would no longer be nearly black.
    """
    if not len(images):
        return np.empty((0, *shape), np.uint8)
    if any(isinstance(each, np.ma.MaskedArray) and np.ma.is_masked(each) for each in images):
        raise InputError("images with masked pixels; wanted all of them: use .filled(0)")
    dtypes = {str(each.dtype) for each in images if isinstance(each, np.ndarray)}
    if len(dtypes) > 1:
        raise InputError(
            f"images of dtypes {', '.join(sorted(dtypes))}; wanted one dtype in a list"
        )
    return images


def _of_another_dtype(batch: NDArray[Any], came: Any) -> InputError:
    """Return the error for what is neither uint8 nor float32, with what to do about it."""
    kind = batch.dtype.kind
    if not (isinstance(came, np.ndarray) or kind in "biuf"):
        return InputError(
            f"{type(came).__name__} is no image; wanted an array of dtype uint8 in 0..255 or "
            "float32 in 0..1"
        )
    remedy = {
        "f": "use .astype(numpy.float32)",
        "b": "use .astype(numpy.float32), which makes it 0 and 1",
        "i": "where it is 0..255, use .astype(numpy.uint8)",
        "u": "where it is 0..255, use .astype(numpy.uint8)",
    }
    what = f"images of dtype {batch.dtype}; wanted uint8 in 0..255 or float32 in 0..1"
    return InputError(f"{what}: {remedy.get(kind, 'give an array of numbers')}")


def _wanted(shape: tuple[int, int, int]) -> str:
    height, width, channels = shape
    last = "" if channels == 1 else f",{channels}"
    return f"[{height},{width}{last}] or [N,{height},{width}{last}]"


def _check_range(batch: NDArray[np.float32]) -> None:
    low, high = batch.min(), batch.max()
    if np.isnan(low):
        raise InputError("images with NaN; wanted float32 in 0..1")
    if low < 0 or high > 1:
        remedy = "divide by 255, or pass uint8" if high > 2 else "scale or clip it"
        raise InputError(f"float images from {low} to {high}; wanted 0..1: {remedy}")


class Encoder:
    """Turns checked images into the raw numbers that one model's input tensor takes.

    A byte has 256 values, so a quantized input is a table of 256 entries, made once from the
    model's own scale and zero point.
    """

    def __init__(self, spec: TensorSpec) -> None:
        """Prepare for the input tensor `spec`: [N,H,W,C], float32 or quantized.

        Raises:
            InputError: a dtype that is neither.
        """
        self._quant, self._dtype = spec.quant, np.dtype(spec.dtype)
        if self._quant is not None:
            self._table = quantize(UNIT, self._quant)
            self._bytes = self._table.tobytes() if self._dtype.itemsize == 1 else None
        elif spec.dtype != "float32":
            raise InputError(
                f"model input {spec.name!r} is {spec.dtype} without a scale; "
                "wanted float32 or quantized integers"
            )

    def __call__(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Return a batch from `as_batch` in the model's dtype, same shape, contiguous.

        float32 images for a float model are handed on without a copy where they are contiguous.

        Raises:
            InputError: NaN, or floats outside 0..1.
        """
        if batch.dtype == np.float32 and batch.size:
            _check_range(batch)
        if self._quant is None:
            return to_unit(batch) if batch.dtype == np.uint8 else np.ascontiguousarray(batch)
        if batch.dtype != np.uint8:
            return quantize(batch, self._quant)
        if self._bytes is None:
            return self._table.take(batch)
        mapped = np.frombuffer(batch.tobytes().translate(self._bytes), self._dtype)
        return mapped.reshape(batch.shape).copy()  # bytes cannot be written to; an array can

    def slot(self, shape: tuple[int, int, int]) -> tuple[NDArray[Any], Fill]:
        """Return an input array [1,H,W,C] and the function that fills it from one uint8 image.

        It is the quick way for one image after another: nothing is allocated. Whoever holds the
        pair owns it, and uses it from one thread at a time.

        Args:
            shape: height, width and channels of an image.
        """
        array = np.zeros((1, *shape), self._dtype)
        if self._quant is None:
            return array, lambda image: np.divide(image.reshape(array.shape), BYTE, out=array)
        table = self._bytes
        if table is None:
            wide = self._table
            # "clip" spares the check of each index; a byte is always one of 256
            return array, lambda image: wide.take(
                image.reshape(array.shape), out=array, mode="clip"
            )
        memory = array.view(np.uint8).reshape(-1).data

        def fill(image: NDArray[np.uint8]) -> None:
            memory[:] = image.tobytes().translate(table)

        return array, fill

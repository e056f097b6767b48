"""Affine quantization: how the integers of a tensor stand for real numbers.

    real = (q - zero_point) * scale           TensorFlow Lite quantization specification;
    q    = clip(rint(real / scale) + zero_point)     Jacob et al. 2018, arXiv:1712.05877, eq. 1

Numpy only, and no dataclass, here and in what else a device loads at each start: making one takes
0.4 ms, loading `dataclasses` 1.5 ms; together they were a twentieth of the time to a first answer.
Scales and zero points are always read from a model, never written by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mnist_edge.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Self

QUANTIZED_DTYPES = ("int8", "uint8", "int16")


class _QuantParams(NamedTuple):
    scale: float
    zero_point: int
    dtype: str


class QuantParams(_QuantParams):
    """The scale and zero point of one tensor (per tensor, as at the edges of a model).

    Attributes:
        scale: size of one step in real units; finite and above 0.
        zero_point: the integer that stands for 0.0; within the range of `dtype`.
        dtype: `int8`, `uint8` or `int16`.

    Raises:
        InputError: a scale, zero point or dtype outside those ranges.
    """

    __slots__ = ()

    def __new__(cls, scale: float, zero_point: int, dtype: str) -> Self:
        """Check the three and join them."""
        self = super().__new__(cls, scale, zero_point, dtype)
        if self.dtype not in QUANTIZED_DTYPES:
            raise InputError(
                f"quantized dtype is {self.dtype!r}; wanted one of {', '.join(QUANTIZED_DTYPES)}"
            )
        if not (np.isfinite(self.scale) and self.scale > 0):
            raise InputError(f"quantization scale is {self.scale}; wanted a finite number above 0")
        low, high = self.limits
        if not low <= self.zero_point <= high:
            raise InputError(
                f"zero point is {self.zero_point}; wanted {low}..{high} for {self.dtype}"
            )
        return self

    @property
    def limits(self) -> tuple[int, int]:
        """The least and the greatest integer of `dtype`."""
        info = np.iinfo(self.dtype)
        return int(info.min), int(info.max)


class TensorSpec(NamedTuple):
    """A tensor at the edge of a model: what it is called and how its numbers are read.

    Attributes:
        name: as the model's file has it.
        shape: one entry a dimension; None where any size is taken.
        dtype: numpy name of the stored type, such as `float32` or `int8`.
        quant: how integers stand for real numbers; None for a float tensor.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    quant: QuantParams | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the tensor as a manifest writes it."""
        quant = self.quant
        return {
            "name": self.name,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "scale": None if quant is None else quant.scale,
            "zero_point": None if quant is None else quant.zero_point,
        }


def quantize(values: NDArray[Any], params: QuantParams) -> NDArray[Any]:
    """Return `values` (real numbers, any shape) as integers of `params.dtype`, a new array.

    Rounds half to even and clips to the dtype's range.

    Raises:
        InputError: NaN among the values.
    """
    steps = np.rint(np.asarray(values, np.float64) / params.scale) + params.zero_point
    if np.isnan(steps).any():
        raise InputError("cannot quantize NaN; wanted finite numbers")
    low, high = params.limits
    found: NDArray[Any] = np.clip(steps, low, high).astype(params.dtype)
    return found


def dequantize_one(value: int, params: QuantParams) -> float:
    """Return one integer as the real number that `dequantize` gives, as a Python float."""
    return float(np.float32(value - params.zero_point) * np.float32(params.scale))


def least_at(value: float, params: QuantParams) -> int:
    """Return the least integer that stands for `value` or more, as `dequantize_one` has it.

    It is one past the greatest integer of the dtype where none stands for so much: whatever
    `value` is, an integer q is below what is returned where `dequantize_one(q)` is below `value`,
    and nowhere else.
    """
    from bisect import bisect_left  # not loaded for those who do not ask

    low, high = params.limits
    steps = range(low, high + 1)
    return low + bisect_left(steps, value, key=lambda step: dequantize_one(step, params))


def dequantize(values: NDArray[Any], params: QuantParams) -> NDArray[np.float32]:
    """Return integers (any shape) as float32 real numbers, a new array."""
    # Widened first: int8 minus a zero point does not fit int8.
    steps = np.asarray(values).astype(np.int32) - params.zero_point
    return np.multiply(steps, np.float32(params.scale), dtype=np.float32)

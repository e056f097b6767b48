"""The tensors of a TensorFlow Lite file: each in agreement with itself and with its data."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from struct import unpack
from typing import Any

from mnist_edge.structure.parts import MOST_BYTES, Port, named
from mnist_edge.structure.tensors import MOST_DIMENSIONS, MOST_VALUES, Shape, Wrong, said
from mnist_edge.structure.tflite_schema import TYPES

BITS = {
    "float64": 64, "int64": 64, "uint64": 64,
    "float32": 32, "int32": 32, "uint32": 32,
    "float16": 16, "bfloat16": 16, "int16": 16, "uint16": 16,
    "int8": 8, "uint8": 8, "bool": 8, "int4": 4, "uint4": 4, "int2": 2,
}  # fmt: skip
LEAST_SCALE, MOST_SCALE = 1e-30, 1e30  # LiteRT 2.3 has crashed over 1e-38
ZERO_POINTS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


@dataclass(slots=True)
class Tensor:
    """A tensor as the file states it.

    Attributes:
        name: as in the file.
        shape: its size for one image.
        free: whether the size may be another, for each dimension.
        dtype: numpy's name for its type, or one like it.
        data: a constant's bytes; None for what is computed.
        scales: none, one, or one for each slice along `axis`.
        axis: the dimension that several scales belong to.
        variable: whether it keeps its numbers from one run to the next.
        top_scale: the highest scale; 0 where there is none.
    """

    name: str
    shape: Shape
    free: tuple[bool, ...]
    dtype: str
    data: memoryview | None
    scales: tuple[float, ...]
    axis: int
    variable: bool
    top_scale: float = field(init=False)

    def __post_init__(self) -> None:
        self.top_scale = max(self.scales, default=0.0)

    @property
    def port(self) -> Port:
        """What the file says of it as an input or output."""
        shape = zip(self.shape, self.free, strict=True)
        return Port(self.name, tuple(None if free else size for size, free in shape), self.dtype)

    def values(self) -> tuple[int, ...] | None:
        """Return a constant's integers; None where they are computed.

        Raises:
            Wrong: no integers, or more than a shape or an order can have.
        """
        code = {"int32": "i", "int64": "q"}.get(self.dtype)
        if self.data is None:
            return None
        if code is None or prod(self.shape) > MOST_VALUES:
            raise Wrong(f"takes {said(self.shape)} {self.dtype} for a shape, axes or an order")
        return unpack(f"<{prod(self.shape)}{code}", self.data)


def tensor(table: dict[str, Any], buffers: list[memoryview | None]) -> Tensor:
    """Return a tensor of the file, checked by itself.

    Raises:
        Wrong: its shape, type, data or quantization do not agree, or none should be so.
    """
    number = table["type"]
    dtype = TYPES[number] if 0 <= number < len(TYPES) else f"type {number}"
    if dtype not in BITS:
        raise Wrong(f"has {dtype} elements, which no image classifier needs")
    if table["sparsity"] or table["variant_tensors"] or table["external_buffer"]:
        raise Wrong("is sparse, or lies in another file, which is not read")
    shape = table["shape"] or ()
    signature = table["shape_signature"] or shape
    if len(shape) > MOST_DIMENSIONS or len(signature) != len(shape):
        raise Wrong(f"has {len(shape)} dimensions and a signature of {len(signature)}")
    if min(shape, default=1) < 0 or any(
        known not in (-1, size) for known, size in zip(signature, shape, strict=True)
    ):
        raise Wrong(f"has the shape {said(shape)} and the signature {said(signature)}")
    size = (prod(shape) * BITS[dtype] + 7) // 8
    if size > MOST_BYTES:
        raise Wrong(f"has the shape {said(shape)}, {size / 2**30:.0f} GiB")
    if not table["buffer"] < len(buffers):
        raise Wrong(f"takes buffer {table['buffer']} of {len(buffers)}")
    data = buffers[table["buffer"]]
    if data is not None and (table["is_variable"] or len(data) != size):
        raise Wrong(f"has {len(data)} bytes of data; its shape {said(shape)} takes {size}")
    quant = table["quantization"] or {}
    free = tuple(known == -1 for known in signature)
    scales, axis = _scales(quant, shape, dtype, data is not None)
    name = named(table["name"])
    return Tensor(name, shape, free, dtype, data, scales, axis, table["is_variable"])


def _scales(
    quant: dict[str, Any], shape: Shape, dtype: str, constant: bool
) -> tuple[tuple[float, ...], int]:
    """Return the scales and the dimension they belong to."""
    scales, zeros = quant.get("scale") or (), quant.get("zero_point") or ()
    axis = quant.get("quantized_dimension", 0)
    if quant.get("details_type"):
        raise Wrong("is quantized by blocks or by a way of its own, which small runtimes lack")
    if not all(LEAST_SCALE < scale < MOST_SCALE for scale in scales):
        raise Wrong(f"has a scale that is not within {LEAST_SCALE}..{MOST_SCALE}")
    if len(zeros) not in ({0, 1, len(scales)} if scales else {0, 1}):
        raise Wrong(f"has {len(scales)} scales and {len(zeros)} zero points")
    low, high = ZERO_POINTS.get(dtype, (0, 0))
    if zeros and not low <= min(zeros) <= max(zeros) <= high:
        raise Wrong(f"has zero points {min(zeros)}..{max(zeros)}; {dtype} takes {low}..{high}")
    if len(scales) > 1:
        if not (constant and 0 <= axis < len(shape) and shape[axis] == len(scales)):
            raise Wrong(
                f"has {len(scales)} scales along dimension {axis} of {said(shape)}"
                f"{'' if constant else ', and is computed'}"
            )
    elif not 0 <= axis < max(len(shape), 1):
        raise Wrong(f"is quantized along dimension {axis} of {said(shape)}")
    return scales, axis

"""The constants of an ONNX file: each with as much data as its shape takes, in the file itself."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from struct import unpack
from typing import Any, NamedTuple

from mnist_edge.structure.parts import MOST_BYTES
from mnist_edge.structure.tensors import MOST_RANK, MOST_VALUES, Shape, Wrong, said


class Type(NamedTuple):
    """A type of elements.

    Attributes:
        name: numpy's name for it, or one like it.
        bits: that an element takes.
        field: where a file has the numbers that are not in `raw_data`.
    """

    name: str
    bits: int
    field: str


# By number, as in the format's description; text and complex numbers are no image classifier's.
TYPES = {
    1: Type("float32", 32, "float_data"), 2: Type("uint8", 8, "int32_data"),
    3: Type("int8", 8, "int32_data"), 4: Type("uint16", 16, "int32_data"),
    5: Type("int16", 16, "int32_data"), 6: Type("int32", 32, "int32_data"),
    7: Type("int64", 64, "int64_data"), 9: Type("bool", 8, "int32_data"),
    10: Type("float16", 16, "int32_data"), 11: Type("float64", 64, "double_data"),
    12: Type("uint32", 32, "uint64_data"), 13: Type("uint64", 64, "uint64_data"),
    16: Type("bfloat16", 16, "int32_data"), 17: Type("float8e4m3fn", 8, "int32_data"),
    18: Type("float8e4m3fnuz", 8, "int32_data"), 19: Type("float8e5m2", 8, "int32_data"),
    20: Type("float8e5m2fnuz", 8, "int32_data"), 21: Type("uint4", 4, "int32_data"),
    22: Type("int4", 4, "int32_data"),
}  # fmt: skip
FIELDS = ("float_data", "int32_data", "int64_data", "double_data", "uint64_data")


@dataclass(slots=True)
class Constant:
    """A tensor whose numbers are in the file.

    Attributes:
        shape: its size.
        dtype: of its elements.
        raw: its bytes, where the file has them so.
        listed: its numbers, where the file has them one by one.
    """

    shape: Shape
    dtype: str
    raw: memoryview | None
    listed: list[Any]

    def values(self, codes: dict[str, str]) -> tuple[Any, ...]:
        """Return a constant's numbers, as many as a shape or an order can have.

        Args:
            codes: the types that they may have, with their codes of `struct`.

        Raises:
            Wrong: more than that, or of another type.
        """
        code = codes.get(self.dtype)
        if code is None or prod(self.shape) > MOST_VALUES:
            raise Wrong(f"takes {said(self.shape)} {self.dtype} for a shape, axes or an order")
        if self.raw is None:
            return tuple(self.listed)
        return unpack(f"<{prod(self.shape)}{code}", self.raw)


class Taken(NamedTuple):
    """What a node takes.

    Attributes:
        settings: its attributes.
        shapes: of its inputs; None where not known.
        constants: its inputs whose numbers are in the file; None for others.
        opset: version of the operator set.
    """

    settings: dict[str, Any]
    shapes: list[Shape | None]
    constants: list[Constant | None]
    opset: int

    def shape(self, place: int) -> Shape | None:
        """Return an input's shape; None where it is absent or not known."""
        return self.shapes[place] if place < len(self.shapes) else None

    def numbers(self, place: int, name: str = "") -> tuple[int, ...] | None:
        """Return the integers of an input, or of the setting that older operators have for it.

        Raises:
            Wrong: they are no integers, or more than a shape or an order can have.
        """
        row = self.constants[place] if place < len(self.constants) else None
        if row is not None:
            return row.values({"int32": "i", "int64": "q"})
        return self._set(name)

    def ratios(self, place: int, name: str = "") -> tuple[float, ...] | None:
        """Return the real numbers of an input or setting, in the same way."""
        row = self.constants[place] if place < len(self.constants) else None
        if row is not None:
            return row.values({"float32": "f"})
        return self._set(name)

    def _set(self, name: str) -> tuple[Any, ...] | None:
        numbers = self.settings.get(name)
        if numbers is not None and len(numbers) > MOST_VALUES:
            raise Wrong(f"has {len(numbers)} {name}; wanted at most {MOST_VALUES}")
        return None if numbers is None else tuple(numbers)


def constant(table: dict[str, Any]) -> Constant:
    """Return a constant of the file, checked by itself.

    Raises:
        Wrong: its shape, type and data do not agree, or the data is elsewhere.
    """
    if table["external_data"] or table["data_location"] or table["segment"] is not None:
        raise Wrong("lies in another file, which is not read")
    kind, shape = TYPES.get(table["data_type"] or 0), tuple(table["dims"])
    if kind is None or table["string_data"]:
        raise Wrong(f"has elements of type {table['data_type']}, which no image classifier needs")
    if len(shape) > MOST_RANK:
        raise Wrong(f"has {len(shape)} dimensions; wanted at most {MOST_RANK}")
    count = prod(shape)
    if min(shape, default=1) < 0 or count * kind.bits > MOST_BYTES * 8:
        raise Wrong(f"has the shape {said(shape)}")
    raw, listed = table["raw_data"], table[kind.field]
    if any(table[field] for field in FIELDS if field != kind.field) or (listed and raw):
        raise Wrong("has its data in two places")
    size = (count * kind.bits + 7) // 8
    # Two numbers of 4 bits share one of the list; raw data packs them as well.
    wanted = size if kind.bits < 8 else count
    if listed or raw is None:
        if len(listed) != wanted:
            raise Wrong(f"has {len(listed)} numbers; its shape {said(shape)} takes {wanted}")
        return Constant(shape, kind.name, None, listed)
    if len(raw) != size:
        raise Wrong(f"has {len(raw)} bytes; its shape {said(shape)} takes {size}")
    return Constant(shape, kind.name, raw, [])

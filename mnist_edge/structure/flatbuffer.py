"""Reading a flatbuffer so that no offset, length or count within can lead outside of it.

The layout is that of the FlatBuffers internals page: little-endian; a table begins with the
distance back to its vtable (int32); the vtable holds its own size, the table's size and one
distance a field (uint16 each, 0 for an absent field); strings, vectors and sub-tables are
reached by a distance forward (uint32); a vector begins with its count (uint32).
"""

from __future__ import annotations

from functools import cache
from struct import Struct, unpack
from typing import Any

from mnist_edge.structure.parts import MOST_ITEMS, TABLE, Reader

SCALARS = {
    "bool": Struct("<?"), "i8": Struct("<b"), "u8": Struct("<B"), "u16": Struct("<H"),
    "i32": Struct("<i"), "u32": Struct("<I"), "f32": Struct("<f"),
    "i64": Struct("<q"), "u64": Struct("<Q"),
}  # fmt: skip
DISTANCE, BACK = SCALARS["u32"], SCALARS["i32"]
SLOTS = tuple(Struct(f"<{count}H") for count in range(64))  # more than any table has


@cache
def layout(fields: str) -> tuple[tuple[str, str, Struct | None, Any], ...]:
    """Return a table's fields, written `name:kind` or `name:kind=default`, ready for reading.

    A kind is a scalar (see SCALARS), `string`, `bytes`, the name of a table, one of these in
    brackets for a vector, or `union`: the table called by the field's name and the number that
    the field before it holds.
    """
    rows = []
    for field in fields.split():
        name, _, kind = field.partition(":")
        kind, _, default = kind.partition("=")
        scalar = SCALARS.get(kind)
        rows.append((name, kind, scalar, int(default or 0) if scalar else None))
    return tuple(rows)


class Flatbuffer(Reader):
    """One flatbuffer; `table` reads a table and all that hangs on it.

    Args:
        content: the whole file.
        where: what messages call it.
        tables: the fields of each table by its name, as `layout` takes them. Of a table that is
            not among them no field is read: it is only found to lie within the file.
    """

    def __init__(self, content: bytes, where: str, tables: dict[str, str]) -> None:
        self._content, self._where, self._tables = content, where, tables
        self._left = MOST_ITEMS

    def root(self, name: str) -> dict[str, Any]:
        """Return the table that the file begins with, by its fields' names.

        An absent scalar has its default, anything else that is absent is None. Vectors of
        numbers are tuples, strings bytes, `bytes` a view of the file.

        Raises:
            ModelError: anything lies outside of the file, or crosswise.
        """
        return self._table(self._follow(0, name), name)

    def _unpack(self, packed: Struct, at: int, what: str) -> tuple[Any, ...]:
        if at < 0 or at + packed.size > len(self._content):
            self._fail(f"{what} lies at byte {at} of {len(self._content)}")
        return packed.unpack_from(self._content, at)

    def _follow(self, at: int, what: str) -> int:
        """Return where the distance at `at` leads."""
        distance = int(self._unpack(DISTANCE, at, f"the distance to {what}")[0])
        if not distance:
            self._fail(f"{what} is at no distance")
        return at + distance

    def _table(self, at: int, name: str) -> dict[str, Any]:
        self._count(TABLE)
        content = self._content
        if at % 4:
            self._fail(f"{name} begins at byte {at}, which 4 does not divide")
        vtable = at - self._unpack(BACK, at, name)[0]
        header = self._unpack(SLOTS[2], vtable, f"the vtable of {name}")
        vtable_size, size = header
        if vtable % 2 or vtable_size % 2 or vtable_size < 4 or size < 4:
            self._fail(f"the vtable of {name} has sizes {vtable_size} and {size}")
        if vtable + vtable_size > len(content) or at + size > len(content):
            self._fail(f"{name} at byte {at} ends after the file's {len(content)}")
        fields = layout(self._tables.get(name, ""))
        known = min((vtable_size - 4) // 2, len(fields))
        slots = SLOTS[known].unpack_from(content, vtable + 4)
        found: dict[str, Any] = {}
        for place, (field, kind, scalar, default) in enumerate(fields):
            slot = slots[place] if place < known else 0
            if not slot:
                found[field] = default
                continue
            width = scalar.size if scalar else 4
            if slot < 4 or slot + width > size or (at + slot) % width:
                self._fail(f"{field} of {name} is {slot} bytes into its {size}")
            if scalar:
                found[field] = scalar.unpack_from(content, at + slot)[0]
            else:
                below = self._follow(at + slot, f"{field} of {name}")
                if kind == "union":
                    kind = f"{field} {found[field + '_type']}"
                found[field] = self._value(below, kind, f"{field} of {name}")
        return found

    def _value(self, at: int, kind: str, what: str) -> Any:
        if kind == "string":
            text = bytes(self._raw(at, 1, what, end=1))
            self._count(len(text) // 16)
            return text
        if kind == "bytes":
            return self._raw(at, 1, what)
        if kind[0] != "[":
            return self._table(at, kind)
        inner = kind[1:-1]
        scalar = SCALARS.get(inner)
        data = self._raw(at, scalar.size if scalar else 4, what)
        if scalar:
            self._count(len(data) // scalar.size)
            return unpack(f"<{len(data) // scalar.size}{scalar.format[1:]}", data)
        return [
            self._value(self._follow(place, what), inner, what)
            for place in range(at + 4, at + 4 + len(data), 4)
        ]

    def _raw(self, at: int, width: int, what: str, end: int = 0) -> memoryview:
        """Return the bytes of a vector whose items are `width` wide, `end` zeros after them."""
        if at % 4 or (at + 4) % width:
            self._fail(f"{what} begins at byte {at}, crosswise")
        count = int(self._unpack(DISTANCE, at, what)[0])
        stop = at + 4 + count * width
        if stop + end > len(self._content):
            self._fail(f"{what} ends at byte {stop} of {len(self._content)}")
        if end and self._content[stop]:
            self._fail(f"{what} is a text without an end")
        return memoryview(self._content)[at + 4 : stop]

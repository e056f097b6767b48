"""Reading protocol buffers so that no length or count within can lead outside of the file.

The layout is that of the Protocol Buffers encoding page: a message is a row of fields; each begins
with a varint of its number and its wire type: 0 a varint, 1 eight bytes, 2 a length and as many
bytes, 5 four bytes. A varint has seven bits a byte, the lowest first.
"""

from __future__ import annotations

from struct import unpack
from typing import Any

from mnist_edge.structure.parts import MOST_ITEMS, TABLE, Reader

MOST_VARINT = 10  # bytes that 64 bits take
VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5
MOST_DEPTH = 32  # of messages in messages: three times what a model without bodies has
# The wire type of a kind; a kind of text that is not here is a message's name.
KINDS = {"int": VARINT, "float": FOUR, "double": EIGHT, "bytes": BYTES}
NUMBERS = {"float": ("f", 4), "double": ("d", 8)}

Fields = dict[int, tuple[str, str, bool]]


def layout(text: str) -> Fields:
    """Return a message's fields from `number:name:kind` words; a kind in brackets is repeated.

    A kind is `int` (any integer), `float`, `double`, `bytes` (text as well) or another message.
    """
    rows: Fields = {}
    for word in text.split():
        number, name, kind = word.split(":")
        rows[int(number)] = (name, kind.strip("[]"), kind[0] == "[")
    return rows


class Protobuf(Reader):
    """One protocol buffer; `root` reads a message and all that it holds.

    Args:
        content: the whole file.
        where: what messages call it.
        messages: the fields of each message by its name. Other fields are passed over.
    """

    def __init__(self, content: bytes, where: str, messages: dict[str, Fields]) -> None:
        self._content, self._where, self._messages = content, where, messages
        self._left = MOST_ITEMS

    def root(self, name: str) -> dict[str, Any]:
        """Return the message that is the file, by its fields' names.

        Repeated fields are lists, absent ones empty; other absent fields are None. Integers are
        signed, as int64; `bytes` are views of the file.

        Raises:
            ModelError: anything is cut off, nested too deeply, or not as the format has it.
        """
        return self._message(0, len(self._content), name, 0)

    def _varint(self, at: int, stop: int) -> tuple[int, int]:
        """Return the number at `at`, without a sign, and where the next begins."""
        content, value = self._content, 0
        for place in range(at, min(stop, at + MOST_VARINT)):
            byte = content[place]
            value |= (byte & 0x7F) << 7 * (place - at)
            if byte < 0x80:
                return value & 0xFFFFFFFFFFFFFFFF, place + 1
        return self._fail(f"the number at byte {at} has no end")

    def _message(self, at: int, stop: int, name: str, depth: int) -> dict[str, Any]:
        fields = self._messages[name]
        found: dict[str, Any] = {
            field: [] if repeated else None for field, _, repeated in fields.values()
        }
        self._count(TABLE)
        if depth > MOST_DEPTH:
            self._fail(f"it holds messages {MOST_DEPTH} deep")
        while at < stop:
            self._count(4)
            key, after = self._varint(at, stop)
            number, wire = key >> 3, key & 7
            begin, end = self._extent(wire, after, stop, f"{name} at byte {at}")
            if number in fields:
                field, kind, repeated = fields[number]
                value = self._value(wire, kind, repeated, begin, end, f"{field} of {name}", depth)
                if repeated:
                    found[field] += value
                elif found[field] is not None:
                    self._fail(f"{field} of {name} is there twice")
                else:
                    found[field] = value[0]
            at = end
        return found

    def _extent(self, wire: int, at: int, stop: int, what: str) -> tuple[int, int]:
        """Return where a field's content begins and ends."""
        if wire == VARINT:
            return at, self._varint(at, stop)[1]
        if wire == BYTES:
            length, at = self._varint(at, stop)
        elif wire in (EIGHT, FOUR):
            length = 8 if wire == EIGHT else 4
        else:
            self._fail(f"{what} has a field of wire type {wire}")
        if length > stop - at:
            self._fail(f"{what} has a field of {length} bytes where {stop - at} are left")
        return at, at + length

    def _value(
        self, wire: int, kind: str, repeated: bool, at: int, stop: int, what: str, depth: int
    ) -> list[Any]:
        wanted = KINDS.get(kind, BYTES)
        if wire != wanted and not (repeated and wire == BYTES and kind in ("int", *NUMBERS)):
            self._fail(f"{what} is of wire type {wire}; wanted {wanted}")
        if kind in NUMBERS:
            code, width = NUMBERS[kind]
            if (stop - at) % width:
                self._fail(f"{what} has {stop - at} bytes; {width} make a number")
            self._count((stop - at) // width)
            return list(unpack(f"<{(stop - at) // width}{code}", self._content[at:stop]))
        if kind == "int":
            numbers: list[int] = []
            while at < stop and len(numbers) <= self._left:
                number, at = self._varint(at, stop)
                numbers.append(number - (1 << 64) if number >> 63 else number)
            self._count(len(numbers))
            return numbers
        if kind == "bytes":
            return [memoryview(self._content)[at:stop]]
        return [self._message(at, stop, kind, depth + 1)]

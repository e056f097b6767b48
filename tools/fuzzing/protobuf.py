"""ONNX models taken apart into their fields, and put together again.

A protobuf message is a row of (tag, value); a tag is field number * 8 + wire type. The numbers
are those of onnx.proto3. Only what a mutation is to reach is taken apart.
"""

from __future__ import annotations

from typing import Any

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

# Field number -> (name, message within it; None for a plain value).
SCHEMA: dict[str, dict[int, tuple[str, str | None]]] = {
    "Model": {
        1: ("ir_version", None), 2: ("producer", None), 7: ("graph", "Graph"),
        8: ("opset", "Opset"), 14: ("metadata", "Pair"), 25: ("functions", "Function"),
    },
    "Opset": {1: ("domain", None), 2: ("version", None)},
    "Pair": {1: ("key", None), 2: ("value", None)},
    "Function": {1: ("name", None), 4: ("input", None), 5: ("output", None), 7: ("node", "Node")},
    "Graph": {
        1: ("node", "Node"), 2: ("name", None), 5: ("initializer", "Tensor"),
        11: ("input", "Value"), 12: ("output", "Value"), 13: ("value_info", "Value"),
        15: ("sparse", None),
    },
    "Node": {
        1: ("input", None), 2: ("output", None), 3: ("name", None), 4: ("op_type", None),
        5: ("attribute", "Attribute"), 7: ("domain", None),
    },
    "Attribute": {
        1: ("name", None), 2: ("f", None), 3: ("i", None), 4: ("s", None), 5: ("t", "Tensor"),
        6: ("g", "Graph"), 7: ("floats", None), 8: ("ints", None), 9: ("strings", None),
        20: ("type", None), 21: ("ref", None),
    },
    "Tensor": {
        1: ("dims", None), 2: ("data_type", None), 4: ("float_data", None),
        5: ("int32_data", None), 7: ("int64_data", None), 8: ("name", None),
        9: ("raw_data", None), 13: ("external", "Pair"), 14: ("location", None),
    },
    "Value": {1: ("name", None), 2: ("type", "Type")},
    "Type": {1: ("tensor", "TensorType"), 4: ("sequence", None), 5: ("map", None)},
    "TensorType": {1: ("elem", None), 2: ("shape", "Shape")},
    "Shape": {1: ("dim", "Dim")},
    "Dim": {1: ("value", None), 2: ("param", None)},
}  # fmt: skip


class Field:
    """One field of a message, taken apart where the schema knows it."""

    __slots__ = ("inside", "number", "value", "what", "wire")

    def __init__(self, number: int, wire: int, value: Any, what: str, inside: str | None) -> None:
        self.number, self.wire, self.value, self.what, self.inside = (
            number, wire, value, what, inside,
        )  # fmt: skip


def parse(content: bytes, message: str) -> list[Field]:
    """Return the fields of a whole, sound message."""
    found, at = [], 0
    while at < len(content):
        tag, at = _varint(content, at)
        number, wire = tag >> 3, tag & 7
        name, inside = SCHEMA[message].get(number, (f"field{number}", None))
        value: Any
        if wire == VARINT:
            value, at = _varint(content, at)
        elif wire == BYTES:
            size, at = _varint(content, at)
            value, at = content[at : at + size], at + size
        else:
            size = 8 if wire == FIXED64 else 4
            value, at = content[at : at + size], at + size
        if inside:
            value = parse(value, inside)
        found.append(Field(number, wire, value, f"{message}.{name}", inside))
    return found


def encode(message: list[Field]) -> bytes:
    """Return fields as protobuf writes them."""
    parts = []
    for field in message:
        parts.append(_as_varint(field.number << 3 | field.wire))
        if field.wire == VARINT:
            parts.append(_as_varint(field.value))
        elif field.wire == BYTES:
            value = encode(field.value) if field.inside else field.value
            parts += [_as_varint(len(value)), value]
        else:
            parts.append(field.value)
    return b"".join(parts)


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _as_varint(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    parts.append(value)
    return bytes(parts)

import struct
from math import prod
from pathlib import Path

import pytest

from mnist_edge.structure.flatbuffer import SCALARS, layout
from mnist_edge.structure.tflite_schema import TABLES

# pooled-int8.tflite and pooled-float32.onnx are an early `edge`, as export wrote it: a 5x5
# convolution of stride 2, two of 3x3, a pool, one of 3x3, the mean and a dense layer. Tests change
# them at places that they know, whatever network is shipped.
HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def int8_model():
    return (HERE / "pooled-int8.tflite").read_bytes()


@pytest.fixture(scope="session")
def onnx_model():
    return (HERE / "pooled-float32.onnx").read_bytes()


def number(content, at, code):
    return struct.unpack_from(code, content, at)[0]


def slot_of(content, table, place):
    """Where the vtable of a table has a field."""
    return table - number(content, table, "<i") + 4 + 2 * place


def locate(content, *path):
    """Where a flatbuffer has something, and its kind: fields by name, items by number; `slot`
    at the end for the field's place in the vtable, `count` for a vector's length."""
    at, kind = number(content, 0, "<I"), "Model"
    slot = None
    for step in path:
        if step == "slot":
            return slot, "u16"
        if step == "count":
            return at, "u32"
        if isinstance(step, int):
            kind = kind[1:-1]
            at += 4 + step * (SCALARS[kind].size if kind in SCALARS else 4)
        else:
            names = [row[0] for row in layout(TABLES[kind])]
            place = names.index(step)
            slot, table = slot_of(content, at, place), at
            assert number(content, slot, "<H"), f"{step} is not in the file"
            at, kind = at + number(content, slot, "<H"), layout(TABLES[kind])[place][1]
            if kind == "union":
                member = slot_of(content, table, place - 1)
                kind = f"{step} {content[table + number(content, member, '<H')]}"
        if kind not in SCALARS:
            at += number(content, at, "<I")
    return at, kind


@pytest.fixture(scope="session")
def located():
    return locate


@pytest.fixture(scope="session")
def patched():
    """A copy of a flatbuffer with one number changed: `patched(content, *path, value)`."""

    def patch(content, *path_and_value):
        *path, value = path_and_value
        at, kind = locate(content, *path)
        changed = bytearray(content)
        SCALARS[kind].pack_into(changed, at, value)
        assert bytes(changed) != content
        return bytes(changed)

    return patch


@pytest.fixture(scope="session")
def emptied():
    """A copy of a flatbuffer where the table at a path has no fields."""

    def empty(content, *path):
        at, _ = locate(content, *path)
        end = len(content)
        changed = bytearray(content + struct.pack("<HH", 4, 4))
        struct.pack_into("<i", changed, at, at - end)
        return bytes(changed)

    return empty


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def message(*fields):
    """A protocol buffer from (number, value) pairs."""
    out = b""
    for key, value in fields:
        if isinstance(value, float):
            out += varint(key << 3 | 5) + struct.pack("<f", value)
        elif isinstance(value, int):
            out += varint(key << 3) + varint(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            out += varint(key << 3 | 2) + varint(len(value)) + value
    return out


class Onnx:
    """Parts of an ONNX file, written by hand."""

    message = staticmethod(message)
    FLOAT, INT64 = 1, 7

    @staticmethod
    def value(name, shape, dtype=1):
        dims = [(1, message((2, side) if isinstance(side, str) else (1, side))) for side in shape]
        kind = message((1, message((1, dtype), (2, message(*dims)))))
        return message((1, name), (2, kind))

    @staticmethod
    def weights(name, shape, raw=None, dtype=1, *more):
        raw = bytes(4 * prod(shape)) if raw is None else raw
        return message(*((1, side) for side in shape), (2, dtype), (8, name), (9, raw), *more)

    @staticmethod
    def integers(name, *values):
        return Onnx.weights(name, [len(values)], struct.pack(f"<{len(values)}q", *values), 7)

    @staticmethod
    def setting(name, value):
        if isinstance(value, list):
            return message((1, name), *((8, number) for number in value), (20, 7))
        if isinstance(value, float):
            return message((1, name), (2, value), (20, 1))
        return message((1, name), (3, value), (20, 2))

    @staticmethod
    def node(kind, taken, given, *more, **settings):
        rows = [(5, Onnx.setting(name, value)) for name, value in settings.items()]
        return message(*((1, x) for x in taken), *((2, x) for x in given), (4, kind), *rows, *more)

    @staticmethod
    def model(nodes, weights=(), inputs=None, outputs=None, *more, opset=17, graph=(), ir=8):
        inputs = [Onnx.value("x", ["N", 28, 28, 1])] if inputs is None else inputs
        outputs = [Onnx.value("y", ["N", 10])] if outputs is None else outputs
        parts = [(1, row) for row in nodes] + [(5, row) for row in weights]
        parts += [(11, row) for row in inputs] + [(12, row) for row in outputs]
        body = message((2, "graph"), *parts, *graph)
        return message((1, ir), (7, body), (8, message((2, opset))), *more)


@pytest.fixture(scope="session")
def made():
    return Onnx

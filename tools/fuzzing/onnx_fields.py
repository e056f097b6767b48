"""Damage to ONNX models that knows their fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fuzzing.damage import EXTREMES
from fuzzing.protobuf import BYTES, VARINT, Field, encode, parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

# Operators with bodies, with outputs as large as an input says, of no standard, of none at all.
OPERATORS = (
    *("Loop", "If", "Scan", "Resize", "Tile", "Expand", "ConstantOfShape", "Range", "Pad"),
    *("Conv", "ConvTranspose", "MaxPool", "MaxUnpool", "AveragePool", "GlobalAveragePool", "LSTM"),
    *("Gemm", "MatMul", "Softmax", "Transpose", "Reshape", "Gather", "ScatterND", "OneHot"),
    *("QuantizeLinear", "DequantizeLinear", "BatchNormalization", "Identity", "Concat", "Split"),
    *("RandomNormal", "StringNormalizer", "TfIdfVectorizer", "NonMaxSuppression", "Einsum"),
    *("Cast", "Squeeze", "Unsqueeze", "Slice", "TopK", "GridSample", "RoiAlign", "Nothing", ""),
)
# What a kernel computes addresses and sizes from.
TELLING = (
    *("Attribute.i", "Attribute.ints", "Attribute.name", "Node.op_type", "Node.input"),
    *("Tensor.dims", "Tensor.data_type", "Tensor.raw_data", "Tensor.int64_data", "Dim.value"),
)
TEXTS = (b"", b"\x00", b"\xff\xfe", b"a" * 5000, b"%s%n", b"../../x", b"two\nlines", b"images")
DOMAINS = (b"", b"ai.onnx", b"ai.onnx.ml", b"com.microsoft", b"nowhere", b"com.microsoft.nchwc")
PLACES = (b"/dev/zero", b"/etc/passwd", b"../../../etc/passwd", b"absent.bin", b"", b"a\x00b",
          b"*/_ORT_MEM_ADDR_/*")  # fmt: skip


class Spot(NamedTuple):
    """A field and the message that holds it."""

    parent: list[Field]
    field: Field


def onnx_damaged(random: Random, content: bytes, times: int) -> tuple[bytes, str]:
    """Return an ONNX model with fields made extreme, taken out, doubled, or set upon others.

    Each kind of field is as likely as any other, however often it occurs, but for the TELLING
    ones, which get half of all.
    """
    model = parse(content, "Model")
    words = []
    for _ in range(times):
        by_name: dict[str, list[Spot]] = {}
        for spot in _walk(model):
            by_name.setdefault(spot.field.what, []).append(spot)
        if by_name:
            names = sorted(by_name)
            if random.random() < 0.5:
                names = [name for name in names if name in TELLING] or names
            spot = random.choice(by_name[random.choice(names)])
            words.append(f"{spot.field.what}: {_change(random, spot, by_name)}")
    return encode(model), ", ".join(words)


def _change(random: Random, spot: Spot, by_name: dict[str, list[Spot]]) -> str:
    field = spot.field
    roll = random.random()
    if roll < 0.08:
        spot.parent.remove(field)
        return "taken out"
    if roll < 0.16:
        count = random.choice((1, 1, 2, 100))
        at = spot.parent.index(field)
        spot.parent[at:at] = [field] * count
        return f"doubled {count} times"
    if roll < 0.22:
        other = random.choice(by_name[random.choice(sorted(by_name))]).field
        if other.inside == field.inside and not _holds(other, field):
            field.value, field.wire = other.value, other.wire
            return f"made that of {other.what}"
    if field.what == "Tensor.raw_data" or (field.inside == "Tensor" and random.random() < 0.3):
        return _tensor(random, spot)
    if field.inside:
        kept = random.randrange(len(field.value) + 1)
        del field.value[kept:]
        return f"cut to {kept} fields"
    if field.wire == VARINT:
        near = (field.value + 1, field.value - 1, field.value * 2, random.randrange(32), -1)
        field.value = random.choice(EXTREMES if random.random() < 0.5 else near) % (1 << 64)
        return f"made {field.value}"
    if field.wire == BYTES:
        field.value = _text(random, field, by_name)
        return f"made {field.value[:40]!r} ({len(field.value)} bytes)"
    field.value = random.randbytes(len(field.value))
    return f"made {field.value.hex()}"


def _text(random: Random, field: Field, by_name: dict[str, list[Spot]]) -> bytes:
    if field.what == "Node.op_type" and random.random() < 0.8:
        return random.choice(OPERATORS).encode()
    if field.what.endswith(".domain") and random.random() < 0.8:
        return random.choice(DOMAINS)
    roll = random.random()
    if roll < 0.4:  # another field's text: names then refer to something else, or in a circle
        texts = [spot for spots in by_name.values() for spot in spots if spot.field.wire == BYTES]
        other = random.choice([spot.field for spot in texts if spot.field.inside is None])
        return bytes(other.value)
    if roll < 0.7:
        return random.choice(TEXTS)
    return bytes(field.value)[: random.randrange(len(field.value) + 1)]


def _tensor(random: Random, spot: Spot) -> str:
    """Lie about a tensor's data: too little, too much, none, or in a file elsewhere."""
    fields = spot.field.value if spot.field.inside == "Tensor" else spot.parent
    raw = [field for field in fields if field.what == "Tensor.raw_data"]
    if random.random() < 0.5:
        place = random.choice(PLACES)
        pairs = [(b"location", place)]
        for key in (b"offset", b"length"):
            if random.random() < 0.6:
                pairs.append((key, str(random.choice((-1, 0, 16, 1 << 31, 1 << 62))).encode()))
        for key, value in pairs:
            inside = [Field(1, BYTES, key, "Pair.key", None)]
            inside.append(Field(2, BYTES, value, "Pair.value", None))
            fields.append(Field(13, BYTES, inside, "Tensor.external", "Pair"))
        fields.append(Field(14, VARINT, 1, "Tensor.location", None))
        if random.random() < 0.7:
            fields[:] = [field for field in fields if field.what != "Tensor.raw_data"]
        return f"data at {place!r}"
    for field in raw:
        keep = random.randrange(len(field.value) + 1)
        field.value = random.choice((field.value[:keep], field.value + b"\x00" * 4096, b""))
    return f"data of {[len(field.value) for field in raw]} bytes"


def _holds(outer: Field, inner: Field) -> bool:
    return outer is inner or (
        outer.inside is not None and any(_holds(each, inner) for each in outer.value)
    )


def _walk(message: list[Field]) -> Iterator[Spot]:
    for field in message:
        yield Spot(message, field)
        if field.inside:
            yield from _walk(field.value)

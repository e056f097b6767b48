"""Damage to TensorFlow Lite models that knows where their fields lie.

A flatbuffer's table begins with the distance to its vtable; the vtable holds its own size, the
table's size, then for each field how far into the table it lies, 0 where the field is left out
(FlatBuffers internals). The fields and their order are those of TensorFlow Lite's schema.fbs.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from fuzzing.damage import extreme, extreme_float

if TYPE_CHECKING:
    from random import Random

# A field is a scalar (its size in bytes, or "float"), a table (its name), a vector ([of what]),
# or None: left alone.
SCHEMA: dict[str, dict[str, object]] = {
    "Model": {
        "version": 4, "operator_codes": ["OperatorCode"], "subgraphs": ["SubGraph"],
        "description": [1], "buffers": ["Buffer"], "metadata_buffer": [4],
        "metadata": ["Metadata"], "signature_defs": ["SignatureDef"],
    },
    "OperatorCode": {"deprecated_builtin_code": 1, "custom_code": [1], "version": 4, "builtin": 4},
    "SubGraph": {
        "tensors": ["Tensor"], "inputs": [4], "outputs": [4], "operators": ["Operator"],
        "name": [1],
    },
    "Tensor": {
        "shape": [4], "type": 1, "buffer": 4, "name": [1], "quantization": "Quantization",
        "is_variable": 1, "sparsity": None, "shape_signature": [4], "has_rank": 1,
    },
    "Quantization": {
        "min": ["float"], "max": ["float"], "scale": ["float"], "zero_point": [8],
        "details_type": 1, "details": None, "quantized_dimension": 4,
    },
    "Operator": {
        "opcode_index": 4, "inputs": [4], "outputs": [4], "builtin_options_type": 1,
        "builtin_options": "Options", "custom_options": [1], "custom_options_format": 1,
        "mutating_variable_inputs": [1], "intermediates": [4], "large_custom_options_offset": 8,
        "large_custom_options_size": 8,
    },
    "Options": {f"option{index}": 4 for index in range(8)},  # strides, padding, activation, ...
    "Buffer": {"data": [1], "offset": 8, "size": 8},
    "Metadata": {"name": [1], "buffer": 4},
    "SignatureDef": {
        "inputs": ["TensorMap"], "outputs": ["TensorMap"], "key": [1], "tag": None, "subgraph": 4,
    },
    "TensorMap": {"name": [1], "tensor": 4},
}  # fmt: skip


class Site(NamedTuple):
    """A number within a flatbuffer: what it is, where, and its size in bytes (or "float")."""

    what: str
    place: int
    size: object


def tflite_damaged(random: Random, content: bytes, times: int) -> tuple[bytes, str]:
    """Return a TensorFlow Lite model with fields made extreme, and in words which.

    Each kind of field is as likely as any other, however often it occurs.
    """
    by_name = _sites(content)
    found = bytearray(content)
    words = []
    for _ in range(times):
        site = random.choice(by_name[random.choice(sorted(by_name))])
        if site.size == "float":
            fresh = extreme_float(random)
        else:
            size = int(str(site.size))
            now = int.from_bytes(content[site.place : site.place + size], "little")
            fresh = extreme(random, size, now, len(content))
        found[site.place : site.place + len(fresh)] = fresh
        words.append(f"{site.what} at {site.place}: {fresh.hex()}")
    return bytes(found), ", ".join(words)


@lru_cache(maxsize=16)
def _sites(content: bytes) -> dict[str, list[Site]]:
    """Return every number of a whole model that says how the rest is read, by what it is."""
    walk = _Walk(content)
    walk.table("Model", walk.follow("Model", 0))
    return walk.found


class _Walk:
    """A walk through a sound model that notes what it passes."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.found: dict[str, list[Site]] = {}

    def follow(self, what: str, place: int) -> int:
        """Return where an offset leads to."""
        self._note(f"{what} (offset)", place, 4)
        return place + self._at(place)

    def table(self, name: str, start: int) -> None:
        """Pass a table and all that it holds."""
        vtable = start - self._at(start, "<i")
        self._note(f"{name} (vtable)", start, 4)
        self._note(f"{name} (vtable size)", vtable, 2)
        self._note(f"{name} (table size)", vtable + 2, 2)
        slots = (self._at(vtable, "<H") - 4) // 2
        for index, (field, of) in enumerate(list(SCHEMA[name].items())[:slots]):
            slot = vtable + 4 + 2 * index
            self._note(f"{name}.{field} (slot)", slot, 2)
            inside = self._at(slot, "<H")
            if inside and of is not None:
                self._field(f"{name}.{field}", start + inside, of)

    def _field(self, what: str, place: int, of: object) -> None:
        if isinstance(of, list):
            self._vector(what, self.follow(what, place), of[0])
        elif of in SCHEMA:
            self.table(str(of), self.follow(what, place))
        else:
            self._note(what, place, of)

    def _vector(self, what: str, start: int, of: object) -> None:
        count = self._at(start)
        self._note(f"{what} (length)", start, 4)
        if of in SCHEMA:
            for index in range(count):
                self.table(str(of), self.follow(what, start + 4 + 4 * index))
            return
        size = 4 if of == "float" else int(str(of))
        for index in range(min(count, 64)):
            self._note(what, start + 4 + size * index, of)

    def _note(self, what: str, place: int, size: object) -> None:
        self.found.setdefault(what, []).append(Site(what, place, size))

    def _at(self, place: int, form: str = "<I") -> int:
        return int(struct.unpack_from(form, self._content, place)[0])

"""Damage to manifests and golden samples that knows JSON, zip archives and .npy headers."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzing.damage import bytes_damaged

if TYPE_CHECKING:
    from random import Random

DEEP, DIGITS = "@deep@", "@digits@"  # stand in a tree for what Python itself would not write
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 3.5, 1e308, float("nan"), float("inf"), 10**30, DIGITS, DEEP),
    *("", " ", "x", "two\nlines", "\x1b[31mred", "\ud800", "\x00", "edge\x00.tflite", "a" * 10000),
    *("../edge-int8.tflite", "/etc/passwd", "./edge-int8.tflite", "edge-int8.tflite/", "C:x", ".."),
    *("edge-float32.onnx", "edge-int8.tflite", "manifest.json", "golden.npz", "tflite", "onnx"),
    *([], {}, [[]], [None], {"": {}}, ["a", "b"], list(range(10000)), ["two\nlines"] * 10),
)
BOMB_MB = 700
DTYPES = ("<f4", "<f8", "<f2", "|u1", "|i1", "|b1", "<i8", ">f4", "<c8", "<U4", "|S4", "<M8[s]",
          "|V8", "|O", "<f16", "[('a', '<f4')]", "")  # fmt: skip
SHAPES = ("()", "(0,)", "(1,)", "(20, 10)", "(20, 28, 28)", "(0, 28, 28)", "(-1, 10)", "(10,",
          "(1000000000000,)", "(1 << 60,)", "(2.5,)", "((((()))))", "'x'", "(4611686018427387904,)",
          "(1000000, 28, 28)", "None")  # fmt: skip


class Twin(str):
    """A key equal to no other, so that JSON can be written with the same name twice."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


def json_damaged(random: Random, text: str, times: int = 1) -> tuple[bytes, str]:
    """Return a JSON document with values changed, taken out or named twice, and in words which."""
    tree = json.loads(text)
    words = [_json_step(random, tree) for _ in range(times)]
    written = json.dumps(tree, indent=1)
    written = written.replace(f'"{DEEP}"', "[" * 100_000 + "]" * 100_000)
    written = written.replace(f'"{DIGITS}"', "9" * 5000)
    return written.encode(), ", ".join(words)


def _json_step(random: Random, tree: Any) -> str:
    by_name: dict[str, list[tuple[Any, Any]]] = {}
    _places(tree, "", by_name)
    name = random.choice(sorted(by_name))
    holder, key = random.choice(by_name[name])
    roll = random.random()
    if roll < 0.15:
        del holder[key]
        return f"{name} taken out"
    if roll < 0.25 and isinstance(holder, dict):
        holder[Twin(key)] = random.choice(VALUES)
        return f"{name} twice"
    if roll < 0.35:
        other = random.choice(by_name[random.choice(sorted(by_name))])
        try:
            holder[key] = json.loads(json.dumps(other[0][other[1]]))
        except KeyError:  # a Twin
            return "nothing"
        return f"{name} made another's"
    if roll < 0.4 and isinstance(holder, list):
        holder[key:key] = [holder[key]] * random.choice((1, 100))
        return f"{name} doubled"
    value = random.choice(VALUES)
    holder[key] = value
    return f"{name} made {str(value)[:30]!r}"


def _places(tree: Any, name: str, found: dict[str, list[tuple[Any, Any]]]) -> None:
    """Note every (holder, key) under its name without indices."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(pairs):
        inside = f"{name}.{key}" if isinstance(tree, dict) else f"{name}[]"
        found.setdefault(inside, []).append((tree, key))
        if isinstance(value, (dict, list)) and len(value) < 1000:
            _places(value, inside, found)


def golden_damaged(random: Random, content: bytes) -> tuple[bytes, str]:
    """Return golden samples (an .npz) whose members, headers or archive are not as they should."""
    if random.random() < 0.25:
        return bytes_damaged(random, content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = random.choice(sorted(members))
    way = random.randrange(8)
    method = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    if way == 0:
        del members[name]
        words = f"{name} taken out"
    elif way == 1:
        members[random.choice(("../x.npy", "images", "a\nb.npy", "", "images.npy.npy"))] = b"x"
        words = "a member more"
    elif way == 2:
        members[name], words = bytes_damaged(random, members[name])
    elif way == 3:
        return _bomb(name), f"{name} is {BOMB_MB} MB of zeros"
    elif way == 4:
        other = random.choice(sorted(members))
        members[name] = members[other]
        words = f"{name} made {other}"
    elif way == 5:
        members[name], words = _values(random, members[name])
    else:
        header = f"{{'descr': {random.choice(DTYPES)!r}, 'fortran_order': False, "
        header += f"'shape': {random.choice(SHAPES)}, }}"
        header += " " * random.choice((0, 7, 20000))
        size = len(header).to_bytes(4, "little")
        data = b"\x93NUMPY\x02\x00" + size + header.encode() + random.randbytes(800)
        members[name], words = data, f"{name} made {header[:90]}"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for each, data in members.items():
            archive.writestr(zipfile.ZipInfo(each), data)
    found = packed.getvalue()
    if random.random() < 0.15:
        found, more = bytes_damaged(random, found)
        words += f", {more}"
    return found, words


def _values(random: Random, member: bytes) -> tuple[bytes, str]:
    """Put other numbers into an array, or the same of another shape or dtype."""
    array = np.load(io.BytesIO(member))
    found: np.ndarray[Any, Any] = array.copy()
    words = random.choice(("NaN", "inf", "float64", "object", "rows", "flat", "text", "zeros"))
    if words in ("NaN", "inf"):
        found = found.astype(np.float32)
        found.reshape(-1)[random.randrange(found.size)] = float(words)
    elif words == "rows":
        found = found[: random.randrange(len(found))]
    elif words == "flat":
        found = found.reshape(-1)
    elif words == "zeros":
        found = np.zeros_like(found)
    else:
        found = found.astype({"text": "<U8"}.get(words, words))
    packed = io.BytesIO()
    np.save(packed, found, allow_pickle=True)
    return packed.getvalue(), f"values: {words}"


@cache
def _bomb(name: str) -> bytes:
    """Return an archive of which one member unpacks to BOMB_MB million bytes of zeros."""
    rows = BOMB_MB * 1_000_000 // 784
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({rows}, 28, 28), }}".encode()
    start = b"\x93NUMPY\x02\x00" + len(header).to_bytes(4, "little") + header
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    zeros = packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    stream += zeros * BOMB_MB + packer.flush()  # after a full flush, equal pieces pack equally
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(name), stream)
        info = archive.filelist[0]
        info.compress_type, info.file_size = zipfile.ZIP_DEFLATED, BOMB_MB * 1_000_000
    found = bytearray(packed.getvalue())
    found[8:10] = zipfile.ZIP_DEFLATED.to_bytes(2, "little")  # the local header says so too
    return bytes(found)

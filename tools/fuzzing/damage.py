"""Ways to damage bytes that know nothing of what the bytes mean."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

# Where programs go wrong: around 0, the ends of the integers, and what only fits unsigned.
EXTREMES = (
    *(0, 1, 2, 3, 4, 7, 8, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x0FFFFFFF),
    *(0x3FFFFFFF, 0x40000000, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFF0),
    *(0xFFFFFFFE, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0xFFFFFFFFFFFFFFFF),
)
FLOATS = (0.0, -0.0, -1.0, 1e-45, 1e-38, 1e38, 3.4e38, float("inf"), float("-inf"), float("nan"))


def extreme(random: Random, size: int, now: int = 0, length: int = 0) -> bytes:
    """Return `size` bytes of an integer that is extreme, or only just another than `now`.

    `length` is that of the whole file: offsets that end just within and just beyond it.
    """
    near = (now + 1, now - 1, now * 2, now // 2, now + 4, -now, length, length - 4, length - 8)
    roll = random.random()
    if roll < 0.4:
        value = random.choice(EXTREMES)
    elif roll < 0.7:
        value = random.choice(near)
    elif roll < 0.9:
        value = random.randrange(256)
    else:
        value = random.getrandbits(8 * size)
    return (value % (1 << 8 * size)).to_bytes(size, "little")


def extreme_float(random: Random) -> bytes:
    """Return 4 bytes of a float that is extreme."""
    return struct.pack("<f", random.choice(FLOATS))


def bytes_damaged(random: Random, content: bytes) -> tuple[bytes, str]:
    """Return `content` damaged once, and in words how."""
    way = random.choice(WAYS)
    found = bytearray(content)
    words = way(random, found) if content else "left empty"
    return bytes(found), words


def truncated(random: Random, content: bytearray) -> str:
    """Cut the end off, anywhere, or by a few bytes only."""
    few = random.random() < 0.3
    keep = len(content) - random.randint(1, 16) if few else random.randrange(len(content))
    del content[max(keep, 0) :]
    return f"truncated to {len(content)}"


def flipped(random: Random, content: bytearray) -> str:
    """Flip bits of one to eight bytes."""
    places = [_place(random, content) for _ in range(random.choice((1, 1, 2, 4, 8)))]
    for place in places:
        content[place] ^= random.randint(1, 255)
    return f"flipped at {places}"


def lied(random: Random, content: bytearray) -> str:
    """Put an extreme 4-byte integer at a multiple of 4, often a length or an offset."""
    if len(content) < 4:
        return flipped(random, content)
    place = min(_place(random, content) // 4 * 4, len(content) - 4)
    now = int.from_bytes(content[place : place + 4], "little")
    content[place : place + 4] = extreme(random, 4, now, len(content))
    return f"{content[place : place + 4].hex()} at {place}"


def deleted(random: Random, content: bytearray) -> str:
    """Take a piece out."""
    start, end = _piece(random, content)
    del content[start:end]
    return f"deleted {start}:{end}"


def doubled(random: Random, content: bytearray) -> str:
    """Put a piece in a second time."""
    start, end = _piece(random, content)
    content[end:end] = content[start:end]
    return f"doubled {start}:{end}"


def zeroed(random: Random, content: bytearray) -> str:
    """Overwrite a piece by zeros, or by ones."""
    start, end = _piece(random, content)
    fill = random.choice((0, 0, 255))
    content[start:end] = bytes([fill]) * (end - start)
    return f"filled {start}:{end} with {fill}"


def moved(random: Random, content: bytearray) -> str:
    """Overwrite a piece by one from elsewhere."""
    start, end = _piece(random, content)
    other = random.randrange(len(content))
    piece = bytes(content[other : other + end - start])
    content[start : start + len(piece)] = piece
    return f"overwrote {start} by {other}:{other + len(piece)}"


def extended(random: Random, content: bytearray) -> str:
    """Put something behind the end."""
    content += random.randbytes(random.choice((1, 16, 4096)))
    return f"extended to {len(content)}"


WAYS = (truncated, flipped, flipped, flipped, lied, lied, lied, deleted, doubled, zeroed, moved,
        extended)  # fmt: skip


def _place(random: Random, content: bytearray) -> int:
    """Return a place, half the time within the first kilobyte or the last: headers lie there."""
    roll = random.random()
    if roll < 0.3:
        return random.randrange(min(1024, len(content)))
    if roll < 0.6:
        return len(content) - 1 - random.randrange(min(8192, len(content)))
    return random.randrange(len(content))


def _piece(random: Random, content: bytearray) -> tuple[int, int]:
    start = _place(random, content)
    return start, min(len(content), start + random.choice((1, 2, 4, 8, 32, 256, 4096)))

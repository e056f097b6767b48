"""Image files, sound and damaged, with sizes lied about, and bombs."""

from __future__ import annotations

import io
import struct
import zlib
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from fuzzing.damage import bytes_damaged
from fuzzing.judging import Wrong, good_message
from mnist_edge.image_file import read_image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORMS = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "GIF": ("L", "P", "RGBA"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F", "LAB", "YCbCr"),
    "WEBP": ("RGB", "RGBA"),
    "PPM": ("1", "L", "RGB", "I;16"),
    "ICO": ("RGBA",),
    "TGA": ("L", "RGB", "RGBA"),
    "PCX": ("L", "RGB"),
    "JPEG2000": ("L", "RGB"),
    "DDS": ("RGBA",),
    "SGI": ("L", "RGB"),
}
SIDES = (1, 2, 27, 28, 28, 29, 64, 100)
LIED_SIDES = (0, 1, 27, 28, 1000, 9000, 14000, 30000, 65535, 0x7FFFFFFF, 0xFFFFFFFF)


class DamagedPicture:
    """A picture of a digit in some format, damaged or as it should be, to be read."""

    def __init__(self, golden: Path) -> None:
        """Take golden samples: the digits to draw, uint8 [N,28,28]."""
        self._digits = np.load(golden)["images"]

    def make(self, seed: int, folder: Path) -> str:
        """Write the picture."""
        random = Random(f"pictures {seed}")
        if random.random() < 0.08:
            way = random.choice(BOMBS)
            content, words = way(random)
        else:
            content, words = self._picture(random)
            if random.random() < 0.8:
                for _ in range(random.choice((1, 1, 2, 3))):
                    content, more = bytes_damaged(random, content)
                    words += f", {more}"
        (folder / f"picture.{random.choice(('png', 'jpg', 'tif', ''))}").write_bytes(content)
        return words

    def check(self, seed: int, folder: Path) -> str:
        """Read it: what comes is a 28x28 image, and steps in words."""
        (path,) = folder.iterdir()
        found = read_image(path)
        if found.image.shape != (28, 28) or found.image.dtype != np.uint8:
            raise Wrong(f"image is {found.image.dtype} {found.image.shape}")
        if found.image.min() == found.image.max():
            raise Wrong("image is blank")
        for step in found.steps:
            good_message(step)
        return "; ".join(found.steps)

    def _picture(self, random: Random) -> tuple[bytes, str]:
        from PIL import Image

        form = random.choice(sorted(FORMS))
        mode = random.choice(FORMS[form])
        digit = Image.fromarray(self._digits[random.randrange(len(self._digits))])
        size = (random.choice(SIDES), random.choice(SIDES))
        if mode == "LAB":
            picture = Image.new("LAB", size, random.randrange(1 << 24))
        else:
            picture = digit.resize(size).convert("L" if mode == "LA" else mode)
            picture = picture.convert(mode)
        if mode in ("RGBA", "LA"):
            picture.putalpha(digit.resize(size))
        packed = io.BytesIO()
        more = {"exif": _turned(random)} if form in ("PNG", "JPEG", "WEBP") else {}
        if form == "TIFF":
            more["compression"] = random.choice((None, "tiff_lzw", "tiff_deflate", "packbits"))
        picture.save(packed, form, **more)
        return packed.getvalue(), f"{form} {mode} {size[0]}x{size[1]}"


def _turned(random: Random) -> bytes:
    """Return EXIF data that says which way is up."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = random.choice((1, 3, 6, 8, 0, 9, 65535))
    return exif.tobytes()


def _png(width: int, height: int, depth: int, colour: int, data: bytes) -> bytes:
    """Return a PNG (ISO/IEC 15948) of one IDAT, whatever the size it states."""

    def chunk(kind: bytes, inside: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + inside))
        return struct.pack(">I", len(inside)) + kind + inside + check

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _png_lied(random: Random) -> tuple[bytes, str]:
    """State a size that the data does not have."""
    size = random.choice(LIED_SIDES), random.choice(LIED_SIDES)
    depth, colour = random.choice(((1, 0), (8, 0), (16, 0), (8, 2), (8, 6), (16, 6), (8, 3)))
    return _png(*size, depth, colour, zlib.compress(bytes(900))), f"PNG that says {size}"


def _png_bomb(random: Random) -> tuple[bytes, str]:
    """Be as large as stated, though the file is small: a line drawn on black, 1 or 8 bits."""
    side = random.choice((2000, 6000, 9000, 13000))
    depth, colour, width = random.choice(((1, 0, side // 8), (8, 0, side), (8, 6, 4 * side)))
    packer = zlib.compressobj(1)
    row = b"\x00" + bytes(width // 2) + b"\xff" * 16 + bytes(width - width // 2 - 16)
    data = b"".join(packer.compress(row * 100) for _ in range(side // 100)) + packer.flush()
    return _png(8 * width if depth == 1 else side, side, depth, colour, data), f"PNG {side} square"


def _text_bomb(random: Random) -> tuple[bytes, str]:
    """Put a compressed text of 100 MB into a PNG."""
    text = b"key\x00\x00" + zlib.compress(bytes(100_000_000), 1)
    sound = _png(28, 28, 8, 0, zlib.compress((b"\x00" + bytes(14) + b"\xff" * 14) * 28))
    chunk = struct.pack(">I", len(text)) + b"zTXt" + text
    chunk += struct.pack(">I", zlib.crc32(b"zTXt" + text))
    return sound[:33] + chunk + sound[33:], "PNG with 100 MB of text"


def _words(random: Random) -> tuple[bytes, str]:
    """Be of a format that runs programs or reads other files, or no image at all."""
    return random.choice((
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 28\nshowpage\n", "EPS"),
        (b"", "nothing"), (b"\x00" * 5000, "zeros"), (b"GIF89a", "GIF's first word"),
        (b"P6\n99999999 99999999\n255\n", "PPM that says 10^16"), (b"<svg/>", "SVG"),
        (b"\xff\xd8\xff", "JPEG's first word"), (random.randbytes(1000), "noise"),
        (b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, -1 << 31, 28, 1, 32, 0), "BMP of -2^31"),
    ))  # fmt: skip


BOMBS: tuple[Callable[[Random], tuple[bytes, str]], ...] = (
    _png_lied, _png_lied, _png_lied, _png_bomb, _text_bomb, _words, _words,
)  # fmt: skip

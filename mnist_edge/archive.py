"""Arrays in a file: written reproducibly, and read with care for what they unpack to."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return arrays as a compressed .npz: the same arrays, the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpacked(content: bytes, most: int) -> dict[str, NDArray[Any]]:
    """Return the arrays of an .npz by name.

    Args:
        content: of the file.
        most: bytes that its arrays may take.

    Raises:
        ValueError: they take more. What is no sound .npz raises whatever zipfile, zlib or numpy do.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > most:
        raise ValueError(f"{size} bytes unpacked; at most {most} are read")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}

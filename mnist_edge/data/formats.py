"""Reading images and labels from the forms that people keep them in.

IDX files (MNIST's own form: big-endian header, then bytes), .npz archives, and folders of class
folders of image files.
"""

from __future__ import annotations

import gzip
import math
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.data import public
from mnist_edge.errors import DataError, MnistEdgeError
from mnist_edge.image_file import IMAGE_SUFFIXES, read_image
from mnist_edge.preprocess import DIGIT_SHAPE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

IDX_MAGIC = {1: 0x0801, 3: 0x0803}  # unsigned bytes in that many dimensions
KERAS_KEYS = ("x_train", "y_train", "x_test", "y_test")


def parse_idx(content: bytes, dimensions: int, name: str) -> NDArray[np.uint8]:
    """Return the array in the bytes of an uncompressed IDX file: read-only, over `content`.

    Args:
        content: the whole file.
        dimensions: 1 for labels, 3 for images.
        name: for the message.

    Raises:
        DataError: another magic number, or a length that the header denies.
    """
    header = 4 + 4 * dimensions
    if len(content) < header or struct.unpack_from(">I", content)[0] != IDX_MAGIC[dimensions]:
        raise DataError(
            f"{name} is not an IDX file of {dimensions} dimension(s): it begins with "
            f"{content[:4].hex() or 'nothing'}, wanted {IDX_MAGIC[dimensions]:08x}"
        )
    shape = struct.unpack_from(f">{dimensions}I", content, 4)
    wanted = header + math.prod(shape)
    if len(content) != wanted:
        raise DataError(
            f"{name} has {len(content)} bytes; its header wants {wanted}: fetch it anew"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    """Return `array` (uint8, 1 or 3 dimensions) as the bytes of an uncompressed IDX file."""
    header = struct.pack(f">{1 + array.ndim}I", IDX_MAGIC[array.ndim], *array.shape)
    return header + np.ascontiguousarray(array).tobytes()


def read_idx_files(folder: Path) -> dict[str, bytes]:
    """Return the bytes of those of the four IDX files, plain or .gz, that `folder` holds."""
    found = {}
    for name in public.IDX_FILES:
        plain, packed = folder / name, folder / f"{name}.gz"
        if plain.is_file():
            found[name] = plain.read_bytes()
        elif packed.is_file():
            found[name] = unpack(packed.read_bytes(), str(packed))
    return found


def unpack(content: bytes, name: str) -> bytes:
    """Return gzip `content` uncompressed.

    Raises:
        DataError: it is not gzip, or is cut short.
    """
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{name} is not a whole gzip file: {error}") from None


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an .npz by name; pickled objects are refused.

    Raises:
        DataError: not an .npz, or damaged.
    """
    try:
        with path.open("rb") as file:  # np.load leaves a damaged one open
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("a lone array")
            arrays = {key: archive[key] for key in archive.files}
        for key, array in arrays.items():
            if not isinstance(array, np.ndarray):
                raise ValueError(f"{key} is no array")
        return arrays
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path} is not an .npz of plain arrays: {error}") from None


def read_class_folders(
    folder: Path, shape: tuple[int, int, int] = DIGIT_SHAPE
) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """Return (images, class names [N]) from FOLDER/<class>/<image files>.

    Every file goes through `image_file.read_image`, as `mnist-edge predict` would take it.

    Args:
        folder: where the class folders are.
        shape: height, width and channels to bring each picture to.

    Returns:
        Images uint8 [N,H,W], or [N,H,W,C] where there is more than one channel, and the name of
        the folder that each was in.

    Raises:
        DataError: no class folders with images, or a file that is no image.
    """
    images, names = [], []
    for path in sorted(folder.glob("*/*")):
        if path.suffix.lower() in IMAGE_SUFFIXES:
            try:
                images.append(read_image(path, shape=shape).image)
            except MnistEdgeError as error:
                raise DataError(str(error)) from error
            names.append(path.parent.name)
    if not images:
        raise DataError(
            f"{folder} holds neither MNIST's IDX files nor class folders of images "
            f"({', '.join(IMAGE_SUFFIXES)}); wanted one of these"
        )
    return np.stack(images), np.array(names)

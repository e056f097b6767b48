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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.data import public
from mnist_edge.errors import DataError, MnistEdgeError
from mnist_edge.image_file import IMAGE_SUFFIXES, read_image
from mnist_edge.preprocess import IMAGE_SIZE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

IDX_MAGIC = {1: 0x0801, 3: 0x0803}  # unsigned bytes in that many dimensions
KERAS_KEYS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True, slots=True)
class Split:
    """Images with their labels: uint8 [N,28,28], bright on dark, and uint8 class indices [N]."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.labels)


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


def make_split(images: NDArray[Any], labels: NDArray[Any], classes: int, name: str) -> Split:
    """Return a checked Split; [N,28,28,1] loses its last axis.

    Raises:
        DataError: other shapes or dtypes, no samples, counts that differ, a label out of range.
    """
    if images.dtype != np.uint8:
        raise DataError(
            f"{name}: images are {images.dtype}; wanted uint8 in 0..255, bright on dark"
        )
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim != 3 or images.shape[1:] != (IMAGE_SIZE, IMAGE_SIZE):
        raise DataError(
            f"{name}: images of shape {list(images.shape)}; wanted [N,{IMAGE_SIZE},{IMAGE_SIZE}]"
        )
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(
            f"{name}: labels are {labels.dtype} {list(labels.shape)}; wanted integers [N]"
        )
    if len(images) != len(labels) or not len(labels):
        raise DataError(f"{name}: {len(images)} images and {len(labels)} labels; wanted as many")
    if labels.min() < 0 or labels.max() >= classes:
        raise DataError(
            f"{name}: labels from {labels.min()} to {labels.max()}; wanted 0..{classes - 1}"
        )
    return Split(images, labels.astype(np.uint8))


def read_class_folders(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """Return (images [N,28,28], class names [N]) from FOLDER/<class>/<image files>.

    Every file goes through `image_file.read_image`, as `mnist-edge predict` would take it.

    Raises:
        DataError: no class folders with images, or a file that is no image.
    """
    images, names = [], []
    for path in sorted(folder.glob("*/*")):
        if path.suffix.lower() in IMAGE_SUFFIXES:
            try:
                images.append(read_image(path).image)
            except MnistEdgeError as error:
                raise DataError(str(error)) from error
            names.append(path.parent.name)
    if not images:
        raise DataError(
            f"{folder} holds neither MNIST's IDX files nor class folders of images "
            f"({', '.join(IMAGE_SUFFIXES)}); wanted one of these"
        )
    return np.stack(images), np.array(names)

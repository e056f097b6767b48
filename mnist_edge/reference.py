"""What Keras said of the test images, kept in a bundle for machines that have no Keras.

`reference.npz` has one array, `planes`, uint8 [3,N,K]: the low, middle and high bytes of each
probability in units of 2^-21. A probability is off by 2^-22 at most, and by 1.5 units where two
would be equal that were not; the class that is named is the same. For 10,000 images of 10 classes
it has 80 kB, where the float32 numbers, compressed, have 377 kB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.archive import packed, unpacked
from mnist_edge.bundle import checked_bytes, own_name, read_bundle
from mnist_edge.digest import sha256_hex
from mnist_edge.errors import BundleError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mnist_edge.bundle import Bundle

FILE = "reference.npz"
KEY = "reference"  # of the manifest
ONE = 1 << 21
PLANES = 3  # bytes of a stored probability
MOST_UNPACKED = 512 << 20  # bytes: 170,000 images of 1,000 classes


def images_sha256(images: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of the pixels of images, uint8 [N,H,W] or [N,H,W,C], hexadecimal."""
    return sha256_hex(np.ascontiguousarray(images).tobytes())


def write(
    folder: Path, probabilities: NDArray[np.float32], images: NDArray[np.uint8], split: str
) -> dict[str, Any]:
    """Write `reference.npz` into a folder.

    Args:
        folder: of the bundle.
        probabilities: what Keras says, float32 [N,K].
        images: what it says it of, uint8 [N,H,W] or [N,H,W,C].
        split: what the images are called, such as `test`.

    Returns:
        What the manifest says of it, under `reference`.
    """
    content = packed({"planes": _encoded(probabilities)})
    (folder / FILE).write_bytes(content)
    return {
        "file": FILE,
        "sha256": sha256_hex(content),
        "bytes": len(content),
        "count": len(probabilities),
        "split": split,
        "images_sha256": images_sha256(images),
    }


def read(bundle: Bundle, images: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """Return what Keras said of just these images, float32 [N,K].

    Args:
        bundle: that may have it.
        images: uint8 [N,H,W] or [N,H,W,C].

    Returns:
        None where the bundle has no such answers, or has them for other images.

    Raises:
        BundleError: the file is damaged, or does not hold what the manifest says.
    """
    about = bundle.manifest.get(KEY)
    if about is None:
        return None
    stored = check(bundle)
    if about["images_sha256"] != images_sha256(images):
        return None
    if stored.shape[1:] != (len(images), len(bundle.labels)):
        raise BundleError(
            f"{bundle.folder / FILE} has answers {list(stored.shape[1:])} to {len(images)} images "
            f"of {len(bundle.labels)} classes: export the bundle anew"
        )
    return _decoded(stored)


def check(bundle: Bundle) -> NDArray[np.uint8]:
    """Return the stored planes, uint8 [3,N,K], of a bundle that names some.

    Raises:
        BundleError: the file is damaged, or does not hold what the manifest says.
    """
    try:
        about = bundle.manifest[KEY]
        path = bundle.folder / own_name(about["file"])
        content = checked_bytes(path, about["sha256"], about["bytes"])
        planes = unpacked(content, MOST_UNPACKED)["planes"]
        if planes.dtype != np.uint8 or planes.ndim != 3 or planes.shape[0] != PLANES:
            raise ValueError(f"planes are {planes.dtype} {list(planes.shape)}")
        if planes.shape[1] != about["count"] or not isinstance(about["images_sha256"], str):
            raise ValueError(f"{planes.shape[1]} answers, the manifest says {about['count']}")
    except BundleError:
        raise
    except Exception as error:  # zipfile, zlib and numpy have exceptions of their own
        raise BundleError(
            f"{bundle.folder} has no sound stored answers of Keras ({error}): export it anew"
        ) from None
    return planes


def stored_reference(folder: Path | str, images: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """Return what Keras said of just these images, as the bundle in a folder has it.

    Args:
        folder: of the bundle.
        images: uint8 [N,H,W] or [N,H,W,C].

    Returns:
        Probabilities, float32 [N,K]; None where the bundle has none, or none of these images.

    Raises:
        BundleError: there is no bundle, or a damaged one.
    """
    return read(read_bundle(folder), images)


def _encoded(probabilities: NDArray[np.float32]) -> NDArray[np.uint8]:
    units = np.rint(probabilities.clip(0, 1).astype(np.float64) * ONE).astype("<u4")
    rows, named = np.arange(len(units)), probabilities.argmax(1)
    best = units[rows, named][:, None]
    # rounding may make equal to the class that is named one that stands before it
    before = np.arange(units.shape[1]) < named[:, None]
    units -= (before & (units >= best)).astype("<u4")
    planes = units.view(np.uint8).reshape(*units.shape, 4)[..., :PLANES]
    return np.ascontiguousarray(planes.transpose(2, 0, 1))


def _decoded(planes: NDArray[np.uint8]) -> NDArray[np.float32]:
    low, middle, high = planes.astype(np.uint32)
    found: NDArray[np.float32] = ((low | middle << 8 | high << 16) / ONE).astype(np.float32)
    return found

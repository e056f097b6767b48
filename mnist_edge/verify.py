"""Is a bundle whole, and does it answer on this machine as it did where it was made?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge import reference
from mnist_edge.archive import unpacked
from mnist_edge.backends import open_model, runtimes
from mnist_edge.bundle import checked_bytes, own_name
from mnist_edge.errors import BundleError, MnistEdgeError
from mnist_edge.model_file import of_bundle
from mnist_edge.tolerance import allowed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnist_edge.bundle import Bundle, ModelEntry

MOST_UNPACKED = 64 << 20  # bytes of golden samples; 20 images and the answers to them take 20 kB


@dataclass(frozen=True)
class Finding:
    """What came of one model on one runtime.

    Attributes:
        file: the model, or the stored answers of Keras.
        runtime: where it was run; None if it was only hashed.
        holds: whether all held.
        detail: in words, what was found.
        worst: the largest difference of a probability; None where none could be told.
        tolerance: the difference that the manifest allows this runtime; None as for `worst`.
    """

    file: str
    runtime: str | None
    holds: bool
    detail: str
    worst: float | None = None
    tolerance: float | None = None

    def __bool__(self) -> bool:
        return self.holds


def verify(bundle: Bundle, runtime: str | None = None) -> list[Finding]:
    """Check hashes, then run the golden samples through each model on each installed runtime.

    Args:
        bundle: whose files to check.
        runtime: only this one; None for every installed one.

    Raises:
        BundleError: no models, no golden samples, or damaged ones.
    """
    if not bundle.models:
        raise BundleError(f"{bundle.folder} names no models: export it anew")
    golden = _golden(bundle)
    found = []
    for entry in bundle.models:
        try:
            bundle.read_file(entry)
        except BundleError as error:
            found.append(Finding(entry.file, None, False, str(error)))
            continue
        names = [name for name in runtimes((entry.format,)) if runtime in (None, name)]
        found += [_run(bundle, entry, name, golden) for name in names]
        if not names:
            found.append(Finding(entry.file, None, True, "hash holds; no runtime here to run it"))
    if bundle.manifest.get(reference.KEY) is not None:
        found.append(_reference(bundle))
    return found


def _reference(bundle: Bundle) -> Finding:
    try:
        count = reference.check(bundle).shape[1]
    except BundleError as error:
        return Finding(reference.FILE, None, False, str(error))
    return Finding(reference.FILE, None, True, f"hash holds; Keras' answers to {count:,} images")


def _golden(bundle: Bundle) -> dict[str, NDArray[Any]]:
    try:
        about = bundle.manifest["golden"]
        content = checked_bytes(bundle.folder / own_name(about["file"]), about["sha256"])
        golden = unpacked(content, MOST_UNPACKED)
        if not _sound(golden):
            raise ValueError("wanted uint8 images, and finite float32 answers to each")
    except BundleError:
        raise
    except Exception as error:  # zipfile, zlib and numpy have exceptions of their own
        raise BundleError(
            f"{bundle.folder} has no golden samples ({error}): export it anew"
        ) from None
    return golden


def _sound(golden: dict[str, Any]) -> bool:
    """Say whether golden samples are images, and finite answers [N,K] to them."""
    images = golden["images"]
    answers = [golden[name] for name in {"reference", *golden} - {"images", "labels"}]
    return (
        images.dtype == np.uint8
        and images.ndim >= 3
        and len(images) > 0
        and all(array.dtype == np.float32 and array.ndim == 2 for array in answers)
        and all(len(array) == len(images) and np.isfinite(array).all() for array in answers)
    )


def _run(
    bundle: Bundle, entry: ModelEntry, runtime: str, golden: dict[str, NDArray[Any]]
) -> Finding:
    wanted = golden.get(entry.file, golden["reference"])
    try:
        with open_model(of_bundle(bundle, entry), runtime) as backend:
            came = backend.infer(golden["images"])
            single = np.concatenate(
                [backend.decode(backend.infer_one(image)[None]) for image in golden["images"]]
            )
    except (MnistEdgeError, ImportError) as error:
        return Finding(entry.file, runtime, False, str(error))
    if came.shape[1] != len(bundle.labels):
        detail = f"has {came.shape[1]} classes, the manifest has {len(bundle.labels)} labels"
        return Finding(entry.file, runtime, False, detail)
    if came.shape != wanted.shape:
        return Finding(
            entry.file, runtime, False, f"gives {list(came.shape)}, wanted {list(wanted.shape)}"
        )
    worst = float(max(np.abs(found - wanted).max() for found in (came, single)))
    tolerance = allowed(entry.tolerance, runtime)
    top = np.sort(wanted, axis=1)
    tie = top[:, -1] - top[:, -2] <= 2 * tolerance  # either may move, towards the other
    named = wanted.argmax(1)
    differ = (came.argmax(1) != named) | (single.argmax(1) != named)
    other = int((differ & ~tie).sum())
    detail = f"{len(came)} golden samples, differs by {worst:.2g} at most, {other} other labels"
    holds = bool(worst <= tolerance) and other == 0
    detail = f"{detail} (allowed {tolerance:g}, 0)"
    return Finding(entry.file, runtime, holds, detail, worst, tolerance)

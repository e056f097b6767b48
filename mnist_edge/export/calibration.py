"""The sample that decides the range of every activation of a quantized model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.data import stratified_sample, stratified_split
from mnist_edge.errors import DataError, SettingError
from mnist_edge.preprocess import to_unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnist_edge.data import Dataset

COUNT = 500  # images, unless told otherwise
AUDITED = 64  # images that an audit runs, unless told otherwise
FEW = 100  # below this the largest value of an activation is a matter of luck
POOR = 0.25  # of an even share: a class with less is hardly there
DIM = 0.5  # of full brightness, which good samples pass


@dataclass(frozen=True)
class Calibration:
    """Images that a model learnt from, a few of each class.

    Attributes:
        images: [N,H,W] or [N,H,W,C], bright on dark: uint8, or float32 in 0..1.
        labels: class index of each, [N]; None where it is not known.
        classes: how many there are.
        source: where they were chosen: `train`, or the name of a file.
        seed: of the choice.
        left_out: what was not fit to be chosen, in words.
    """

    images: NDArray[Any]
    labels: NDArray[Any] | None
    classes: int
    source: str
    seed: int
    left_out: tuple[str, ...] = ()

    def inputs(self) -> NDArray[np.float32]:
        """Return the images as a network takes them: float32 [N,H,W,C] in 0..1; the caller's."""
        images = self.images if self.images.ndim == 4 else self.images[..., None]
        return to_unit(images) if images.dtype == np.uint8 else images.astype(np.float32)

    def warnings(self) -> list[str]:
        """Say what is doubtful about the choice, a line each; empty where nothing is."""
        found = list(self.left_out)
        inputs = self.inputs()
        if len(inputs) < FEW:
            found.append(f"{len(inputs)} calibration images are few: give {FEW} or more")
        flat = inputs.reshape(len(inputs), -1)
        constant = int((flat.max(1) == flat.min(1)).sum())
        if constant:
            found.append(f"{constant} calibration images have one grey value alone: leave them out")
        if len({row.tobytes() for row in flat}) < len(flat):
            twice = len(flat) - len({row.tobytes() for row in flat})
            found.append(f"{twice} calibration images are there twice")
        if flat.max() < DIM:
            found.append(
                f"no calibration image is brighter than {flat.max():.2f} of 1: "
                "are they as the device will see them?"
            )
        if self.labels is not None:
            counts = np.bincount(self.labels, minlength=self.classes)
            poor = [
                str(name)
                for name in np.flatnonzero(counts < POOR * len(self.labels) / self.classes)
            ]
            if poor:
                found.append(
                    f"hardly any calibration image of class {', '.join(poor[:5])}"
                    f"{', ...' if len(poor) > 5 else ''}: what they alone excite gets no range"
                )
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return the calibration as a manifest writes it."""
        found: dict[str, Any] = {
            "source": self.source,
            "count": len(self.images),
            "sha256": hashlib.sha256(self.images.tobytes()).hexdigest(),
            "seed": self.seed,
        }
        if self.labels is not None:
            found["per_class"] = np.bincount(self.labels, minlength=self.classes).tolist()
        return found


def _digest(image: NDArray[Any]) -> bytes:
    return hashlib.sha256(image.tobytes()).digest()


@dataclass(frozen=True)
class Pool:
    """What calibration images are drawn from; a larger draw holds the smaller ones.

    Attributes:
        images: [N,H,W] or [N,H,W,C], bright on dark: uint8, or float32 in 0..1.
        labels: class index of each, [N]; None where it is not known.
        judged: images that models are judged on, [M, ...]: none of them is ever calibrated on.
        classes: how many there are.
        source: `train`, or the name of a file.
        seed: of every draw.
        left_out: what was not fit to be drawn, in words.
    """

    images: NDArray[Any]
    labels: NDArray[Any] | None
    judged: NDArray[Any]
    classes: int
    source: str
    seed: int
    left_out: tuple[str, ...] = ()

    @cached_property
    def _judged_digests(self) -> frozenset[bytes]:
        return frozenset(_digest(image) for image in self.judged)

    def draw(self, count: int | None = None) -> Calibration:
        """Draw `count` images, stratified where labels are known.

        Args:
            count: without it COUNT, or all where there are fewer.

        Raises:
            SettingError: more images wanted than there are, or fewer than one.
            DataError: one of them is among those that models are judged on.
        """
        there = len(self.images)
        count = min(COUNT, there) if count is None else count
        if not 1 <= count <= there:
            raise SettingError(f"calibration of {count} images; wanted 1..{there}")
        if self.labels is None:
            places = np.sort(np.random.default_rng(self.seed).permutation(there)[:count])
        else:
            places = stratified_sample(self.labels, count, self.seed)
        chosen = self.images[places]
        shared = sum(_digest(image) in self._judged_digests for image in chosen)
        if shared:
            raise DataError(
                f"{shared} of {count} calibration images are among those that models are judged "
                "on; wanted none: take them out of one of the two"
            )
        own = None if self.labels is None else self.labels[places]
        return Calibration(chosen, own, self.classes, self.source, self.seed, self.left_out)


def audited(pool: Pool, count: int = AUDITED) -> NDArray[np.float32]:
    """Draw images to audit on: another draw than calibration's shows what leaves its ranges.

    Args:
        pool: what calibration draws from.
        count: how many, fewer where there are not so many.

    Returns:
        float32 [N,H,W,C] in 0..1.
    """
    others = replace(pool, seed=pool.seed + 1)
    return others.draw(min(count, len(pool.images))).inputs()


def of_run(
    dataset: Dataset, validation_share: float, seed: int, split_seed: int | None = None
) -> Pool:
    """Return what a run with this split (see `Recipe`) learnt from, as a pool.

    Where the images that are judged on were held out here, what is there twice is left out.
    """
    train = dataset.train
    kept, _ = stratified_split(
        train.strata, validation_share, seed if split_seed is None else split_seed
    )
    left_out = dataset.left_out
    if dataset.held_out:
        judged = {_digest(image) for image in dataset.test.images}
        fresh = np.array([_digest(train.images[place]) not in judged for place in kept], bool)
        if not fresh.all():
            twice = len(kept) - int(fresh.sum())
            left_out += (f"{twice} calibration images left out: they are judged on as well",)
            kept = kept[fresh]
    pool = train.part(kept)
    return Pool(
        pool.images,
        pool.truth,
        dataset.test.images,
        len(dataset.labels),
        "train",
        seed,
        left_out,
    )

"""Images and what they show, checked: the form in which every other part has them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.data.classes import numbers
from mnist_edge.errors import DataError
from mnist_edge.preprocess import DIGIT_SHAPE

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

PART = 256  # images that are turned from floats into bytes at a time
MOST_UNFIT = 0.1  # of float images that may have NaN or leave 0..1, and are left out


@dataclass(frozen=True, slots=True)
class Split:
    """Images with their labels, if there are any.

    Attributes:
        images: uint8 [N,H,W], or [N,H,W,C] where there is more than one channel; digits are
            bright on dark.
        truth: class index of each, uint8 [N], or uint16 where there are more than 256 classes;
            None where nobody said.
    """

    images: NDArray[np.uint8]
    truth: NDArray[Any] | None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def labels(self) -> NDArray[Any]:
        """Class index of each image, [N], for those who cannot do without.

        Raises:
            DataError: nobody said what the images show.
        """
        if self.truth is None:
            raise DataError("these images have no labels, and this needs them: add labels [N]")
        return self.truth

    @property
    def strata(self) -> NDArray[Any]:
        """What to choose samples evenly by: the labels, or zeros [N] where there are none."""
        return np.zeros(len(self), np.uint8) if self.truth is None else self.truth

    def part(self, places: NDArray[np.int64]) -> Split:
        """Return the images at `places` with their labels, as arrays of their own."""
        return Split(self.images[places], None if self.truth is None else self.truth[places])


@dataclass(frozen=True)
class Dataset:
    """Images to learn from and images to be judged by.

    Attributes:
        name: as `--data` has it; for one's own, the file or folder name.
        train: every choice is made within it.
        test: read once, at the end.
        labels: what each class is called, by index; empty where nobody said.
        held_out: the test part was taken out of what came as one, by class and by seed.
        left_out: which images of the training part were not fit to be used, in words.
        came: where each image of the training part, then of the test part, stood in what came as
            one, int64 [N]; None where it came as two.
    """

    name: str
    train: Split
    test: Split
    labels: tuple[str, ...]
    held_out: bool = False
    left_out: tuple[str, ...] = ()
    came: NDArray[np.int64] | None = None

    @cached_property
    def sha256(self) -> str:
        """Hash of all pixels and labels, training first: the same data has the same hash."""
        digest = hashlib.sha256()
        for split in (self.train, self.test):
            digest.update(split.images.tobytes())
            if split.truth is not None:
                digest.update(split.truth.tobytes())
        return digest.hexdigest()

    def to_judge(self, learnt: Collection[str | None]) -> Dataset:
        """Return the dataset with every image as a test image, where it is not what was learnt.

        A test part that was held out is all that may judge a model which learnt from the rest. To
        judge others, all of it will do, in the order in which it came.

        Args:
            learnt: `sha256` of what each model learnt from; None where nobody said.
        """
        if self.came is None or None in learnt or self.sha256 in learnt:
            return self
        back = np.argsort(self.came)
        images = np.concatenate([self.train.images, self.test.images])[back]
        truth = None
        if self.train.truth is not None and self.test.truth is not None:
            truth = np.concatenate([self.train.truth, self.test.truth])[back]
        whole = Split(images, truth)
        return replace(self, train=whole.part(back[:0]), test=whole, held_out=False, came=None)

    def under(self, names: tuple[str, ...], whose: str) -> Dataset:
        """Return the same images with their classes counted and called as a model has them.

        Args:
            names: what the model's classes are called, by index.
            whose: what errors call the model.

        Raises:
            DataError: the images show a class that the model does not have.
        """
        if self.labels in (names, ()):
            return replace(self, labels=names)
        if set(self.labels) <= set(names):
            return self._recounted(names)
        if self.labels == numbers(len(self.labels)) and len(self.labels) <= len(names):
            return replace(self, labels=names)
        raise DataError(
            f"{whose} knows {len(names)} classes ({', '.join(names[:3])}, ...), {self.name} has "
            f"{len(self.labels)} ({', '.join(self.labels[:3])}, ...): name what it learnt from "
            "with --data"
        )

    def _recounted(self, names: tuple[str, ...]) -> Dataset:
        """Return the same images with the label of each by its place among `names`."""
        dtype = np.uint8 if len(names) <= 256 else np.uint16
        places = np.array([names.index(label) for label in self.labels], dtype)
        train, test = (Split(part.images, places[part.labels]) for part in (self.train, self.test))
        return replace(self, train=train, test=test, labels=names)


def fit_for_use(
    images: NDArray[Any], labels: NDArray[Any] | None, name: str
) -> tuple[NDArray[Any], NDArray[Any] | None, tuple[str, ...]]:
    """Leave out the few float images that have NaN or leave 0..1.

    Returns:
        The images and labels that are left, and what was left out, in words. All are left where
        more than MOST_UNFIT are unfit: that is a mistake about their range, for `make_split` to
        say.
    """
    if (
        images.dtype != np.float32
        or not images.size
        or (labels is not None and len(labels) != len(images))
    ):
        return images, labels, ()
    flat = images.reshape(len(images), -1)
    broken = ~np.isfinite(flat).all(1)
    outside = ~broken & ((flat.min(1) < 0) | (flat.max(1) > 1))
    good = ~(broken | outside)
    if good.all() or (~good).sum() > MOST_UNFIT * len(good):
        return images, labels, ()
    said = tuple(
        f"{name}: {int(bad.sum())} of {len(images)} images left out: {why}"
        for bad, why in ((broken, "NaN or infinity"), (outside, "values outside 0..1"))
        if bad.any()
    )
    return images[good], None if labels is None else labels[good], said


def make_split(
    images: NDArray[Any],
    labels: NDArray[Any] | None,
    classes: int,
    name: str,
    shape: tuple[int, int, int] = DIGIT_SHAPE,
) -> Split:
    """Return a checked Split; a last axis of one channel is dropped.

    Args:
        images: uint8 in 0..255, or float32 in 0..1, which is rounded to bytes.
        labels: class indices [N]; None where there are none.
        classes: how many there are.
        name: for the message.
        shape: height, width and channels that are wanted.

    Raises:
        DataError: other shapes, dtypes or ranges, no samples, counts that differ, or a label out
            of range.
    """
    images = _pixels(images, name, shape)
    if labels is None:
        return Split(images, None)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(
            f"{name}: labels are {labels.dtype} {list(labels.shape)}; wanted integers [N]"
        )
    if len(images) != len(labels):
        raise DataError(f"{name}: {len(images)} images and {len(labels)} labels; wanted as many")
    if labels.min() < 0 or labels.max() >= classes:
        raise DataError(
            f"{name}: labels from {labels.min()} to {labels.max()}; wanted 0..{classes - 1}"
        )
    return Split(images, labels.astype(np.uint8 if classes <= 256 else np.uint16))


def _pixels(images: NDArray[Any], name: str, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    if images.dtype != np.uint8 and images.dtype != np.float32:
        ink = ", bright on dark" if shape == DIGIT_SHAPE else ""
        raise DataError(
            f"{name}: images are {images.dtype}; wanted uint8 in 0..255 or float32 in 0..1{ink}"
        )
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    wanted = shape[:2] if shape[2] == 1 else shape
    if images.shape[1:] != wanted or not images.ndim:
        sides = ",".join(map(str, wanted))
        raise DataError(
            f"{name}: images of shape {list(images.shape)}; wanted [N,{sides}]: resize them, or "
            "name a folder of class folders of pictures, which are brought to that size"
        )
    if not len(images):
        raise DataError(f"{name} has no images; wanted one or more")
    return images if images.dtype == np.uint8 else _bytes(images, name)


def _bytes(images: NDArray[np.float32], name: str) -> NDArray[np.uint8]:
    """Return floats in 0..1 as the nearest bytes, which is what a device is given."""
    low, high = float(images.min()), float(images.max())
    if not (low >= 0 and high <= 1):
        remedy = "use .astype(numpy.uint8)" if low >= 0 and 2 < high <= 255 else "scale it to 0..1"
        raise DataError(f"{name}: float images from {low:g} to {high:g}; wanted 0..1: {remedy}")
    found = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), PART):
        found[start : start + PART] = np.rint(images[start : start + PART] * np.float32(255))
    return found

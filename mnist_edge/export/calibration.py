"""The sample that decides the range of every activation of a quantized model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnist_edge.data import stratified_sample, stratified_split
from mnist_edge.errors import SettingError
from mnist_edge.preprocess import to_unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from mnist_edge.data import Dataset

COUNT = 500  # images, unless told otherwise


@dataclass(frozen=True)
class Calibration:
    """Images that the training part of a run learnt from, a few of each class.

    Attributes:
        images: uint8 [N,28,28], bright on dark.
        seed: of the choice.
    """

    images: NDArray[np.uint8]
    seed: int

    def inputs(self) -> Iterator[NDArray[np.float32]]:
        """Give each image as the network takes it: float32 [1,28,28,1] in 0..1.

        The input's range is known, it need not be guessed: two corners of the first image are
        made 0 and 1, so that no pixel is ever clipped however dim the sample is.
        """
        inputs = to_unit(self.images[..., None])
        inputs[0, 0, 0], inputs[0, -1, -1] = 0, 1
        for image in inputs:
            yield image[None]

    def as_dict(self) -> dict[str, Any]:
        """Return the calibration as a manifest writes it."""
        digest = hashlib.sha256(self.images.tobytes()).hexdigest()
        return {
            "source": "train",
            "count": len(self.images),
            "sha256": digest,
            "seed": self.seed,
        }


def choose(
    dataset: Dataset, validation_share: float, seed: int, count: int | None = None
) -> Calibration:
    """Choose `count` images, stratified, from those that the run with this split learnt from.

    Without a count: COUNT, or all where there are fewer.

    Raises:
        SettingError: more images wanted than there are, or fewer than one.
    """
    kept, _ = stratified_split(dataset.train.labels, validation_share, seed)
    count = min(COUNT, len(kept)) if count is None else count
    if not 1 <= count <= len(kept):
        raise SettingError(f"calibration of {count} images; wanted 1..{len(kept)}")
    chosen = kept[stratified_sample(dataset.train.labels[kept], count, seed)]
    return Calibration(dataset.train.images[chosen], seed)

"""Is a model as often right as it is sure?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 15
# Between them, as float32 has them: a sureness of 0.6, which is a little more there, is 9/15.
ENDS = (np.arange(1, BINS) / BINS).astype(np.float32)


def calibration_error(probabilities: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    """Return the expected calibration error, 0..1.

    Images are put into bins by how sure the model is of the class that it names; the error is
    the distance of a bin's accuracy from its mean sureness, weighted by its images (Guo et al.
    2017, eq. 3, with their 15 bins of equal width; a bin holds its upper end).

    Args:
        probabilities: float32 [N,K].
        right: whether the class that is named is the true one, [N].
    """
    sure = probabilities.max(1).clip(0, 1)
    places = np.searchsorted(ENDS, sure)
    gaps = np.bincount(places, weights=right - sure.astype(np.float64), minlength=BINS)
    return float(np.abs(gaps).sum() / len(sure))

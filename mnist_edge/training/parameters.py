"""How large a network is."""

from __future__ import annotations

import math
from typing import Any


def learnt_parameters(model: Any) -> int:
    """Return how many numbers a Keras model learns.

    The statistics of batch normalisation are not among them. A converter folds the normalisation
    away, and as many are left in the file, or fewer.
    """
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)

"""The images that a model and its reference name differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Flip: TypeAlias = "tuple[int, int | None, int, int]"


@dataclass(frozen=True, slots=True)
class Flips:
    """Every image that model and reference name differently, in the order of the images.

    Each is the image's index from 0, and three class indices: what it shows (None where nobody
    said), what the reference names and what the model names.

    Attributes:
        to_wrong: the reference has it right and the model wrong.
        to_right: the reference has it wrong and the model right.
        other: both have it wrong, or nobody said what it shows.
    """

    to_wrong: tuple[Flip, ...]
    to_right: tuple[Flip, ...]
    other: tuple[Flip, ...]


def flips_of(
    expected: NDArray[np.int64], found: NDArray[np.int64], labels: NDArray[Any] | None
) -> Flips:
    """Return the flips between what the reference and the model name.

    Args:
        expected: class index that the reference names, [N].
        found: class index that the model names, [N].
        labels: class index of what each image shows, [N]; None where nobody said.
    """
    places = np.flatnonzero(expected != found)
    truth = [None] * len(places) if labels is None else labels[places].tolist()
    sides = (each[places].tolist() for each in (expected, found))
    every: list[Flip] = list(zip(places.tolist(), truth, *sides, strict=True))
    return Flips(
        tuple(flip for flip in every if flip[1] == flip[2]),
        tuple(flip for flip in every if flip[1] == flip[3]),
        tuple(flip for flip in every if flip[1] not in flip[2:]),
    )

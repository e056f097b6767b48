"""Choosing samples by class, the same ones for the same seed on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.errors import SettingError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def stratified_split(
    labels: NDArray[Any], share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split positions in two so that every class gives `share` of its samples to the second.

    Args:
        labels: class index of each sample, [N].
        share: 0 <= share < 1; each class's count is rounded, and is at least one sample where
            `share` is above 0 and the class has two.
        seed: the same seed gives the same split.

    Returns:
        (kept, held_out): positions in 0..N-1, each sorted, together all of them.

    Raises:
        SettingError: a share outside [0, 1).
    """
    if not 0 <= share < 1:
        raise SettingError(f"share to hold out is {share}; wanted at least 0 and below 1")
    held = []
    for label, places in _by_class(labels):
        count = min(max(round(share * len(places)), int(share > 0)), len(places) - 1)
        held.append(_shuffled(places, seed, label)[:count])
    held_out = np.sort(np.concatenate(held)) if held else np.empty(0, np.int64)
    kept = np.setdiff1d(np.arange(len(labels)), held_out, assume_unique=True)
    return kept, held_out


def stratified_sample(labels: NDArray[Any], count: int, seed: int) -> NDArray[np.int64]:
    """Return `count` sorted positions, as even over the classes as their sizes allow.

    A class with too few samples gives all it has, and the others make up for it.

    Raises:
        SettingError: a count below 1 or above the number of samples.
    """
    if not 1 <= count <= len(labels):
        raise SettingError(f"sample count is {count}; wanted 1..{len(labels)}")
    queues = [list(_shuffled(places, seed, label)) for label, places in _by_class(labels)]
    chosen: list[int] = []
    turn = 0
    while len(chosen) < count:  # one from each class in turn until there are enough
        chosen.extend(queue[turn] for queue in queues if turn < len(queue))
        turn += 1
    return np.sort(np.array(chosen[:count], np.int64))


def _by_class(labels: NDArray[Any]) -> list[tuple[int, NDArray[np.int64]]]:
    return [(int(label), np.flatnonzero(labels == label)) for label in np.unique(labels)]


def _shuffled(places: NDArray[np.int64], seed: int, label: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, label]).permutation(places)

"""What classes are called, and which of them each label names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_CLASSES = 1 << 16  # that labels of two bytes tell apart


def numbers(count: int) -> tuple[str, ...]:
    """Return what classes without names are called: their numbers."""
    return tuple(map(str, range(count)))


def names_among(labels: NDArray[Any], name: str) -> tuple[str, ...]:
    """Return the names among labels [N] in the order of the alphabet, or the numbers up to them.

    Raises:
        DataError: neither names nor whole numbers, or too few or too many of them.
    """
    if labels.ndim != 1 or not len(labels) or labels.dtype.kind not in "iuU":
        raise DataError(
            f"{name}: labels are {labels.dtype} {list(labels.shape)}; "
            "wanted whole numbers or names [N]"
        )
    named = labels.dtype.kind == "U"
    count = len(np.unique(labels)) if named else max(int(labels.max()) + 1, 0)
    _check_count(count, name)
    return tuple(np.unique(labels).tolist()) if named else numbers(count)


def stated_names(names: NDArray[Any], name: str) -> tuple[str, ...]:
    """Return `label_names` [K], what each class is called, by index.

    Raises:
        DataError: not text, a name twice, or too few or too many.
    """
    if names.ndim != 1 or names.dtype.kind != "U" or len(np.unique(names)) != len(names):
        raise DataError(
            f"{name}: label_names are {names.dtype} {list(names.shape)}; wanted text [K], each once"
        )
    _check_count(len(names), name)
    return tuple(names.tolist())


def places(labels: NDArray[np.str_], names: tuple[str, ...], name: str) -> NDArray[np.int64]:
    """Return the place among `names` of each label, same shape.

    Raises:
        DataError: a label that is none of the names.
    """
    strange = sorted(set(labels.ravel().tolist()) - set(names))
    if strange:
        raise DataError(
            f"{name}: label {strange[0]!r} is none of the classes ({', '.join(names[:3])}, ...)"
        )
    order = np.argsort(np.array(names))
    return order[np.searchsorted(np.array(names), labels, sorter=order)]


def _check_count(classes: int, name: str) -> None:
    if not 2 <= classes <= MOST_CLASSES:
        raise DataError(f"{name} has {classes} classes; wanted 2 to {MOST_CLASSES}")

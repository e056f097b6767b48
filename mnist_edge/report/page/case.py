"""A test image with what every model says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mnist_edge.report.page.answers import Answers, alike, names_of, reference_of
from mnist_edge.report.page.digits import data_uri

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from mnist_edge.data import Split
    from mnist_edge.report.page.material import Material

CLASSES = 3  # whose probabilities a card tells

KINDS = {"to_wrong": "became wrong", "to_right": "became right", "other": "wrong both ways"}
UNJUDGED = "changed"  # where nobody said what an image shows


@dataclass(frozen=True)
class Case:
    """An image, what it shows and what models say of it.

    Attributes:
        index: of the image, from 0.
        uri: of its picture.
        truth: class index of what it shows; None where nobody said.
        named: class index that the model in question names.
        before: class index that the reference names.
        confidence: of the model in question, 0..1.
        classes: indices of the classes that are told of, the true one first.
        said: for each of the `voices`, the probabilities of these classes.
        kind: of the flip, one of KINDS; empty where it is none.
    """

    index: int
    uri: str
    truth: int | None
    named: int
    before: int
    confidence: float
    classes: tuple[int, ...]
    said: tuple[tuple[float, ...], ...]
    kind: str = ""

    @property
    def became(self) -> str:
        """What became of the decision, in words; empty where it did not change."""
        return what_became(self.kind, self.truth) if self.kind else ""


def what_became(kind: str, truth: object) -> str:
    """Return a kind of flip in words."""
    return UNJUDGED if truth is None else KINDS[kind]


class Voice(NamedTuple):
    """Models that say the same: a line of each card.

    Attributes:
        name: short.
        models: all of them, in words.
        first: the model that speaks.
    """

    name: str
    models: str
    first: Answers


def voices(material: Material) -> list[Voice]:
    """Return the lines of a card, in the order of the manifest."""
    groups = alike(material.answers)
    found = []
    for group in groups:
        kinds = {each.entry.quantization for each in group}
        others = {each.entry.quantization for other in groups if other is not group
                  for each in other}  # fmt: skip
        alone = len(kinds) == 1 and not kinds & others
        name = next(iter(kinds)) if alone else ", ".join(each.name for each in group)
        found.append(Voice(name, names_of(group), group[0]))
    return found


def cases_of(material: Material, model: Answers, places: Iterable[int]) -> list[Case]:
    """Return images with what the models say of them.

    Args:
        material: with test images.
        model: in question.
        places: of the images, from 0.
    """
    reference, test = reference_of(material.answers), material.test
    if reference is None or test is None:
        return []
    speaking = [voice.first for voice in voices(material)]
    return [_case(test, reference, model, speaking, int(place)) for place in places]


def _case(
    test: Split, reference: Answers, model: Answers, speaking: Sequence[Answers], place: int
) -> Case:
    truth = None if test.truth is None else int(test.truth[place])
    rows = np.array([each.said[place] for each in speaking])
    named = int(model.said[place].argmax())
    classes = _telling(rows, truth, named)
    return Case(
        index=place,
        uri=data_uri(test.images[place]),
        truth=truth,
        named=named,
        before=int(reference.said[place].argmax()),
        confidence=float(model.said[place, named]),
        classes=classes,
        said=tuple(tuple(float(row[each]) for each in classes) for row in rows),
    )


def _telling(rows: NDArray[np.float32], truth: int | None, named: int) -> tuple[int, ...]:
    """Return the classes to tell of: the true one, what is named, then those that anyone names."""
    first = [named] if truth is None else [truth, named]
    by_most = np.argsort(-rows.max(0), kind="stable").tolist()
    every = dict.fromkeys([*first, *by_most])
    return tuple(every)[:CLASSES]

"""Single test images with what every model says of them: mistakes, flips, what moved most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mnist_edge.bench.flips import flips_of
from mnist_edge.report.page.answers import (
    Answers,
    alike,
    deciding_alike,
    embedded,
    names_of,
    reference_of,
)
from mnist_edge.report.page.digits import data_uri

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from mnist_edge.data import Split
    from mnist_edge.report.page.material import Material

CARDS = 60  # images with every model's probabilities, at most, of each kind
THUMBNAILS = 140  # further mistakes that are shown small
CLASSES = 3  # whose probabilities a card tells
CLOSEST = 6  # images whose probabilities moved most, where no decision changed

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
        return _words(self.kind, self.truth) if self.kind else ""


@dataclass(frozen=True)
class Flipped:
    """The images that models which decide alike name otherwise than the reference.

    Attributes:
        title: the models, in words.
        cases: those that became wrong first, CARDS at most.
        count: how many there are.
        counts: by kind, in words: `6 became wrong`.
    """

    title: str
    cases: tuple[Case, ...]
    count: int
    counts: tuple[str, ...]


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


@dataclass(frozen=True)
class Mistakes:
    """What the embedded model names wrongly.

    Attributes:
        model: its name.
        count: images.
        cases: of which it was surest, the surest first, CARDS at most.
        small: those that follow, THUMBNAILS at most.
    """

    model: str
    count: int
    cases: tuple[Case, ...]
    small: tuple[Case, ...]


def mistakes(material: Material) -> Mistakes | None:
    """Return the mistakes of the model that `Classifier.open` chooses; None where none is known."""
    chosen = embedded(material.answers)
    if chosen is None or material.test is None or material.test.truth is None:
        return None
    wrong = np.flatnonzero(chosen.named != material.test.truth)
    sure = chosen.said.max(1)[wrong]
    order = wrong[np.argsort(-sure, kind="stable")]
    cases = _cases(material, chosen, order[: CARDS + THUMBNAILS])
    return Mistakes(chosen.name, len(wrong), tuple(cases[:CARDS]), tuple(cases[CARDS:]))


def flipped(material: Material) -> list[Flipped]:
    """Return the images whose decision is not the reference's, by models that decide alike."""
    reference, test = reference_of(material.answers), material.test
    if reference is None or test is None:
        return []
    found = []
    for group in deciding_alike(material.answers):
        flips = flips_of(reference.named, group[0].named, test.truth)
        kinds = {kind: [flip[0] for flip in getattr(flips, kind)] for kind in KINDS}
        count = sum(map(len, kinds.values()))
        if not count:
            continue
        cases = [
            replace(case, kind=kind)
            for kind, places in kinds.items()
            for case in _cases(material, group[0], places[:CARDS])
        ]
        counts = tuple(
            f"{len(each):,} {_words(kind, test.truth)}" for kind, each in kinds.items() if each
        )
        found.append(Flipped(names_of(group), tuple(cases[:CARDS]), count, counts))
    return found


def _words(kind: str, truth: object) -> str:
    return UNJUDGED if truth is None else KINDS[kind]


def moved(material: Material) -> list[Case]:
    """Return the images on which the embedded model's probabilities are furthest from float's."""
    reference, chosen = reference_of(material.answers), embedded(material.answers)
    if reference is None or chosen is None or material.test is None or chosen is reference:
        return []
    distance = np.abs(reference.said - chosen.said).max(1)
    order = np.argsort(-distance, kind="stable")[:CLOSEST]
    return _cases(material, chosen, [place for place in order if distance[place] > 0])


def _cases(material: Material, model: Answers, places: Iterable[int]) -> list[Case]:
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

"""Which test images a report shows: mistakes, flips, what moved most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mnist_edge.bench.flips import flips_of
from mnist_edge.report.page.answers import deciding_alike, embedded, names_of, reference_of
from mnist_edge.report.page.case import KINDS, Case, cases_of, what_became

if TYPE_CHECKING:
    from mnist_edge.report.page.material import Material

CARDS = 60  # images with every model's probabilities, at most, of each kind
THUMBNAILS = 140  # further mistakes that are shown small
CLOSEST = 6  # images whose probabilities moved most, where no decision changed


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
    cases = cases_of(material, chosen, order[: CARDS + THUMBNAILS])
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
            for case in cases_of(material, group[0], places[:CARDS])
        ]
        counts = tuple(
            f"{len(each):,} {what_became(kind, test.truth)}" for kind, each in kinds.items() if each
        )
        found.append(Flipped(names_of(group), tuple(cases[:CARDS]), count, counts))
    return found


def moved(material: Material) -> list[Case]:
    """Return the images on which the embedded model's probabilities are furthest from float's."""
    reference, chosen = reference_of(material.answers), embedded(material.answers)
    if reference is None or chosen is None or material.test is None or chosen is reference:
        return []
    distance = np.abs(reference.said - chosen.said).max(1)
    order = np.argsort(-distance, kind="stable")[:CLOSEST]
    return cases_of(material, chosen, [place for place in order if distance[place] > 0])

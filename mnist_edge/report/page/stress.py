"""What corruptions leave of the accuracy, with pictures of what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mnist_edge.bench.stress.corruptions import CORRUPTIONS, corrupt
from mnist_edge.errors import InputError
from mnist_edge.report.images_of import check_images
from mnist_edge.report.page.digits import data_uri
from mnist_edge.report.stress_picture import example
from mnist_edge.report.stress_table import Table, amount, tables, tried

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mnist_edge.report.page.material import Material

BAD = 0.9  # accuracy below which it is marked


class Level(NamedTuple):
    """One severity of one corruption.

    Attributes:
        amount: with its unit.
        uri: of an example; empty where the images are not at hand.
        accuracy: of the models, lowest to highest, percent, as text.
        bad: whether the lowest is below BAD.
    """

    amount: str
    uri: str
    accuracy: str
    bad: bool


class Stress(NamedTuple):
    """What there is to show of `bench --stress`.

    Attributes:
        kinds: for each corruption its name and its levels, the first the image as it is.
        tables: every number.
        models: how many models it is of.
    """

    kinds: tuple[tuple[str, tuple[Level, ...]], ...]
    tables: tuple[Table, ...]
    models: int


def stress(material: Material) -> Stress | None:
    """Return the stress that the record has; None where it has none."""
    every = [found for _number, found in tried(material.record or {"results": []})]
    if not every:
        return None
    kinds = []
    for place, kind in enumerate(every[0]["corruptions"]):
        columns = zip(*(each["corruptions"][place]["levels"] for each in every), strict=True)
        clean = [each["clean"] for each in every]
        scores = [("none", clean), *((amount(level[0], kind["unit"]), level) for level in columns)]
        uris = _examples(material, place, kind)
        levels = tuple(
            _level(said, level, uri) for (said, level), uri in zip(scores, uris, strict=True)
        )
        kinds.append((str(kind["name"]), levels))
    shown = tuple(_filled(table) for table in tables(material.benched))
    return Stress(tuple(kinds), shown, len(every))


def _filled(table: Table) -> Table:
    """Return a table without the columns in which no row has anything."""
    places = [
        place
        for place in range(len(table.columns))
        if any("".join(row.cells[place : place + 1]) for row in table.rows)
    ]
    rows = [
        row._replace(cells=tuple(row.cells[place] for place in places if place < len(row.cells)))
        for row in table.rows
    ]
    return table._replace(columns=[table.columns[place] for place in places], rows=rows)


def _level(said: str, scores: Sequence[Mapping[str, Any]], uri: str) -> Level:
    shares = [each["accuracy"] for each in scores]
    low, high = f"{100 * min(shares):.1f}", f"{100 * max(shares):.1f}"
    return Level(said, uri, low if low == high else f"{low}–{high}", min(shares) < BAD)


def _examples(material: Material, row: int, kind: Mapping[str, Any]) -> list[str]:
    """Return pictures of one image as it is, and at each severity; empty ones where none can be."""
    nothing = [""] * (1 + len(kind["levels"]))
    known = {each.name: each for each in CORRUPTIONS}.get(kind["name"])
    test = material.test
    if known is None or test is None or test.truth is None:
        return nothing
    try:
        check_images(material.benched, test.images)
    except InputError:
        return nothing
    index = example(test.truth, row)
    # Chance comes image by image: those after it change nothing.
    start = test.images[: index + 1]
    worse = [corrupt(start, known, level["amount"])[index] for level in kind["levels"]]
    return [data_uri(image) for image in (test.images[index], *worse)]

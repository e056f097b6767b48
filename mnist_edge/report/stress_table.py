"""What `bench --stress` found: a row a model, accuracy by corruption, confidence on non-digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mnist_edge.report.bench_cells import NAMES, names
from mnist_edge.report.layout import Column, Row, fold, lay_out, markdown, shown_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.text import Text

    Stress = Mapping[str, Any]
    Numbered = Sequence[tuple[int, Stress]]

OF_MODELS = "Under stress: accuracy on corrupted test images; # is the model's number below."
OF_LEVELS = (
    "Accuracy in %, by corruption and model; ±: half the 95 % Wilson interval, the widest of a row."
)
OF_STRANGERS = (
    "Images that are no digit: share in % whose confidence is below a threshold, and how well "
    "confidence tells them from test digits (AUROC, 0.5 is not at all)."
)

ENDLESS = 10_000


class Table(NamedTuple):
    """A table with the sentence that stands above it."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]


def stress_output(record: Mapping[str, Any], width: int = 80, wide: int = 80) -> list[Text | str]:
    """Return what is to be printed of a record's stress, in order; nothing where it has none.

    Args:
        record: of a bench, of any revision.
        width: that sentences are folded to.
        wide: that tables may take.
    """
    found: list[Text | str] = []
    for table in tables(record):
        found += ["", *fold(table.title, width), lay_out(table.columns, table.rows, wide)]
        every, shown = (shown_columns(table.columns, table.rows, room) for room in (ENDLESS, wide))
        if len(shown) < len(every):
            found += fold("Not every column has room here: --wide shows them all.", width)
    return found + [line for each in _missing(record) for line in fold(each, width)]


def stress_markdown(record: Mapping[str, Any]) -> list[str]:
    """Return a record's stress as lines of GitHub's Markdown; none where it has none."""
    lines = []
    for table in tables(record):
        lines += ["", table.title, "", *markdown(table.columns, table.rows)]
    return lines + [line for each in _missing(record) for line in ("", each)]


def amount(level: Mapping[str, Any], unit: str = "") -> str:
    """Return how much of a corruption a level is: `0.75 px`, `30°`."""
    return f"{level['amount']:g}{'' if unit == '°' else ' '}{unit}".rstrip()


def tried(record: Mapping[str, Any]) -> list[tuple[int, Stress]]:
    """Return the stress of each row that went through it, with the row's number from 1."""
    rows = enumerate(record["results"], 1)
    return [(number, row["stress"]) for number, row in rows if row.get("stress")]


def tables(record: Mapping[str, Any]) -> list[Table]:
    """Return the tables of a record's stress; none where it has none."""
    every = tried(record)
    if not every:
        return []
    return [
        Table(OF_MODELS, *_of_models(record)),
        Table(OF_LEVELS, *_of_levels(every)),
        Table(OF_STRANGERS, *_of_strangers(every)),
    ]


def _of_models(record: Mapping[str, Any]) -> tuple[list[Column], list[Row]]:
    several = len({row["threads"] for row in record["results"]}) > 1
    columns = [
        *NAMES, Column(("Thr.", "")), Column(("#", "")), Column(("Clean", "%")),
        Column(("Mean", "%")), Column(("Worst", "%"), left=True), Column(("ECE", "%"), 1),
        Column(("ECE,", "mean"), 2),
    ]  # fmt: skip
    rows = []
    for place, (row, name) in enumerate(
        zip(record["results"], names(record["results"]), strict=True), 1
    ):
        found = row.get("stress")
        if found is None:
            why = f"failed: {row['error']}" if row["error"] else "was not put under stress"
            rows.append(Row((name, row["runtime"], why), "red"))
            continue
        worst = found["worst"]
        cells = (
            str(row["threads"]) if several else "",
            str(place),
            _percent(found["clean"]["accuracy"]),
            _percent(found["mean_accuracy"]),
            f"{100 * worst['accuracy']:.1f} {worst['name']} {amount(worst)}",
            _percent(found["clean"]["calibration_error"]),
            _percent(found["mean_calibration_error"]),
        )
        rows.append(Row((name, row["runtime"], *cells)))
    return columns, rows


def _of_levels(every: Numbered) -> tuple[list[Column], list[Row]]:
    columns = [Column(("Corruption", ""), left=True), *_numbers(every), Column(("±", ""))]
    rows = [_scores("none", [found["clean"] for _number, found in every])]
    for kinds in zip(*(found["corruptions"] for _number, found in every), strict=True):
        for levels in zip(*(kind["levels"] for kind in kinds), strict=True):
            name = f"{kinds[0]['name']} {amount(levels[0], kinds[0]['unit'])}"
            rows.append(_scores(name, levels))
    return columns, rows


def _scores(name: str, levels: Sequence[Mapping[str, Any]]) -> Row:
    widest = max(high - low for low, high in (level["accuracy_ci95"] for level in levels))
    shares = (_percent(level["accuracy"]) for level in levels)
    return Row((name, *shares, _percent(widest / 2)))


def _of_strangers(every: Numbered) -> tuple[list[Column], list[Row]]:
    columns = [Column(("Confidence", ""), left=True), *_numbers(every)]
    of_all = [found["non_digits"] for _number, found in every]
    rows = _below("test digits", of_all[0], [each["digits_below"] for each in of_all])
    for sets in zip(*(each["sets"] for each in of_all), strict=True):
        if sets[0].get("missing") is None:
            rows += _below(sets[0]["name"], of_all[0], [each["below"] for each in sets])
            cells = (f"{each['auroc']:.3f}" for each in sets)
            rows.append(Row((f"{sets[0]['name']}, AUROC", *cells)))
    return columns, rows


def _below(name: str, found: Stress, shares: Sequence[Sequence[float]]) -> list[Row]:
    return [
        Row((f"{name} below {threshold:g}", *(_percent(each[place]) for each in shares)))
        for place, threshold in enumerate(found["thresholds"])
    ]


def _missing(record: Mapping[str, Any]) -> list[str]:
    sets = [each for _number, found in tried(record)[:1] for each in found["non_digits"]["sets"]]
    return [
        f"No {each['name']}: {each['missing']}" for each in sets if each.get("missing") is not None
    ]


def _numbers(every: Numbered) -> list[Column]:
    """Return a column for each model; where not all have room, the first ones are shown."""
    return [Column((str(number), ""), place) for place, (number, _found) in enumerate(every)]


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"

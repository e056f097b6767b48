"""What became worse from one bench record to the next by more than is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mnist_edge.bench.pairs import TIMINGS
from mnist_edge.bench.ratios import percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mnist_edge.bench.pairs import Pair

ROUNDING = 1e-9
KINDS = {
    "failed": "no longer running",
    "missing": "missing",
    "accuracy": "less accurate than allowed",
    "gate": "newly below the gate",
    "slower": "slower by more than {limit:g} %",
}


class Regression(NamedTuple):
    """Something that became worse.

    Attributes:
        kind: one of KINDS.
        row: its name.
        text: what, in a line.
    """

    kind: str
    row: str
    text: str


def of_pair(pair: Pair, limit: float) -> Iterator[Regression]:
    """Return what became worse of a row.

    A timing is judged by its whole interval; where there is none, by the ratio itself. Starting up
    is not judged: it hangs on what the disk has in memory.

    Args:
        pair: the row, old and new.
        limit: percent that it may be slower by.
    """
    row = str(pair.key)
    if pair.error is not None and pair.error_before is None:
        yield Regression("failed", row, f"{row} ran before, and failed: {pair.error}")
    points, allowed = pair.accuracy_points, pair.accuracy_allowed
    if points is not None and allowed is not None and -points > allowed + ROUNDING:
        text = f"{row}: accuracy down {-points:.2f} points, allowed {allowed:.4g}"
        yield Regression("accuracy", row, text)
    for failure in pair.gate_failures:
        yield Regression("gate", row, f"{row} kept its gate before, and not now: {failure}")
    for key in TIMINGS:
        each = pair.ratios.get(key)
        if each is not None and each.exceeds(limit):
            text = f"{row}: {key} {percent(each)}, allowed {limit:+g} %"
            yield Regression("slower", row, text)


def of_missing(row: str) -> Regression:
    """Return the regression that a row is which only the old record has."""
    text = f"{row} is in OLD alone: bench it, or leave it out by --runtime or --threads"
    return Regression("missing", row, text)


def summary(found: Sequence[Regression], limit: float) -> str:
    """Return how many rows became worse, by kind: `7 rows slower by more than 10 %, 1 missing`."""
    parts: list[str] = []
    for kind, words in KINDS.items():
        rows = {each.row for each in found if each.kind == kind}
        if rows:
            noun = "" if parts else f" row{'s' * (len(rows) != 1)}"
            parts.append(f"{len(rows)}{noun} {words.format(limit=limit)}")
    return ", ".join(parts)

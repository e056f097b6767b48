"""A bench record as GitHub's Markdown: verdict, what it is of, table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnist_edge.bench.record import Record
from mnist_edge.errors import one_line
from mnist_edge.report import bench_cells as cells
from mnist_edge.report.bench_words import machine, verdict, what, words_on_decisions
from mnist_edge.report.layout import markdown

if TYPE_CHECKING:
    from collections.abc import Mapping

UNFOLDED = 10_000


def bench_markdown(record: Mapping[str, Any]) -> str:
    """Return a record for a README: its main figures, with verdict and machine."""
    shown = [each for each in cells.figures(record) if each.column.rank < cells.OPTIONAL]
    columns = [*cells.NAMES, *(each.column for each in shown)]
    sentence, *reasons = verdict(record)
    lines = [
        f"**{sentence}.** {what(record)} On {machine(record)}.",
        "",
        *markdown(columns, cells.rows(record, shown, code=True)),
        "",
        "Call: set, run and get in the runtime, p50. Image, p99: image in, label out. "
        "±: half the 95 % Wilson interval.",
    ]
    notes = [*Record(record).failures, *words_on_decisions(record, UNFOLDED)]
    notes += [reason.removeprefix("- ") for reason in reasons]
    if notes:
        lines += ["", *(f"- {one_line(note)}" for note in notes)]
    return "\n".join(map(_plain, lines))


def _plain(line: str) -> str:
    """Return a line in which no tag of HTML can hide."""
    return line.replace("<", "&lt;")

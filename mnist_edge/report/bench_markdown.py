"""A bench record as GitHub's Markdown: verdict, what it is of, table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnist_edge.errors import one_line
from mnist_edge.report import bench_cells as cells
from mnist_edge.report.bench_verdict import models, notes, timings
from mnist_edge.report.bench_words import legend, machine, what, words_on_decisions
from mnist_edge.report.layout import markdown
from mnist_edge.report.stress_table import stress_markdown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNFOLDED = 10_000


def bench_markdown(record: Mapping[str, Any]) -> str:
    """Return a record for a README: verdicts, machine, main figures and what they mean."""
    shown = [each for each in cells.figures(record) if each.column.rank < cells.OPTIONAL]
    columns = [*cells.NAMES, *(each.column for each in shown)]
    said, *held = models(record)
    timing, *reasons = timings(record)
    word, comma, more = said.partition(",")
    lines = [
        f"**Models: {word}**{comma}{more}",
        *_listed(held),
        f"**{timing}.** {what(record)} On {machine(record)}.",
        "",
        *markdown(columns, cells.rows(record, shown, code=True)),
        "",
        " ".join(legend(record)),
        *_listed([*words_on_decisions(record, UNFOLDED), *notes(record), *reasons]),
        *stress_markdown(record),
    ]
    return "\n".join(map(_plain, lines)).rstrip()


def _listed(lines: Sequence[str]) -> list[str]:
    """Return lines as a list that stands apart from what is around it."""
    return (
        ["", *(f"- {one_line(each.removeprefix('- '))}" for each in lines), ""] if lines else [""]
    )


def _plain(line: str) -> str:
    """Return a line in which no tag of HTML can hide."""
    return line.replace("<", "&lt;")

"""What a model card is made of: text, lists, tables and code as Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mnist_edge.errors import one_line
from mnist_edge.report.layout import Column, Row
from mnist_edge.report.layout import markdown as table_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mnist_edge.report.page.commands import Snippet
    from mnist_edge.report.page.verdict import Fact

_SPECIAL = re.compile(r"([\\`*_\[\]>#])")  # and | in text; tables see to it in their cells


def snippets(found: Iterable[Snippet]) -> list[str]:
    """Return the lines of what is to be copied, each below what it does."""
    lines: list[str] = []
    for each in found:
        lines += ["", f"{plain(each.title)}:", "", f"```{each.language}", each.text, "```"]
    return lines[1:]


def fact_lines(found: Iterable[Fact]) -> list[str]:
    """Return a list of facts."""
    return [
        f"- **{plain(each.name)}**: {plain(each.value)}"
        + (f" ({plain(each.about)})" if each.about else "")
        for each in found
    ]


def table(columns: Sequence[Column], rows: Sequence[Row]) -> list[str]:
    """Return the lines of a table; a cell in back quotes stays as it is."""
    heads = [
        Column(tuple(map(_escaped, each.head)), left=each.left)  # type: ignore[arg-type]
        for each in columns
    ]
    escaped = [Row(tuple(map(_escaped, row.cells))) for row in rows]
    return [tag_free(line) for line in table_lines(heads, escaped)]


def _escaped(cell: str) -> str:
    return cell if cell.startswith("`") else _SPECIAL.sub(r"\\\1", one_line(cell))


def plain(text: str) -> str:
    """Return text in which nothing is Markdown or HTML."""
    return tag_free(_SPECIAL.sub(r"\\\1", one_line(text)).replace("|", "\\|"))


def tag_free(line: str) -> str:
    """Return a line of Markdown in which nothing is HTML."""
    return line.replace("<", "&lt;")

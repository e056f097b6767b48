"""A comparison of the bench records of several machines: for the terminal, and in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_edge.report.compare_table import compare_markdown, compare_output
from mnist_edge.report.layout import fold

if TYPE_CHECKING:
    from rich.text import Text

    from mnist_edge.bench.compare_machines import MachinesComparison


def machines_output(
    found: MachinesComparison, width: int = 80, *, wide: bool = False
) -> list[Text | str]:
    """Return all that is to be printed of a comparison, in order: a section a machine.

    Args:
        found: the comparison.
        width: of the terminal.
        wide: show every time of starting up, and not only those that differ.
    """
    from rich.text import Text

    parts: list[Text | str] = []
    for each in found.hosts:
        parts += [""] if parts else []
        said = each.host if each.said is None else f"{each.host}: {each.said}"
        style = "bold red" if each.failed else "bold"
        parts += [Text(line, style) for line in fold(said, width)]
        if each.comparison is not None:
            parts += ["", *compare_output(each.comparison, width, wide=wide)]
    return parts


def machines_markdown(found: MachinesComparison) -> str:
    """Return a comparison as Markdown, a section a machine."""
    parts = []
    for each in found.hosts:
        parts.append(f"### {each.host}")
        if each.said is not None:
            parts.append(f"**REGRESSED**: {each.said}" if each.failed else each.said)
        if each.comparison is not None:
            parts.append(compare_markdown(each.comparison))
    return "\n\n".join(parts)

"""Text tables that fit where they are shown: the terminal's width, or Markdown.

A table of ours has rows that end in a sentence ("failed: ...") and columns that are shown only
where there is room, and it looks the same in a terminal and in a pipe.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from textwrap import TextWrapper
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from mnist_edge.errors import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

UNIT = re.compile(r"(?<=\d) (%|dB|kB|µs)(?!\w)")  # not to be parted from their number
TIED = "\N{NO-BREAK SPACE}"
READABLE = 16  # characters of a name that tell it from others, mostly
LEAST = 8  # characters that a name is cut to, at most


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        head: what it is, and below it the unit.
        rank: 0 for one that is always shown; others come as there is room, the lowest first.
        left: whether its cells begin at the left; numbers end at the right.
        spare: of rank 0, and yet left out before names are cut to less than READABLE; the highest
            first, never those of 0.
    """

    head: tuple[str, str] = ("", "")
    rank: int = 0
    left: bool = False
    spare: int = 0


class Row(NamedTuple):
    """A row of a table.

    Attributes:
        cells: text by column. Where there are fewer than columns, the last goes on to the end.
        style: of rich.
    """

    cells: tuple[str, ...]
    style: str = ""


def lay_out(columns: Sequence[Column], rows: Sequence[Row], width: int) -> Text:
    """Return a table of at most `width` columns; the names of the first column are cut to fit.

    A column in which no row has anything is left out.
    """
    rows, widths, shown = _laid_out(columns, rows, width)
    over = sum(widths[place] + 1 for place in shown) - 1 - width
    widths[0] = max(min(LEAST, widths[0]), widths[0] - max(0, over))
    text, rule = Text(), min(width, sum(widths[place] + 1 for place in shown) - 1)
    for part in (0, 1):
        heads = [column.head[part] for column in columns]
        if any(heads[place] for place in shown):
            text.append(_line(columns, heads, widths, shown, width) + "\n", "bold")
    text.append("─" * rule)
    for row in rows:
        text.append("\n")
        text.append(_line(columns, row.cells, widths, shown, width), row.style)
    return text


def shown_columns(columns: Sequence[Column], rows: Sequence[Row], width: int) -> list[Column]:
    """Return the columns that `lay_out` shows at a width."""
    return [columns[place] for place in _laid_out(columns, rows, width)[2]]


def markdown(columns: Sequence[Column], rows: Sequence[Row]) -> list[str]:
    """Return a table as GitHub's Markdown has them, all columns that have anything in them."""
    shown = [place for place in range(len(columns)) if _filled(rows, columns, place)]
    heads = [" ".join(filter(None, columns[place].head)) for place in shown]
    heads = [one_line(head).replace("|", "\\|") for head in heads]
    lines = [heads, ["---" if columns[place].left else "---:" for place in shown]]
    for row in rows:
        cells = {place: row.cells[place] for place in shown if _is_cell(row, columns, place)}
        if len(row.cells) < len(columns):  # there is no cell that spans several
            last = len(row.cells) - 1
            cells[min((place for place in shown if place >= last), default=0)] = row.cells[-1]
        lines.append([one_line(cells.get(place, "")).replace("|", "\\|") for place in shown])
    return [f"| {' | '.join(line)} |" for line in lines]


def fold(line: str, width: int, indent: str = "  ") -> list[str]:
    """Return a line in as many as it takes at a width; what cannot be broken may be longer.

    >>> fold("all but 40 % of it", 11)
    ['all but', '  40 % of', '  it']
    """
    wrapper = TextWrapper(
        width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )
    whole = UNIT.sub(f"{TIED}\\1", one_line(line))
    return [part.replace(TIED, " ") for part in wrapper.wrap(whole)] or [""]


def cut(name: str, width: int) -> str:
    """Return a name that fits; its end tells more than its middle.

    >>> cut("a-very-long-name-int8.tflite", 16)
    'a-ve…int8.tflite'
    """
    if cell_len(name) <= width:
        return name
    end = (width - 1) * 3 // 4
    return f"{name[: width - 1 - end]}…{name[-end:]}"


def _laid_out(
    columns: Sequence[Column], rows: Sequence[Row], width: int
) -> tuple[list[Row], list[int], list[int]]:
    """Return the rows in one line each, the width of every column, and which are shown."""
    rows = [Row(tuple(map(one_line, row.cells)), row.style) for row in rows]
    widths = [_width(columns, rows, place) for place in range(len(columns))]
    return rows, widths, _fitting(columns, rows, widths, width)


def _width(columns: Sequence[Column], rows: Sequence[Row], place: int) -> int:
    cells = (row.cells[place] for row in rows if _is_cell(row, columns, place))
    return max(map(cell_len, (*columns[place].head, *cells)))


def _is_cell(row: Row, columns: Sequence[Column], place: int) -> bool:
    """Return whether a row has a cell here, and not the sentence that it ends in."""
    return place < len(row.cells) - (len(row.cells) < len(columns))


def _filled(rows: Sequence[Row], columns: Sequence[Column], place: int) -> bool:
    return any(_is_cell(row, columns, place) and row.cells[place] for row in rows)


def _fitting(
    columns: Sequence[Column], rows: Sequence[Row], widths: Sequence[int], width: int
) -> list[int]:
    filled = [place for place in range(len(columns)) if _filled(rows, columns, place)]
    shown = {place for place in filled if columns[place].rank == 0}
    for place in sorted(filled, key=lambda place: columns[place].rank):
        if sum(widths[each] + 1 for each in {*shown, place}) - 1 <= width:
            shown.add(place)
    short = max(0, widths[0] - READABLE)
    for place in sorted(shown, key=lambda place: -columns[place].spare):
        if columns[place].spare and sum(widths[each] + 1 for each in shown) - 1 - short > width:
            shown.remove(place)
    return sorted(shown)


def _line(
    columns: Sequence[Column],
    cells: Sequence[str],
    widths: Sequence[int],
    shown: Sequence[int],
    width: int,
) -> str:
    parts = []
    tail = len(cells) - 1 if len(cells) < len(columns) else len(cells)
    for place in shown:
        if place >= tail:
            break
        size, cell = widths[place], cut(cells[place], widths[place])
        pad = " " * (size - cell_len(cell))
        parts.append(cell + pad if columns[place].left else pad + cell)
    line = " ".join(parts)
    if tail < len(cells):
        line = f"{line} {cells[tail]}"
        if cell_len(line) > width:
            line = set_cell_size(line, width - 1).rstrip() + "…"
    return line.rstrip()

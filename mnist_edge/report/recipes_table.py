"""The table of recipes for the terminal."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

from mnist_edge.report.layout import Column, Row, lay_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text

COLUMNS = (
    Column(("Recipe", ""), left=True),
    Column(("Parameters", "")),
    Column(("Epochs", "")),
    Column(("Test %", "")),
    Column(("What it is", ""), left=True),
)
LEAST = 16  # columns for what it is, however narrow the terminal


def recipes_table(
    recipes: Sequence[Any], measured: dict[str, dict[str, Any]], width: int = 80
) -> Text:
    """Return the table of recipes with what was measured of each; summaries are folded to fit."""
    figures = [_figures(recipe, measured.get(recipe.name, {})) for recipe in recipes]
    heads = [column.head[0] for column in COLUMNS[:-1]]
    taken = sum(max(map(len, column)) + 1 for column in zip(heads, *figures, strict=True))
    room = max(LEAST, width - taken)
    rows = []
    for recipe, cells in zip(recipes, figures, strict=True):
        first, *rest = wrap(recipe.summary, room)
        rows.append(Row((*cells, first)))
        rows += [Row((*("" for _ in cells), line)) for line in rest]
    return lay_out(COLUMNS, rows, width)


def _figures(recipe: Any, found: dict[str, Any]) -> tuple[str, ...]:
    return (
        recipe.name,
        f"{found['parameters']:,}" if found else "",
        str(recipe.epochs),
        f"{100 * found['test_accuracy']:.2f}" if found else "",
    )

"""The table of recipes for the terminal (rich)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence


def recipes_table(recipes: Sequence[Any], measured: dict[str, dict[str, Any]]) -> Table:
    """Return the table of recipes with what was measured of each."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("Recipe", no_wrap=True)
    table.add_column("What it is")
    for name in ("Parameters", "Epochs", "Test %"):
        table.add_column(name, justify="right", no_wrap=True)
    for recipe in recipes:
        found = measured.get(recipe.name, {})
        table.add_row(
            recipe.name,
            recipe.summary,
            f"{found['parameters']:,}" if found else "",
            str(recipe.epochs),
            f"{100 * found['test_accuracy']:.2f}" if found else "",
        )
    return table

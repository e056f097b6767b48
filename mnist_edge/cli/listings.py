"""`mnist-edge recipes` and `mnist-edge runtimes`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mnist_edge.backends import known_runtimes
from mnist_edge.cli import console
from mnist_edge.report.tables import recipes_table
from mnist_edge.training.recipes import RECIPES, measured

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def recipes(json: Json = False) -> None:
    """List the recipes with parameters, epochs and measured test accuracy.

    Example: mnist-edge recipes --json
    """
    found = measured()
    if json:
        console.print_json(
            [
                {**recipe.as_dict(), "measured": found.get(recipe.name)}
                for recipe in RECIPES.values()
            ]
        )
        return
    console.out.print(recipes_table(list(RECIPES.values()), found))
    console.out.print("Measured by tools/measure_recipes.py on MNIST, seed 0.")


def runtimes(json: Json = False) -> None:
    """List the runtimes, which are installed, and how to get the others.

    Example: mnist-edge runtimes
    """
    rows: list[dict[str, Any]] = [
        {
            "name": row.name,
            "formats": list(row.formats),
            "installed": row.installed,
            "version": row.version if row.installed else None,
            "pip": f'pip install "mnist-edge[{row.extra}]"',
        }
        for row in known_runtimes()
    ]
    if json:
        console.print_json(rows)
        return
    for row in rows:
        state = f"installed, {row['version']}" if row["installed"] else f"absent: {row['pip']}"
        formats = ", ".join(row["formats"])
        console.out.print(f"{row['name']:16} .{formats:8} {state}", markup=False, soft_wrap=True)

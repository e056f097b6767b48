"""`mnist-edge recipes` and `mnist-edge runtimes`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mnist_edge.backends import Runtime, known_runtimes
from mnist_edge.backends.ladder import FORMATS
from mnist_edge.cli import console
from mnist_edge.doctor.finding import folded
from mnist_edge.report.recipes_table import recipes_table
from mnist_edge.training.recipes import RECIPES, measured

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def recipes(json: Json = False) -> None:
    """List the recipes: parameters, epochs, test accuracy.

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
    table = recipes_table(list(RECIPES.values()), found, console.out.width)
    console.out.print(table, "", sep="\n", soft_wrap=True)
    taught = [name for name, row in found.items() if "--teacher" in row["command"]]
    with_teachers = f"; {' and '.join(taught)} with teachers" if taught else ""
    console.tell(f"Measured by tools/measure_recipes.py on MNIST, seed 0{with_teachers}.", "")


def runtimes(json: Json = False) -> None:
    """List the runtimes: which are usable, and why not others.

    The best come first; what is to be done about the others is said.

    Example: mnist-edge runtimes
    """
    rows = [_described(row) for row in known_runtimes()]
    if json:
        console.print_json(rows)
        return
    for row in rows:
        opens = ", ".join(f".{form}" for form in row["formats"])
        value = row["version"] or "installed" if row["usable"] else row["reason"]
        for line in folded(f"{row['name']:17}{opens:9}", value, row["remedy"], console.out.width):
            console.out.print(line, soft_wrap=True)
    first = {
        form: row["name"] for row in reversed(rows) if row["usable"] for form in row["formats"]
    }
    taken = [f"{first[form]} (.{form})" for form in FORMATS if form in first]
    console.tell(f"Taken first: {', '.join(taken) or 'none, nothing is usable'}")


def _described(row: Runtime) -> dict[str, Any]:
    obstacle = row.obstacle()
    return {
        "name": row.name,
        "formats": list(row.formats),
        "installed": row.installed,
        "usable": obstacle is None,
        "version": row.version if row.installed else None,
        "reason": obstacle.reason if obstacle else "",
        "remedy": obstacle.remedy if obstacle else "",
    }

"""Put measured tables into the README, between its marks.

    python tools/readme_tables.py [BENCH.json]

The table of recipes comes from mnist_edge/training/measured.json; the demo's from a bench record,
by default artifacts/runs/demo/bench.json, which `make demo` writes.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from mnist_edge.atomic import write_file
from mnist_edge.cli import bench
from mnist_edge.training.recipes import RECIPES, measured

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
RECORD = ROOT / "artifacts" / "runs" / "demo" / "bench.json"


def recipes_table() -> str:
    """Return the table of recipes as Markdown."""
    lines = [
        "| recipe | what it is | parameters | epochs | test accuracy | claimed |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for name, recipe in RECIPES.items():
        found = measured()[name]
        lines.append(
            f"| `{name}` | {recipe.summary} | {found['parameters']:,} | {recipe.epochs} | "
            f"{100 * found['test_accuracy']:.2f} % | {recipe.claim or '–'} |"
        )
    return "\n".join(lines)


def demo_table(record: dict[str, Any]) -> str:
    """Return what `mnist-edge bench` prints of a record, as 80 columns show it."""
    console = Console(width=80, file=io.StringIO(), highlight=False)
    bench.show(record, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return "```\n" + "\n".join(line.rstrip() for line in text.splitlines()) + "\n```"


def put(text: str, name: str, table: str) -> str:
    """Return `text` with `table` between the marks of `name`."""
    start, end = f"<!-- table: {name} -->\n", "\n<!-- end -->"
    before, _, rest = text.partition(start)
    after = rest[rest.index(end.strip()) :]
    return f"{before}{start}{table}\n{after}"


def main() -> None:
    """Write the tables."""
    record = Path(sys.argv[1]) if sys.argv[1:] else RECORD
    text = put(README.read_text(encoding="utf-8"), "recipes", recipes_table())
    text = put(text, "demo", demo_table(json.loads(record.read_text(encoding="utf-8"))))
    write_file(README, text)


if __name__ == "__main__":
    main()

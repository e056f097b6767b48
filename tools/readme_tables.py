"""Put measured tables into the README and the pages of docs/, between their marks.

    python -m tools.readme_tables [BENCH.json]

Each comes from a record in artifacts/ that a command wrote (see tools/tables/); that of recipes
comes from mnist_edge/training/measured.json, the demo's from a bench record, where one is named.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from mnist_edge.atomic import write_file
from mnist_edge.cli.bench_show import show
from tools.tables.devices import peers_tables, platforms_table, repeat_table, wrapper_table
from tools.tables.exports import drops_table, formats_table, qat_table
from tools.tables.networks import (
    ablation_table,
    fast_line,
    frontier_table,
    recipes_table,
    stress_tables,
    together_line,
)

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
EXPORT, PLATFORMS, BENCHMARK, BESIDE = (
    ROOT / "docs" / f"{name}.md" for name in ("export", "platforms", "benchmark", "peers")
)
ARTIFACTS = ROOT / "artifacts" / "README.md"
ONE_IMAGE = ("image", "start")


def demo_table(record: dict[str, Any]) -> str:
    """Return what `mnist-edge bench` prints of a record, as 80 columns show it."""
    console = Console(width=80, file=io.StringIO(), highlight=False)
    show(record, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return "```\n" + "\n".join(line.rstrip() for line in text.splitlines()) + "\n```"


def put(text: str, name: str, table: str) -> str:
    """Return `text` with `table` between the marks of `name`."""
    start, end = f"<!-- table: {name} -->\n", "\n<!-- end -->"
    before, _, rest = text.partition(start)
    after = rest[rest.index(end.strip()) :]
    return f"{before}{start}{table}\n{after}"


def tables() -> dict[Path, dict[str, str]]:
    """Return the tables of each page that are made from records, by their marks."""
    return {
        README: {"frontier": frontier_table(), "wrapper": wrapper_table(ONE_IMAGE)},
        ARTIFACTS: {
            "frontier": frontier_table(),
            "fast": fast_line(),
            "together": together_line(),
            "ablation": ablation_table(),
            "stress": stress_tables(),
            "recipes": recipes_table(),
        },
        PLATFORMS: {"platforms": platforms_table()},
        BENCHMARK: {"repeat": repeat_table()},
        BESIDE: {
            "wrapper-more": wrapper_table(("keras", "batch", "start_memory")),
            **peers_tables(),
        },
        EXPORT: {"formats": formats_table(), "drops": drops_table(), "qat": qat_table()},
    }


def main() -> None:
    """Write the tables."""
    found = tables()
    if sys.argv[1:]:
        record = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
        found[README]["demo"] = demo_table(record)
    for page, each in found.items():
        text = page.read_text(encoding="utf-8")
        for name, table in each.items():
            text = put(text, name, table)
        write_file(page, text)


if __name__ == "__main__":
    main()

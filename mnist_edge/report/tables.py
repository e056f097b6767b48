"""Tables for the terminal (rich), each from a record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDE = 110  # columns from which the bench table shows all it has


def bench_table(record: dict[str, Any], width: int = 80) -> Table:
    """Return the table of a bench record; below WIDE columns it shows the main figures."""
    wide = width >= WIDE
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=0)
    table.add_column("Model", no_wrap=True)
    table.add_column("Runtime", no_wrap=True)
    for name in ("kB", "Accuracy %", "Agree %"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("Call µs", "Image µs", "p99 µs") + (("Images/s", "MB") if wide else ()):
        table.add_column(name, justify="right", no_wrap=True)
    for row, name in zip(record["results"], _names(record["results"]), strict=True):
        table.add_row(*_bench_row(row, name, wide), style="red" if row["gate_failures"] else "")
    return table


def _bench_row(row: dict[str, Any], name: str, wide: bool) -> list[str]:
    start = [name, row["runtime"], f"{row['bytes'] / 1000:.0f}"]
    if row["status"] != "ok":
        return [*start, "failed"]
    parity, latency = row["parity"], row["latency"]
    cells = [
        *start,
        _accuracy(parity),
        "-" if parity["agreement"] is None else f"{100 * parity['agreement']:.2f}",
        _microseconds(latency["invoke_us"]["p50"]),
        _microseconds(latency["predict_us"]["p50"]),
        _microseconds(latency["predict_us"]["p99"]),
    ]
    if wide:
        memory = row["memory"]["rss_mb"]
        cells += [f"{latency['images_per_s']:,.0f}", "" if memory is None else f"{memory:.0f}"]
    return cells


def _accuracy(parity: dict[str, Any]) -> str:
    if parity["accuracy"] is None:
        return "-"
    low, high = parity["accuracy_ci95"]
    return f"{100 * parity['accuracy']:.2f} ±{50 * (high - low):.2f}"


def short_name(row: dict[str, Any]) -> str:
    """Return `int8.tflite` for `edge-int8.tflite`: what differs between rows of one bundle."""
    name, _, rest = str(row["model"]).partition(f"-{row['quantization']}")
    return f"{row['quantization']}{rest}" if rest else name


def _names(results: Sequence[dict[str, Any]]) -> list[str]:
    """Return the shortest names that tell the rows apart."""
    if len({row["bundle"] for row in results}) == 1 and results[0]["bundle"]:
        return [short_name(row) for row in results]
    return [
        f"{Path(row['bundle']).name}/{short_name(row)}" if row["bundle"] else row["model"]
        for row in results
    ]


def _microseconds(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


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

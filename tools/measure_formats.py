"""Export every format of every recipe, run each on all test images, and print one table.

    python tools/measure_formats.py [--fresh] [RECIPE ...]

Runs are those of `make recipes` under artifacts/runs; `edge` is the shipped bundle's. A recipe
that is in artifacts/formats.json already is only shown, unless it is named or --fresh is said.
The README's table is made from that file.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from mnist_edge.atomic import write_file
from mnist_edge.bench.exported import ExportCheck
from mnist_edge.bundle import ModelEntry, read_bundle
from mnist_edge.data import load
from mnist_edge.export.exporter import export
from mnist_edge.export.plan import QUANTIZED, Target, Wanted, targets
from mnist_edge.training.recipes import find

ROOT = Path(__file__).parent.parent
FORMATS = ROOT / "artifacts" / "formats.json"
RECIPES = ("edge", "sequential", "dropout", "split20", "batch128", "cnn")


def every_target() -> tuple[Target, ...]:
    """Return each quantization with its defaults, and int8 with each option by itself."""
    found = list(targets(Wanted(QUANTIZED)))
    for option, values in (
        ("io", ("uint8", "float32")),
        ("granularity", ("per-tensor",)),
        ("method", ("percentile", "entropy")),
    ):
        for value in values:
            found += targets(Wanted(("int8", "int16x8"), **{option: (value,)}))
    return tuple(dict.fromkeys(found))


def run_of(recipe: str) -> Path:
    """Return the folder of a recipe's run."""
    folder = ROOT / "artifacts" / ("edge" if recipe == "edge" else f"runs/{recipe}")
    if not (folder / "manifest.json").is_file():
        sys.exit(f"no run at {folder}: make it with make recipes")
    return folder


def measure(recipe: str) -> list[dict[str, Any]]:
    """Export a recipe's run in every format; return a row for each model."""
    run = read_bundle(run_of(recipe))
    run = run._replace(models=tuple(each for each in run.models if each.format == "keras"))
    dataset = load("mnist")
    check = ExportCheck(run.folder / run.models[0].file, dataset.test)
    say = Console(stderr=True)
    with tempfile.TemporaryDirectory() as folder, say.status(recipe) as status:
        made = export(
            run,
            dataset,
            Path(folder) / "bundle",
            every_target(),
            check,
            say=lambda what: status.update(f"{recipe}: {what}"),
        )
        return [row(entry) for entry in made.models if entry.parity]


def row(entry: ModelEntry) -> dict[str, Any]:
    """Return what the table says of a model."""
    parity = entry.parity
    kept = ("samples", "accuracy", "accuracy_ci95", "agreement", "flips_to_wrong", "flips_to_right")
    return {
        "model": entry.file,
        "format": entry.format,
        "quantization": entry.quantization,
        "bytes": entry.bytes,
        "drop": round(100 * (parity["reference_accuracy"] - parity["accuracy"]), 4),
        **{name: parity[name] for name in kept},
    }


def table_of(recipe: str, rows: list[dict[str, Any]]) -> Table:
    """Return what was measured of a recipe as a table for the terminal."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(recipe, no_wrap=True)
    for name in ("kB", "Accuracy %", "Drop", "Agree %", "Flips"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in rows:
        table.add_row(
            each["model"].removeprefix(f"{recipe}-"),
            f"{each['bytes'] / 1000:.1f}",
            f"{100 * each['accuracy']:.2f}",
            f"{each['drop']:+.2f}",
            f"{100 * each['agreement']:.2f}",
            f"{each['flips_to_wrong']}/{each['flips_to_right']}",
        )
    return table


def main(
    recipes: Annotated[list[str] | None, typer.Argument(help="Measure these anew.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Measure all anew.")] = False,
) -> None:
    """Measure what is named, or what is not there yet; print all."""
    named = [find(word).name for word in recipes or ()]
    record: dict[str, list[dict[str, Any]]] = {}
    if FORMATS.is_file():
        record = json.loads(FORMATS.read_text(encoding="utf-8"))
    for recipe in named or RECIPES:
        if recipe not in record or recipe in named or fresh:
            record[recipe] = measure(recipe)
            ordered = {each: record[each] for each in RECIPES if each in record}
            write_file(FORMATS, json.dumps(ordered, indent=1) + "\n")
    console = Console()
    for recipe, rows in record.items():
        console.print(table_of(recipe, rows))
    intervals = [each["accuracy_ci95"] for rows in record.values() for each in rows]
    widest = max(high - low for low, high in intervals)
    console.print(
        f"10,000 test images. Accuracy: ±{50 * widest:.2f} at most (95 % Wilson interval).\n"
        "Drop: points lost against Keras. Flips: images that became wrong/right."
    )


if __name__ == "__main__":
    typer.run(main)

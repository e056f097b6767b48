"""Tables of the networks: every recipe, five seeds of the small ones, `fast`, stress."""

from __future__ import annotations

import json
from pathlib import Path

from mnist_edge.report.stress_table import stress_markdown
from mnist_edge.training.recipes import RECIPES, measured
from tools.fast import CLASSIC, reached
from tools.frontier import LEARNERS

ARTIFACTS = Path(__file__).parent.parent.parent / "artifacts"
FRONTIER, STRESS = (ARTIFACTS / f"{name}.json" for name in ("frontier", "stress"))


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


def frontier_table() -> str:
    """Return what five seeds of each small network reach, as Markdown."""
    record = json.loads(FRONTIER.read_text(encoding="utf-8"))
    lines = [
        "| recipe | parameters | int8 file | float32, % | int8, % | the shipped one, % | time | "
        "training |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in LEARNERS:
        found = record[name]
        shipped = next(row for row in found["seeds"] if row["seed"] == found["shipped"])
        spread = (
            f"{100 * found[key]['mean']:.3f} ± {100 * found[key]['deviation']:.3f}"
            for key in ("test_float", "test_int8")
        )
        time = found["latency"]
        lines.append(
            f"| `{name}` | {shipped['parameters']:,} | {shipped['bytes']:,} bytes | "
            f"{' | '.join(spread)} | {100 * shipped['test_int8']:.2f} (seed {shipped['seed']}) | "
            f"{time['ratio']:.2f} ({time['low']:.2f} to {time['high']:.2f}) | "
            f"{found['seconds']['mean'] / 60:.0f} min |"
        )
    return "\n".join(lines)


def fast_line() -> str:
    """Return how fast `fast` is, in two sentences."""
    record = json.loads(FRONTIER.read_text(encoding="utf-8"))["fast"]
    ours, classic, ratio = record["fast"], record[CLASSIC], record["times_as_fast"]
    needed = reached(classic, record["goal"])
    there = "it did not reach" if ratio is None else f"it reached {ratio:.1f} times as fast"
    return (
        f"`mnist-edge train --recipe fast` took {ours['seconds']:.0f} s from its start to its end, "
        "imports and pictures included, and reached "
        f"{100 * ours['test_accuracy']:.2f} % on the test images. The validation accuracy that "
        f"`{CLASSIC}` ends with, {100 * record['goal']:.2f} %, which took that {needed:.0f} s, "
        f"{there}."
    )


def stress_tables() -> str:
    """Return how the shipped networks stand stress, as Markdown."""
    return "\n".join(stress_markdown(json.loads(STRESS.read_text(encoding="utf-8"))))

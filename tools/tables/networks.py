"""Tables of the networks: every recipe, five seeds of the small ones, `fast`, stress."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mnist_edge.data import load
from mnist_edge.report.stress_table import stress_markdown
from mnist_edge.training.recipes import RECIPES, find, measured
from tools.fast import CLASSIC, reached
from tools.runs import LEARNERS

ARTIFACTS = Path(__file__).parent.parent.parent / "artifacts"
FRONTIER, STRESS, ABLATION = (
    ARTIFACTS / f"{name}.json" for name in ("frontier", "stress", "ablation")
)


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


def together_line() -> str:
    """Return what the five seeds get wrong, each and together, in a sentence a recipe."""
    record, sentences = json.loads(FRONTIER.read_text(encoding="utf-8")), []
    images = len(find(LEARNERS[0]).split(load("mnist").train.labels)[1])
    for name in LEARNERS:
        wrong = [round(images * (1 - row["validation_int8"])) for row in record[name]["seeds"]]
        five = record[name]["validation_wrong_together"]
        sentences.append(
            f"`{name}`: {min(wrong)} to {max(wrong)} by seed, {five['mean']} by the mean of all "
            f"five; {five['all']} by each of them, {five['any']} by any."
        )
    return f"Of the {images:,} validation images, wrong in int8: " + " ".join(sentences)


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


def ablation_table() -> str:
    """Return what each step brings and costs, as Markdown; in brackets what was only tried."""
    record = json.loads(ABLATION.read_text(encoding="utf-8"))
    lines = []
    for name, rows in record["recipes"].items():
        lines += [
            f"| `{name}` | wrong, of {rows[0]['decisions']:,} | gain, points | "
            "under stress, % | parameters | int8 file | time | training |",
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        ]
        lines += [_ablation_row(row) for row in rows]
        lines.append("")
    return "\n".join(lines).rstrip()


def _ablation_row(row: dict[str, Any]) -> str:
    gain, spent = row.get("gain_points"), row["cpu_seconds"]
    cells = [
        f"({row['step']})" if row["beside"] else row["step"],
        f"{row['errors']}",
        f"{gain['value']:+.2f} ({gain['low']:+.2f} to {gain['high']:+.2f})" if gain else "",
        f"{100 * row['stressed']:.1f}",
        f"{row['parameters']:,}",
        f"{row['bytes']:,} bytes",
        f"{row['latency']['ratio']:.2f}",
        "–" if spent is None else f"{spent / 60:.1f} min",
    ]
    return f"| {' | '.join(cells)} |"

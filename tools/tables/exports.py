"""Tables of what can be exported, what each way costs, and what fine-tuning is worth."""

from __future__ import annotations

import json
from pathlib import Path

from mnist_edge.export.plan import VALID

ARTIFACTS = Path(__file__).parent.parent.parent / "artifacts"
FORMATS, QAT = (ARTIFACTS / f"{name}.json" for name in ("formats", "qat"))


def formats_table() -> str:
    """Return what can be exported, with what it came to for `edge`, as Markdown."""
    rows = {row["model"]: row for row in json.loads(FORMATS.read_text(encoding="utf-8"))["edge"]}
    lines = [
        "| | what it is | input and output | scales of weights | calibration | kB | accuracy |",
        "| --- | --- | --- | --- | --- | ---: | ---: |",
    ]
    for (form, quantization), row in VALID.items():
        found = rows[f"edge-{quantization}.{form}"]
        options = (", ".join(each) or "–" for each in (row.io, row.granularity, row.method))
        flag = quantization if quantization == "float32" else f"--{quantization}"
        lines.append(
            f"| {form} `{flag}` | {row.about} | {' | '.join(options)} | "
            f"{found['bytes'] / 1000:.1f} | {100 * found['accuracy']:.2f} % |"
        )
    return "\n".join(lines)


def drops_table() -> str:
    """Return the change of accuracy of each format against Keras, by recipe, as Markdown."""
    record = json.loads(FORMATS.read_text(encoding="utf-8"))
    lines = [f"| | {' | '.join(f'`{name}`' for name in record)} |"]
    lines.append("| --- |" + " ---: |" * len(record))
    for row in record["edge"]:
        file = row["model"].removeprefix("edge-")
        drops = (
            next(each["drop"] for each in rows if each["model"] == f"{name}-{file}")
            for name, rows in record.items()
        )
        lines.append(f"| {file} | {' | '.join(f'{0 - drop:+.2f}' for drop in drops)} |")
    return "\n".join(lines)


def qat_table() -> str:
    """Return what fine-tuning for int8 is worth, accuracy on validation and test, as Markdown."""
    ways = {
        "post_training": "post-training",
        "float_fine_tuned": "after as much more training in float",
        "quantization_aware": "quantization-aware",
    }
    lines = [
        f"| int8, in % | {' | '.join(ways.values())} | does it help |",
        "| --- |" + " ---: |" * 4,
    ]
    for row in json.loads(QAT.read_text(encoding="utf-8"))["rows"]:
        name = f"`{row['run']}`, {row['granularity']}"
        if row["channel_times"] != 1:
            name += f", one channel times {row['channel_times']:g}"
        parts = [row[part]["accuracy"] for part in ("validation", "test")]
        cells = [" / ".join(f"{100 * each[way]:.2f}" for each in parts) for way in ways]
        lines.append(f"| {name} | {' | '.join(cells)} | {'yes' if row['helps'] else 'no'} |")
    return "\n".join(lines)

"""The tables of a record of peers as Markdown, for docs/peers.md by tools/readme_tables.py."""

from __future__ import annotations

from typing import Any

from tools.peers import tables
from tools.peers.tables import KINDS, outcome, ranged, share, time, times


def peers(record: dict[str, Any]) -> str:
    """Return every peer with its ratio to ours."""
    lines = [
        "| | version | µs | ratio to ours | to ours in int8 | bare call, µs | same labels |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for kind in KINDS:
        for row in (row for row in record["peers"] if row["kind"] == kind):
            if row["own_us"] and not row["predict_us"]:  # litert-benchmark takes no image
                continue
            bare = row["bare_us"] or row["run_us"]
            compared = row["to_ours"] is not None
            ratio = f"**{times(row['to_ours'])}** {spread(row['to_ours'])}" if compared else ""
            name = plain(f"{row['peer']}, {kind}")
            cells = [name, row["version"] or "–", time(row["predict_us"]), ratio or outcome(row),
                     times(row["to_ours_int8"]), time(bare), share(row["agreement"])]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def calls(record: dict[str, Any]) -> str:
    """Return what each bare call of LiteRT's takes on one .tflite."""
    lines = ["| call | int8, µs | ratio | float32, µs | ratio |", "| --- |" + " ---: |" * 4]
    rows = {(row["call"], row["kind"]): row for row in record["bare_calls"]}
    for call in dict.fromkeys(name for name, _kind in rows):
        cells = [call]
        for kind in KINDS:
            row = rows.get((call, kind))
            cells += [time(row["us"]), ranged(row["to_ours"])] if row else ["–", "–"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def limits(record: dict[str, Any]) -> str:
    """Return how far each model is from what one core can do."""
    found = record["roofline"]
    lines = [
        "| | million multiply-adds | limit, µs | runtime alone | `Backend.invoke` | "
        "`Classifier.predict` |",
        "| --- |" + " ---: |" * 5,
    ]
    for row in found["models"]:
        cells = [
            f"{time(call['us'])} µs, {share(call['share']['median'])}" if call else "–"
            for call in map(row["calls"].get, ("run", "invoke", "predict"))
        ]
        first = f"{row['model']} | {row['macs'] / 1e6:.2f} | {time(row['limit_us'])}"
        lines.append(f"| {first} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", core(found)])


def core(found: dict[str, Any]) -> str:
    """Return in words what the limit is measured by."""
    said = []
    for kind, peak in found["peaks"].items():
        each = f", {peak['macs_a_cycle']:.0f} a cycle" if peak["macs_a_cycle"] else ""
        if each and peak["widest"]:
            each += f" of at most {peak['widest']}"
        how = peak["product"].removeprefix("product, ")
        said.append(f"{peak['gmacs']['median']:.0f} in {kind} (by {how}{each})")
    ghz = f" at {found['clock_ghz']:.2f} GHz" if found["clock_ghz"] else ""
    return f"One core{ghz}, in thousand million multiply-adds a second: {'; '.join(said)}."


def settings(record: dict[str, Any]) -> str:
    """Return what was set of each peer, a line each."""
    return "\n".join(
        f"- {plain(name)}: `{what}`" for name, what in tables.settings(record["peers"])
    )


def plain(text: str) -> str:
    """Return a name whose underscores are no emphasis."""
    return text.replace("_", r"\_")


def spread(found: dict[str, float]) -> str:
    """Return the middle 90 % of the rounds."""
    low, high = (times({"median": found[end]}) for end in ("p5", "p95"))
    return f"({low} to {high})"

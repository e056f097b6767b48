"""What stands in the tables of a bench record: a column a figure, each told from a row."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mnist_edge.report.layout import Column, Row

Figures = Mapping[str, Any]  # a row of the record
ONE_SIDED = 2  # times the shorter arm of an interval: a longer one is no ± of a number
NAMED = 8  # models that a sentence names
OPTIONAL = 2  # rank from which a column is for wide tables alone


class Figure(NamedTuple):
    """A column with how its cells are read from a row that ran."""

    column: Column
    cell: Callable[[Figures], str]


def figures(record: Mapping[str, Any]) -> list[Figure]:
    """Return what may be shown of each row, in order; names are apart."""
    several = len({row["threads"] for row in record["results"]}) > 1
    call, image = (_timing("Call", "invoke_us"), _timing("Image", "predict_us"))
    return [
        _figure("Thr.", "", 0, lambda row: str(row["threads"]) if several else ""),
        _figure("kB", "", 0, kilobytes, spare=2),
        _figure("Accuracy", "%", 0, accuracy),
        _figure("Drop", "points", 11, lambda row: _number(row["parity"].get("drop"), ".2f")),
        _figure("Agree", "%", 0, agreement),
        _figure("Flips", "-/+", 10, _flips),
        _figure("McNemar", "p", 17, lambda row: _number(row["parity"]["mcnemar_p"], ".2g")),
        _figure("Worst class", "points", 6, _worst_class),
        _figure("Max", "diff", 12, lambda row: _number(row["parity"]["max_abs_diff"], ".2g")),
        _figure("Calib.", "error", 13,
                lambda row: _number(row["parity"].get("calibration_error"), ".4f")),
        call("p50", "", 0, spare=1), call("p90", "p90", 16), call("p99", "p99", 14),
        image("p50", "", 0), image("p90", "p90", 7), image("p99", "p99", 1),
        image("p99.9", "p99.9", 8), image("mad", "MAD", 9),
        _figure("Images/s", "at best", 2, _best_batch),
        _figure("Import", "ms", 15, lambda row: milliseconds(row["latency"]["import_ms"])),
        _figure("Load", "ms", 3, lambda row: milliseconds(row["latency"]["load_ms"])),
        _figure("First", "ms", 4, lambda row: milliseconds(row["latency"]["first_ms"])),
        _figure("Memory", "MB", 5, lambda row: _number(row["memory"].get("rss_mb"), ".0f")),
        _figure("", "", 0, lambda row: "!" if row["gate_failures"] else ""),
    ]  # fmt: skip


def rows(record: Mapping[str, Any], shown: Sequence[Figure], *, code: bool = False) -> list[Row]:
    """Return the rows of a table: name, runtime and figures, or why there are none.

    Args:
        record: of a bench.
        shown: which figures.
        code: put names into back quotes.
    """
    found = []
    for row, name in zip(record["results"], names(record["results"]), strict=True):
        start = (f"`{name}`" if code else name, row["runtime"])
        if row["status"] == "ok":
            cells = (*start, *(figure.cell(row) for figure in shown))
            found.append(Row(cells, "red" if row["gate_failures"] else ""))
        else:
            threads = shown[0].cell(row)
            why = f"failed{f' with {threads} thread(s)' if threads else ''}: {row['error']}"
            found.append(Row((*start, why), "red"))
    return found


NAMES = (Column(("Model", ""), left=True), Column(("Runtime", ""), left=True))


def names(results: Sequence[Figures]) -> list[str]:
    """Return the shortest names that tell the models of rows apart."""
    if len({row["bundle"] for row in results}) == 1 and results[0]["bundle"]:
        return [short_name(row) for row in results]
    return [
        f"{Path(row['bundle']).name}/{short_name(row)}" if row["bundle"] else row["model"]
        for row in results
    ]


def who(found: Sequence[tuple[Figures, str]]) -> str:
    """Return rows, each with its name, in words: `int8.tflite on litert, tensorflow-lite; ...`."""
    runtimes: dict[str, list[str]] = {}
    for row, name in found:
        runtimes.setdefault(name, []).append(row["runtime"])
    said = [f"{name} on {', '.join(dict.fromkeys(each))}" for name, each in runtimes.items()]
    more = f"; and {len(said) - NAMED} more" if len(said) > NAMED else ""
    return "; ".join(said[:NAMED]) + more


def judged(row: Figures) -> bool:
    """Return whether there was anything to hold a row's answers against."""
    parity = row["parity"] or {}
    return parity.get("agreement") is not None or parity.get("drop") is not None


def short_name(row: Figures) -> str:
    """Return `int8.tflite` for `edge-int8.tflite`: what differs between rows of one bundle."""
    name, _, rest = str(row["model"]).partition(f"-{row['quantization']}")
    return f"{row['quantization']}{rest}" if rest else name


def kilobytes(row: Figures) -> str:
    """Return the size of a row's model in kB (1000 bytes)."""
    return f"{row['bytes'] / 1000:.0f}" if row["bytes"] >= 10_000 else f"{row['bytes'] / 1000:.1f}"


def accuracy(row: Figures) -> str:
    """Return the accuracy in percent with half its interval; nothing where it is not known.

    Where the interval is much one-sided, as near 100 %, its ends stand in place of the half.
    """
    parity = row["parity"]
    if parity["accuracy"] is None:
        return ""
    if parity["accuracy_ci95"] is None:
        return f"{100 * parity['accuracy']:.2f}"
    share, (low, high) = 100 * parity["accuracy"], (100 * end for end in parity["accuracy_ci95"])
    below, above = share - low, high - share
    if max(below, above) <= ONE_SIDED * min(below, above):
        return f"{share:.2f} ±{(high - low) / 2:.2f}"
    digits = max(1, -math.floor(math.log10(high - low))) if high > low else 2
    ends = (f"{end:.{digits}f}" if 0 < end < 100 else f"{end:g}" for end in (low, high))
    return f"{share:.{digits}f} {'–'.join(ends)}"


def agreement(row: Figures) -> str:
    """Return the agreement with the reference in percent, rounded down: 100 is all."""
    share = row["parity"]["agreement"]
    return "" if share is None else f"{int(1e4 * share + 1e-6) / 100:.2f}"


def microseconds(value: float) -> str:
    """Return a time in µs with three digits or more."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def milliseconds(value: float) -> str:
    """Return a time in ms with two digits or more."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def rate(value: float) -> str:
    """Return a number per second with three digits: `138k`, `1.38M`."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= 0.9995 * size:
            scaled = value / size
            return f"{scaled:.{2 if scaled < 9.995 else 1 if scaled < 99.95 else 0}f}{unit}"
    return f"{value:.0f}"


def best_batch(latency: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the batch with most images a second; None where only one size was measured."""
    batches = latency.get("batches") or ()
    return max(batches, key=lambda each: float(each["images_per_s"]), default=None)


def _figure(
    name: str, unit: str, rank: int, cell: Callable[[Figures], str], spare: int = 0
) -> Figure:
    return Figure(Column((name, unit), rank, spare=spare), cell)


def _timing(name: str, key: str) -> Callable[..., Figure]:
    def figure(part: str, shown: str, rank: int, spare: int = 0) -> Figure:
        head = (f"{name}", "µs") if not shown else (f"{shown}", "µs")
        if shown and key == "invoke_us":
            head = (f"{name} {shown}", "µs")
        return _figure(*head, rank, lambda row: _microseconds(row["latency"][key].get(part)), spare)

    return figure


def _microseconds(value: float | None) -> str:
    return "" if value is None else microseconds(value)


def _number(value: float | None, form: str) -> str:
    return "" if value is None else f"{value + 0.0:{form}}"


def _flips(row: Figures) -> str:
    wrong, right = row["parity"]["flips_to_wrong"], row["parity"]["flips_to_right"]
    return "" if wrong is None or right is None else f"{wrong}/{right}"


def _worst_class(row: Figures) -> str:
    worst = row["parity"].get("worst_class")
    return "" if worst is None else f"{worst['label'][:12]} {worst['change']:+.2f}"


def _best_batch(row: Figures) -> str:
    best = best_batch(row["latency"])
    if best is None:
        return rate(row["latency"]["images_per_s"])
    return f"{rate(best['images_per_s'])} ×{best['size']}"

"""A bench record for the terminal: the table of results, and those of batches, threads, minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnist_edge.bench.sustained import MINUTE_S
from mnist_edge.report import bench_cells as cells
from mnist_edge.report.bench_verdict import words_after
from mnist_edge.report.bench_words import words_on_decisions, words_on_what
from mnist_edge.report.layout import Column, Row, fold, lay_out, shown_columns
from mnist_edge.report.stress_table import stress_output

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.text import Text

    Record = Mapping[str, Any]

WIDE = 110  # columns from which the table shows what there is room for
EVERYTHING = 1000
# Batch sizes in a narrow terminal, the most telling first.
SIZES = (1, 256, 16, 64, 4, 32, 8, 128, 2)


def bench_output(record: Record, width: int = 80, *, wide: bool = False) -> list[Text | str]:
    """Return all that is to be printed of a record, in order, each to be printed as it is.

    Args:
        record: of a bench, of either revision.
        width: of the terminal; sentences are folded to it, and tables fit it.
        wide: show every column however long the lines become, and every table.
    """
    of_table = EVERYTHING if wide else width
    heads = {column.head[0] for column in shown_columns(*_columns_and_rows(record, of_table))}
    found: list[Text | str] = [bench_table(record, of_table), ""]
    found += [*words_on_what(record, width, heads), *words_on_decisions(record, width)]
    several = len({row["threads"] for row in record["results"]}) > 1
    if several:
        found += ["", "Image in, label out, µs (p50) by threads:", threads_table(record, width)]
    if (wide or several) and any(
        (row["latency"] or {}).get("batches") for row in record["results"]
    ):
        found += ["", "Images per second by images in a batch:", batch_table(record, width)]
    for row, name in zip(record["results"], cells.names(record["results"]), strict=True):
        if (row["latency"] or {}).get("sustained"):
            found += ["", *sustained_lines(row, name, width)]
    found += stress_output(record, width, of_table)
    return [*found, "", *words_after(record, width)]


def bench_table(record: Record, width: int = 80) -> Text:
    """Return the table of results; below WIDE columns it shows the main figures."""
    return lay_out(*_columns_and_rows(record, width))


def _columns_and_rows(record: Record, width: int) -> tuple[list[Column], list[Row], int]:
    shown = [
        each for each in cells.figures(record) if width >= WIDE or each.column.rank < cells.OPTIONAL
    ]
    columns = [*cells.NAMES, *(each.column for each in shown)]
    return columns, cells.rows(record, shown), width


def batch_table(record: Record, width: int = 80) -> Text:
    """Return images per second by batch size; where not all have room, the most telling ones."""
    ran = [row for row in record["results"] if row["latency"]]
    every = {each["size"] for row in ran for each in row["latency"].get("batches") or ()}
    ranks = {size: place + 1 for place, size in enumerate(SIZES)}
    sizes = sorted(every)
    columns = [*cells.NAMES, Column(("Thr.", ""))]
    columns += [Column((f"{size}", ""), ranks.get(size, len(SIZES) + 1)) for size in sizes]
    several = len({row["threads"] for row in ran}) > 1
    rows = []
    for row, name in zip(record["results"], cells.names(record["results"]), strict=True):
        if row["latency"]:
            rates = {each["size"]: each["images_per_s"] for each in row["latency"]["batches"] or ()}
            found = [cells.rate(rates[size]) if size in rates else "" for size in sizes]
            threads = str(row["threads"]) if several else ""
            rows.append(Row((name, row["runtime"], threads, *found)))
    return lay_out(columns, rows, width)


def threads_table(record: Record, width: int = 80) -> Text:
    """Return the time from image to label by threads, and how much faster than with the fewest."""
    counts = sorted({row["threads"] for row in record["results"]})
    times: dict[tuple[str, str], dict[int, float | None]] = {}
    for row, name in zip(record["results"], cells.names(record["results"]), strict=True):
        found = row["latency"]["predict_us"]["p50"] if row["latency"] else None
        times.setdefault((name, row["runtime"]), {})[row["threads"]] = found
    columns = [*cells.NAMES, *(Column((str(count), "")) for count in counts)]
    return lay_out(
        columns,
        [Row((*key, *_by_threads(found, counts))) for key, found in times.items()],
        width,
    )


def _by_threads(times: Mapping[int, float | None], counts: list[int]) -> list[str]:
    first = times.get(counts[0])
    found = []
    for count in counts:
        if count not in times:
            found.append("")
            continue
        time = times[count]
        faster = f" ({first / time:.2f}x)" if first and time and count != counts[0] else ""
        found.append("failed" if time is None else cells.microseconds(time) + faster)
    return found


def sustained_lines(row: Mapping[str, Any], name: str, width: int = 80) -> list[Text | str]:
    """Return the minutes of sustained work of a row, which has a name: a sentence, and a table."""
    minutes = row["latency"]["sustained"]
    columns = [
        Column(("Minute", "")), Column(("p50", "µs")), Column(("p95", "µs")), Column(("Calls", "")),
        Column(("Heat", "°C")), Column(("Clock", "MHz")),
    ]  # fmt: skip
    rows = []
    for each in minutes:
        degrees, clock = each.get("temperature_c"), each.get("mhz")
        rows.append(
            Row(
                (
                    str(each["minute"]),
                    cells.microseconds(each["p50"]),
                    cells.microseconds(each["p95"]),
                    f"{each['n']:,}",
                    "" if degrees is None else f"{degrees:.1f}",
                    "" if clock is None else f"{clock:,.0f}",
                )
            )
        )
    title = f"{name} on {row['runtime']}, {_against_the_first(minutes)}"
    return [*fold(title, width), lay_out(columns, rows, width)]


def _against_the_first(minutes: Sequence[Mapping[str, Any]]) -> str:
    """Return how the last minute, or what there is of it, compares with the first, in words."""
    first, last = minutes[0], minutes[-1]
    seconds = last.get("seconds")
    part = seconds is not None and seconds < MINUTE_S
    if len(minutes) == 1:
        return f"{f'{seconds:g} s' if part else 'one minute'} only, nothing to compare"
    change = ", ".join(
        f"{key} {100 * (last[key] / first[key] - 1):+.1f} %" for key in ("p50", "p95")
    )
    lasted = f" ({seconds:g} s of it)" if part else ""
    return f"minute {last['minute']}{lasted} against {first['minute']}: {change}"

"""Desk and boards side by side, from their records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_edge.report.bench_cells import agreement, microseconds, short_name
from mnist_edge.report.layout import Column, Row, fold, lay_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.text import Text

    from mnist_edge.bench.remote import HostResult

    Record = Mapping[str, Any]
    Figures = Mapping[str, Any]

DESK = "desk"
COLUMNS = (
    Column(("Where", ""), left=True),
    Column(("Runtime", ""), left=True),
    Column(("Thr.", "")),
    Column(("Call", "µs"), spare=1),
    Column(("Image", "µs")),
    Column(("p99", "µs"), spare=2),
    Column(("Image", "× desk")),
    Column(("Accuracy", "%")),
    Column(("Agree", "%")),
    Column(),
)
WORST = 0.05  # of a second: steps that took less are not named


def host_table(desk: Record | None, results: Sequence[HostResult], width: int = 80) -> Text:
    """Return a table of each model on the desk and on every board.

    A model that no board ran is left out; a board that failed is a row of its own.
    """
    names = short_names([result.host for result in results])
    records = [(name, each.record) for name, each in zip(names, results, strict=True)]
    boards = [(name, record) for name, record in records if record is not None]
    several = len({row["threads"] for _, record in boards for row in record["results"]}) > 1
    places = [*([] if desk is None else [(DESK, desk)]), *boards]
    rows = []
    for key, title in _models([record for _name, record in boards]).items():
        rows.append(Row((title, ""), "bold"))
        for name, record in places:
            for row in _rows(record, key):
                rows.append(_row(row, name, desk, several))
    for name, result in zip(names, results, strict=True):
        if result.record is None:
            rows.append(Row((name, f"failed: {_without_host(result)}"), "red"))
    return lay_out(COLUMNS, rows, width)


def _row(row: Figures, name: str, desk: Record | None, several: bool) -> Row:
    start = (f"  {name}", row["runtime"])
    if row["status"] != "ok":
        return Row((*start, f"failed: {row['error']}"), "red")
    latency, accuracy = row["latency"], row["parity"]["accuracy"]
    image = latency["predict_us"]["p50"]
    like = [
        other["latency"]["predict_us"]["p50"]
        for other in ([] if desk is None else _rows(desk, _key(row)))
        if other["status"] == "ok" and _same(other, row)
    ]
    cells = (
        str(row["threads"]) if several else "",
        microseconds(latency["invoke_us"]["p50"]),
        microseconds(image),
        microseconds(latency["predict_us"]["p99"]),
        f"{image / like[0]:.2f}" if like and name != DESK else "",
        "" if accuracy is None else f"{100 * accuracy:.2f}",
        agreement(row),
        "!" if row["gate_failures"] else "",
    )
    return Row((*start, *cells), "red" if row["gate_failures"] else "")


def host_lines(desk: Record | None, results: Sequence[HostResult], width: int = 80) -> list[str]:
    """Return the verdict on each machine, with reasons, and what came of those that failed."""
    lines = [] if desk is None else _verdict(DESK, desk)
    names = short_names([result.host for result in results])
    for name, result in zip(names, results, strict=True):
        if result.record is not None:
            lines += _verdict(name, result.record)
        else:
            lines.append(f"{name}: failed: {_without_host(result)}")
        if result.board:
            lines.append(f"  {result.board}")
        lines += _verified(result)
        took = [f"{step} {took:.1f} s" for step, took in result.seconds.items() if took >= WORST]
        if took:
            lines.append(f"  {', '.join(took)}")
        lines += [f"  {note}" for note in result.notes]
    return [part for line in lines for part in _folded(line, width)]


def short_names(hosts: Sequence[str]) -> list[str]:
    """Return hosts without the user, where that still tells them apart.

    >>> short_names(["pi@kitchen", "pi@attic"])
    ['kitchen', 'attic']
    """
    short = [host.rpartition("@")[2] for host in hosts]
    return short if len(set(short)) == len(short) else list(hosts)


def _verdict(name: str, record: Record) -> list[str]:
    said = "VALID" if record["valid"] else "INVALID, take them as a first look"
    gates = [f"  ! {failure}" for row in record["results"] for failure in _below(row)]
    return [
        f"{name}: timings {said}",
        *(f"  - {each}" for each in record["invalid_reasons"]),
        *gates,
    ]


def _below(row: Figures) -> list[str]:
    return [f"{short_name(row)} on {row['runtime']}: {each}" for each in row["gate_failures"]]


def _verified(result: HostResult) -> list[str]:
    bad = [finding for finding in result.verify if not finding["holds"]]
    if not result.verify:
        return []
    held = len(result.verify) - len(bad)
    return [f"  verify: {held} of {len(result.verify)} hold"] + [
        f"  ! {each['file']} on {each['runtime'] or 'disk'}: {each['detail']}" for each in bad
    ]


def _folded(line: str, width: int) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()))
    inner = fold(line.strip(), max(20, width - len(indent)))
    return [f"{indent}{part}" for part in inner]


def _without_host(result: HostResult) -> str:
    return (result.error or "").removeprefix(f"{result.host}: ")


def _models(records: Sequence[Record]) -> dict[tuple[str | None, str], str]:
    """Return the models that any board has, by bundle and file, with what to call each."""
    found = {_key(row): row for record in records for row in record["results"]}
    several = len({bundle for bundle, _file in found}) > 1
    return {
        key: f"{Path(key[0]).name}/{short_name(row)}" if several and key[0] else short_name(row)
        for key, row in found.items()
    }


def _key(row: Figures) -> tuple[str | None, str]:
    return row["bundle"], row["model"]


def _rows(record: Record, key: tuple[str | None, str]) -> Iterator[Figures]:
    return (row for row in record["results"] if _key(row) == key)


def _same(one: Figures, other: Figures) -> bool:
    return bool((one["runtime"], one["threads"]) == (other["runtime"], other["threads"]))

"""Which row of one bench record is which of another: same model, runtime and threads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mnist_edge.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_edge.bench.record import Record

    Row = dict[str, Any]


class Key(NamedTuple):
    """What tells a row from the others.

    Attributes:
        bundle: name of its folder, where a record has several models of one name; else empty.
        model: file name.
        runtime: name.
        threads: of the runtime.
    """

    bundle: str
    model: str
    runtime: str
    threads: int

    def __str__(self) -> str:
        name = f"{self.bundle}/{self.model}" if self.bundle else self.model
        return f"{name} on {self.runtime}, {self.threads} thread{'s' * (self.threads != 1)}"


def keyed(*records: Record) -> list[dict[Key, Row]]:
    """Return the rows of each record by key, in order; equal keys are the same configuration.

    Raises:
        InputError: a record with two rows that nothing tells apart.
    """
    bundle_of = _naming(*records)
    found = []
    for record in records:
        rows: dict[Key, Row] = {}
        for row in record["results"]:
            key = Key(bundle_of(row), row["model"], row["runtime"], row["threads"])
            if key in rows:
                raise InputError(f"a record has {key} twice: bench bundles of the same name apart")
            rows[key] = row
        found.append(rows)
    return found


def _naming(*records: Record) -> Callable[[Row], str]:
    """Return what to call the bundle of a row: nothing, where models' names are enough."""
    for record in records:
        plain = {(row["model"], row["runtime"], row["threads"]) for row in record["results"]}
        if len(plain) < len(record["results"]):
            return lambda row: Path(row.get("bundle") or "").name
    return lambda _row: ""

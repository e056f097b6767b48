"""A bench record: what was measured, on what, and whether it holds.

`schema` is the number that a reader must know: it changes where a key is dropped or means
something else. `revision` counts what was added since; absent is 1.

    1: machine, dataset, settings, verdict; for each result parity, p50 to max of both timings, one
       process a result. The first records of it name the reference of all rows at once, and no
       bundles: rows get both when they are read.
    2: `created`, `version` and `labels`; the board, and the hash of the images; each check of the
       verdict, and what could not be checked; the images whose decision changed, change by class,
       calibration; several launches a result with the p50 of each round, 101 quantiles, p99.9 and
       median absolute deviation; batches of several sizes; minutes of sustained work.
    3: `stress` of each result, and whether the settings asked for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mnist_edge.bench.form import check
from mnist_edge.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = 1
REVISION = 3


class Record(Mapping[str, Any]):
    """A bench record, read by its keys; it is true where every model ran and passed its gates.

    It is no dict: json.dumps takes a dict that is not true for an empty one. `document` is what to
    write.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = dict(document)

    def __getitem__(self, key: str) -> Any:
        return self.document[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.document)

    def __len__(self) -> int:
        return len(self.document)

    @classmethod
    def read(cls, path: Path) -> Record:
        """Return the record in a file, of this revision or an earlier one.

        A revision that is newer is read, too: keys are only ever added.

        Raises:
            InputError: there is no file, or it is not a record, or one of a newer schema.
        """
        return cls.of(read_document(path), str(path))

    @classmethod
    def of(cls, found: Any, name: str) -> Record:
        """Return the record that a document from JSON is.

        Args:
            found: the document, which is changed.
            name: what messages call it.

        Raises:
            InputError: it is not a record, or one of a newer schema.
        """
        if not isinstance(found, dict) or not {"schema", "results"} <= found.keys():
            raise InputError(f"{name} is no bench record; wanted what bench --out wrote")
        check_schema(found["schema"], name)
        try:
            _complete(found)
            check(found)
            _check_rows(found)
        except InputError as error:
            raise InputError(f"{name} is damaged: {error}; bench again, or fetch it anew") from None
        return cls(found)

    @property
    def revision(self) -> int:
        """Which form of the schema it has; see above."""
        return int(self.get("revision") or 1)

    @property
    def valid(self) -> bool:
        """Whether its timings can be relied on."""
        return bool(self["valid"])

    @property
    def failures(self) -> list[str]:
        """What kept its models from running or from passing their gates, one line each."""
        found = []
        for row in self["results"]:
            name = f"{row['model']} on {row['runtime']}"
            if row["status"] != "ok":
                found.append(f"{name} failed: {row['error']}")
            found += [f"{name}: {failure}" for failure in row["gate_failures"]]
        return found

    def __bool__(self) -> bool:
        return not self.failures


def read_document(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        InputError: there is no file, or it is not JSON.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}: check the path") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text; wanted what bench --out wrote") from None
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} is not JSON, or is cut off: {error}; wanted what bench --out wrote"
        ) from None


def check_schema(schema: Any, name: str) -> None:
    """Make sure that this version reads a schema.

    Raises:
        InputError: it does not.
    """
    if isinstance(schema, int) and schema > SCHEMA:
        raise InputError(
            f"{name} is of schema {schema}, this version reads {SCHEMA}: upgrade mnist-edge"
        )
    if schema is True or schema != SCHEMA:
        raise InputError(f"{name} is of schema {schema!r}; wanted {SCHEMA}")


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")


def _complete(found: dict[str, Any]) -> None:
    """Put into rows what the first records of revision 1 say of all of them, or not at all."""
    if found.get("revision") is not None or not isinstance(found["results"], list):
        return
    for row in found["results"]:
        if isinstance(row, dict):
            row.setdefault("bundle", None)
            row.setdefault("reference", found.get("reference"))


def _check_rows(found: dict[str, Any]) -> None:
    """Make sure that what ran has what was measured of it.

    Raises:
        InputError: it has not, or there is no result.
    """
    if not found["results"]:
        raise InputError("'results' of the record is empty")
    for place, row in enumerate(found["results"]):
        lacking = [key for key in ("parity", "latency", "memory") if row[key] is None]
        if row["status"] == "ok" and lacking:
            raise InputError(f"item {place} of 'results' ran, and has no {lacking[0]!r}")

"""What `bench --host ... --out` wrote: the records of several machines in one document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnist_edge.bench.form import ANY, TEXT, check
from mnist_edge.bench.record import Record, check_schema, read_document
from mnist_edge.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

DESK = "desk"
FORM = {"desk?": ANY, "hosts": [{"host": TEXT, "status": TEXT, "error?": TEXT, "record?": ANY}]}


@dataclass(frozen=True)
class Machine:
    """What came of one machine.

    Attributes:
        record: of its bench; None where it did not come to one.
        error: why it failed; None where it did not.
    """

    record: Record | None
    error: str | None


def read(path: Path) -> Record | dict[str, Machine]:
    """Return the record in a file, or what came of each of several machines, by host or `desk`.

    Raises:
        InputError: there is no file, or it is neither, or it is damaged.
    """
    found = read_document(path)
    if not isinstance(found, dict) or "hosts" not in found or "results" in found:
        return Record.of(found, str(path))
    check_schema(found.get("schema"), str(path))
    try:
        check(found, FORM, "the document")
    except InputError as error:
        raise InputError(f"{path} is damaged: {error}; bench again, or fetch it anew") from None
    machines = {}
    if found.get("desk") is not None:
        machines[DESK] = Machine(Record.of(found["desk"], f"{DESK} in {path}"), None)
    for each in found["hosts"]:
        if each["host"] in machines:
            raise InputError(f"{path} has {each['host']} twice: bench each machine once")
        machines[each["host"]] = _machine(each, path)
    return machines


def _machine(found: dict[str, Any], path: Path) -> Machine:
    record = found.get("record")
    return Machine(
        None if record is None else Record.of(record, f"{found['host']} in {path}"),
        _error(found),
    )


def _error(found: dict[str, Any]) -> str | None:
    if found["status"] == "ok" and found.get("record") is not None:
        return None
    error: str = found.get("error") or "no reason given"
    return error.removeprefix(f"{found['host']}: ")

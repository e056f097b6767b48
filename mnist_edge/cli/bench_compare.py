"""`mnist-edge bench --compare OLD.json NEW.json`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mnist_edge.bench.compare import MAX_REGRESSION, Comparison, compare
from mnist_edge.bench.compare_machines import MachinesComparison, compare_machines
from mnist_edge.bench.machines import read
from mnist_edge.bench.record import Record
from mnist_edge.cli import console
from mnist_edge.errors import CheckFailed, SettingError
from mnist_edge.report.compare_machines_table import machines_markdown, machines_output
from mnist_edge.report.compare_table import compare_markdown, compare_output

if TYPE_CHECKING:
    from rich.text import Text

Compared = Comparison | MachinesComparison


def compare_records(
    old: Path,
    new: Path,
    *,
    max_regression: float = MAX_REGRESSION,
    any_machine: bool = False,
    json: bool = False,
    markdown: bool = False,
    wide: bool = False,
) -> None:
    """Print how the record at `new` compares with that at `old`, or those of several machines.

    Raises:
        CheckFailed: a row is slower by more than `max_regression` percent, or worse otherwise, or
            a machine failed that had not.
        InputError: a file that is no record.
        SettingError: records of different machines, images or paces, and not `any_machine`; or a
            record of one machine beside those of several.
    """
    found = _compared(old, new, max_regression, any_machine)
    if json:
        console.print_json({"old": str(old), "new": str(new), **found.as_dict()})
    elif markdown:
        console.put(f"{_markdown(found)}\n")
    else:
        for part in _output(found, console.out.width, wide):
            console.out.print(part, soft_wrap=True)
    if not found:
        raise CheckFailed(f"{found.summary()}: see above")


def _markdown(found: Compared) -> str:
    if isinstance(found, MachinesComparison):
        return machines_markdown(found)
    return compare_markdown(found)


def _output(found: Compared, width: int, wide: bool) -> list[Text | str]:
    if isinstance(found, MachinesComparison):
        return machines_output(found, width, wide=wide)
    return compare_output(found, width, wide=wide)


def _compared(old: Path, new: Path, max_regression: float, any_machine: bool) -> Compared:
    before, after = read(old), read(new)
    if isinstance(before, Record) and isinstance(after, Record):
        return compare(before, after, max_regression=max_regression, any_machine=any_machine)
    if not isinstance(before, Record) and not isinstance(after, Record):
        return compare_machines(
            before, after, max_regression=max_regression, any_machine=any_machine
        )
    several, one = (new, old) if isinstance(before, Record) else (old, new)
    raise SettingError(
        f"{several} is of several machines (bench --host), {one} of one: compare two of a kind, or "
        f"save one machine's record, 'desk' or the 'record' of one of 'hosts', from {several} into "
        "a file of its own"
    )

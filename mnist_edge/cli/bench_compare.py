"""`mnist-edge bench --compare OLD.json NEW.json`."""

from __future__ import annotations

from pathlib import Path

from mnist_edge.bench.compare import MAX_REGRESSION, compare
from mnist_edge.bench.record import Record
from mnist_edge.bench.regressions import summary
from mnist_edge.cli import console
from mnist_edge.errors import CheckFailed
from mnist_edge.report.compare_table import compare_markdown, compare_output


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
    """Print how the record at `new` compares with that at `old`.

    Raises:
        CheckFailed: a row is slower by more than `max_regression` percent, or worse otherwise.
        InputError: a file that is no record.
        SettingError: records of different machines, images or paces, and not `any_machine`.
    """
    found = compare(
        Record.read(old), Record.read(new), max_regression=max_regression, any_machine=any_machine
    )
    if json:
        console.print_json({"old": str(old), "new": str(new), **found.as_dict()})
    elif markdown:
        print(compare_markdown(found))
    else:
        for part in compare_output(found, console.out.width, wide=wide):
            console.out.print(part, soft_wrap=True)
    if not found:
        raise CheckFailed(f"{summary(found.found(), max_regression)}: see above")

"""`mnist-edge bench --host`: the same bench on boards."""

from __future__ import annotations

import json as json_module
import threading
from typing import TYPE_CHECKING, Any

from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from mnist_edge.atomic import write_file
from mnist_edge.bench.record import Record
from mnist_edge.bench.remote import HostResult, bench_hosts
from mnist_edge.cli import console
from mnist_edge.cli.progress import Log
from mnist_edge.errors import CheckFailed
from mnist_edge.report.host_table import host_lines, host_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from mnist_edge.bench import Settings
    from mnist_edge.data import Dataset

SCHEMA = 1


def on_hosts(
    hosts: Sequence[str],
    paths: Sequence[Path],
    dataset: Dataset,
    settings: Settings,
    keep: bool,
) -> list[HostResult]:
    """Bench on boards, with what each does now shown on stderr."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console.err,
        transient=True,
        disable=not console.err.live,
    ) as progress:
        return bench_hosts(hosts, paths, dataset, settings, _teller(progress, hosts), keep)


def _teller(progress: Progress, hosts: Sequence[str]) -> Callable[[str, str], None]:
    tasks: dict[str, TaskID] = {host: progress.add_task(host, total=None) for host in hosts}
    logs = {host: Log() for host in hosts}
    one_at_a_time = threading.Lock()

    def tell(host: str, text: str) -> None:
        with one_at_a_time:
            if console.err.live:
                said = f"{host}: {text}"[: console.err.width - 12]
                progress.update(tasks[host], description=said)
            else:
                logs[host].tell(f"{host}: {text}")

    return tell


def finish(
    desk: Record | None, results: Sequence[HostResult], out: Path | None, json: bool
) -> None:
    """Write and print what came of it.

    Raises:
        CheckFailed: a board failed, or `verify` there, or a model fell below its gate somewhere.
    """
    found = document(desk, results)
    if out is not None:
        write_file(out, json_module.dumps(found, indent=1) + "\n")
    if json:
        console.print_json(found)
    else:
        show(desk, results)
    check(desk, results)


def document(desk: Record | None, results: Sequence[HostResult]) -> dict[str, Any]:
    """Return what `--json` prints: each record as it is, and what came of each board."""
    own = None if desk is None else desk.document
    return {"schema": SCHEMA, "desk": own, "hosts": [result.as_dict() for result in results]}


def show(desk: Record | None, results: Sequence[HostResult]) -> None:
    """Print desk and boards side by side, then the verdict on each."""
    width = console.out.width
    console.out.print(host_table(desk, results, width), soft_wrap=True)
    console.out.print()
    for line in host_lines(desk, results, width):
        console.out.print(line, soft_wrap=True)


def check(desk: Record | None, results: Sequence[HostResult]) -> None:
    """Raise what the command ends with.

    Raises:
        CheckFailed: a board failed, or `verify` there, or a model fell below its gate somewhere.
    """
    failed = [] if desk is None else [f"desk: {each}" for each in desk.failures]
    for result in results:
        if result.error:
            failed.append(result.error)
        for each in result.verify:
            if not each["holds"]:
                where = f"{each['file']} on {each['runtime'] or 'disk'}"
                failed.append(f"{result.host}: verify: {where}: {each['detail']}")
        if result.record is not None:
            failed += [f"{result.host}: {each}" for each in Record(result.record).failures]
    if failed:
        raise CheckFailed("; ".join(failed))

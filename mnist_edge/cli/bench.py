"""`mnist-edge bench`."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from mnist_edge.atomic import write_file
from mnist_edge.backends.base import MOST_THREADS
from mnist_edge.bench.settings import QUICK, Settings
from mnist_edge.bench.suite import run_suite
from mnist_edge.classifier import SHIPPED
from mnist_edge.cli import console
from mnist_edge.errors import BundleError, CheckFailed, SettingError
from mnist_edge.report.bench_table import bench_output
from mnist_edge.stated import image_shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console


def bench(
    models: Annotated[
        list[Path] | None,
        typer.Argument(help="Bundles or model files [default: the newest run, else the shipped]."),
    ] = None,
    runtime: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be repeated.")
    ] = None,
    threads: Annotated[
        str, typer.Option(metavar="N", help="For each runtime; several as 1,2,4 or 1-4.")
    ] = "1",
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer calls: a first look, not a measurement.")
    ] = False,
    max_drop: Annotated[
        float | None,
        typer.Option(help="Accuracy that may be lost, in points [default: int8 0.1, float32 0]."),
    ] = None,
    min_agreement: Annotated[
        float | None,
        typer.Option(
            help="Decisions that must be the reference's, in percent "
            "[default: int8 99.8, float32 100]."
        ),
    ] = None,
    max_class_drop: Annotated[
        float | None,
        typer.Option(help="Accuracy that any one class may lose, in points."),
    ] = None,
    sustained: Annotated[
        float,
        typer.Option(metavar="MINUTES", help="Go on that long, and tell the pace of each minute."),
    ] = 0.0,
    data: Annotated[
        str | None, typer.Option(help="Test images to use [default: what the model learnt from].")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the record here, as JSON.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """Run every model on every installed runtime: accuracy, agreement, size, latency.

    Exit code 1 where a model falls below its gate. Example: mnist-edge bench artifacts/edge
    """
    paths = models or [_default()]
    shapes = {image_shape(path): path for path in paths}
    if len(shapes) > 1:
        raise SettingError(
            f"{' and '.join(map(str, shapes.values()))} take images of different shapes: bench "
            "them apart"
        )
    dataset = console.load_dataset(
        console.dataset_name(paths, data), next(iter(shapes)), labelled=False
    )
    settings = Settings(
        runtimes=tuple(runtime or ()),
        threads=_numbers(threads),
        sustained_minutes=sustained,
        max_drop=max_drop,
        min_agreement=min_agreement,
        max_class_drop=max_class_drop,
        **(QUICK if quick else {}),
    )
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console.err,
        transient=True,
        disable=not console.err.is_terminal,
    ) as progress:
        task = progress.add_task("bench", total=None)
        record = run_suite(
            paths,
            dataset,
            settings,
            lambda what, done, total: progress.update(
                task, description=what, completed=done, total=total
            ),
        )
    if out is not None:
        write_file(out, json_module.dumps(record.document, indent=1) + "\n")
    if json:
        console.print_json(record.document)
    else:
        show(record, console.out)
    if not record:
        raise CheckFailed("; ".join(record.failures))


def _numbers(text: str) -> tuple[int, ...]:
    """Return the numbers that are meant by `2`, `1,2,4` or `1-4`."""
    found: list[int] = []
    for part in text.split(","):
        first, _dash, last = part.partition("-")
        if not first.isdecimal() or (last and not int(first) <= int(last) <= MOST_THREADS):
            raise SettingError(f"threads is {text!r}; wanted a number, 1,2,4 or 1-4")
        found += range(int(first), int(last or first) + 1)
    return tuple(found)


def _default() -> Path:
    try:
        return console.newest_run()
    except BundleError:
        return SHIPPED


def show(record: Mapping[str, Any], console: Console) -> None:
    """Print a record as people read it: table, what it means, verdict."""
    for part in bench_output(record, console.width):
        console.print(part, soft_wrap=True)

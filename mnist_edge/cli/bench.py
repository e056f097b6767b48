"""`mnist-edge bench`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from mnist_edge.backends.base import MOST_THREADS
from mnist_edge.bench.compare import MAX_REGRESSION
from mnist_edge.bench.settings import QUICK, Settings
from mnist_edge.bench.suite import run_suite
from mnist_edge.classifier import SHIPPED
from mnist_edge.cli import completion, console
from mnist_edge.cli.bench_compare import compare_records
from mnist_edge.cli.bench_options import check_no_model, check_together, given_options
from mnist_edge.cli.bench_show import check_outputs, print_record, write_record
from mnist_edge.cli.progress import Log
from mnist_edge.errors import BundleError, CheckFailed, SettingError
from mnist_edge.report.layout import cut
from mnist_edge.stated import image_shape, learnt_from

if TYPE_CHECKING:
    from mnist_edge.bench.record import Record
    from mnist_edge.data import Dataset

BAR = 40  # columns of what moves, beside what is being done


def bench(
    context: typer.Context,
    models: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="MODEL",
            help="Bundles or model files [default: the newest run, else the shipped].",
            autocompletion=completion.model,
        ),
    ] = None,
    runtime: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only this one; may be repeated.",
            autocompletion=completion.runtime,
        ),
    ] = None,
    threads: Annotated[
        str, typer.Option(metavar="N", help="For each runtime; several as 1,2,4 or 1-4.")
    ] = "1",
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer calls: a first look, not a measurement.")
    ] = False,
    max_drop: Annotated[
        float | None,
        typer.Option(
            metavar="POINTS",
            help="Accuracy that may be lost, in points [default: int8 0.1, float32 0].",
        ),
    ] = None,
    min_agreement: Annotated[
        float | None,
        typer.Option(
            metavar="PERCENT",
            help="Decisions that must be the reference's, in percent "
            "[default: int8 99.8, float32 100].",
        ),
    ] = None,
    max_class_drop: Annotated[
        float | None,
        typer.Option(metavar="POINTS", help="Accuracy that any one class may lose, in points."),
    ] = None,
    sustained: Annotated[
        float,
        typer.Option(metavar="MINUTES", help="Go on that long, and tell the pace of each minute."),
    ] = 0.0,
    stress: Annotated[
        bool,
        typer.Option("--stress", help="Corrupt the images, too, and show what is no digit."),
    ] = False,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="Test images to use [default: what the model learnt from].",
            autocompletion=completion.data,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the record here, as JSON.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the results here, as CSV.")
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Draw it, as PNG, into this folder.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print it as Markdown, for a README.")
    ] = False,
    wide: Annotated[
        bool, typer.Option("--wide", help="Print every column, however long the lines.")
    ] = False,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="OLD NEW", help="Measure nothing: hold the record NEW against the record OLD."
        ),
    ] = None,
    max_regression: Annotated[
        float, typer.Option(metavar="PERCENT", help="By which NEW may be slower than OLD.")
    ] = MAX_REGRESSION,
    any_machine: Annotated[
        bool,
        typer.Option("--any-machine", help="Compare even other machines, images or paces."),
    ] = False,
    host: Annotated[
        list[str] | None,
        typer.Option(metavar="USER@BOARD", help="Bench there too, by OpenSSH; may be repeated."),
    ] = None,
    desk: Annotated[
        bool, typer.Option("--desk/--no-desk", help="With --host: bench on this machine as well.")
    ] = True,
    keep: Annotated[
        bool, typer.Option("--keep", help="With --host: leave the folders on the boards.")
    ] = False,
) -> None:
    """Measure accuracy, agreement, size and latency of models.

    Runs every model on every runtime that is installed, and says whether the times can be
    believed. Exit code 1 where a model falls below its gate, or NEW is slower or worse than OLD.

    Example: mnist-edge bench artifacts/edge --out record.json --pictures pictures
    Example: mnist-edge bench --compare artifacts/edge/bench.json record.json
    Example: mnist-edge bench artifacts/edge --host pi@raspberrypi.local
    """
    check_together(given_options(context))
    check_outputs(json, markdown, (out, csv), pictures)
    if compare is not None:
        compare_records(
            *compare,
            max_regression=max_regression,
            any_machine=any_machine,
            json=json,
            markdown=markdown,
            wide=wide,
        )
        return
    paths = models or [_default()]
    check_no_model(paths, (out, csv))
    shapes = {image_shape(path): path for path in paths}
    if len(shapes) > 1:
        raise SettingError(
            f"{' and '.join(map(str, shapes.values()))} take images of different shapes: bench "
            "them apart"
        )
    dataset = _images(paths, data, next(iter(shapes)))
    settings = Settings(
        runtimes=tuple(runtime or ()),
        threads=_numbers(threads),
        sustained_minutes=sustained,
        stress=stress,
        max_drop=max_drop,
        min_agreement=min_agreement,
        max_class_drop=max_class_drop,
        **(QUICK if quick else {}),
    )
    if host:
        from mnist_edge.cli import bench_host  # what reaches boards, which others need not load

        results = bench_host.on_hosts(host, paths, dataset, settings, keep)
        record = _measure(paths, dataset, settings) if desk else None
        bench_host.finish(record, results, out, json)
        return
    record = _measure(paths, dataset, settings)
    print_record(record, json=json, markdown=markdown, wide=wide)  # first: it cannot fail
    write_record(record, dataset.test, out=out, csv=csv, pictures=pictures)
    if not record:
        raise CheckFailed("; ".join(record.failures))


def _measure(paths: list[Path], dataset: Dataset, settings: Settings) -> Record:
    """Bench on this machine, with a bar."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console.err,
        transient=True,
        disable=not console.err.live,
    ) as progress:
        task = progress.add_task("bench", total=None)

        log = Log()

        def tell(what: str, done: int, total: int) -> None:
            room = max(16, console.err.width - BAR)
            progress.update(task, description=cut(what, room), completed=done, total=total)
            if not console.err.live:
                log.tell(f"{what}: step {done} of {total}")

        return run_suite(paths, dataset, settings, tell)


def _images(paths: list[Path], data: str | None, shape: tuple[int, int, int]) -> Dataset:
    """Load the test images, and say which they are where that is not plain."""
    loaded = console.load_dataset(console.dataset_name(paths, data), shape, labelled=False)
    dataset = loaded.to_judge({learnt_from(path) for path in paths})
    if loaded.came is not None:
        count, every = len(dataset.test), len(loaded.came)
        console.say(
            f"all {every:,} images of {dataset.name} are test images: no model here learnt from it"
            if count == every
            else f"{count:,} of the {every:,} images of {dataset.name} are test images: models may "
            "have learnt from the others; with test_images in it, you choose"
        )
    return dataset


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

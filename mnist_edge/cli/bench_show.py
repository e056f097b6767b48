"""Where a bench record goes: the terminal, one document on stdout, files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_edge.atomic import check_place, write_file
from mnist_edge.cli import console
from mnist_edge.errors import SettingError
from mnist_edge.report.bench_csv import bench_csv
from mnist_edge.report.bench_markdown import bench_markdown
from mnist_edge.report.bench_table import bench_output

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from mnist_edge.data import Split


def check_outputs(
    json: bool, markdown: bool, files: tuple[Path | None, ...], pictures: Path | None
) -> None:
    """Refuse what could not be written, before anything is measured.

    Raises:
        MissingExtraError: pictures are wanted, and matplotlib is not installed.
        OutputError: a place that cannot be written to.
        SettingError: two documents are wanted on stdout.
    """
    for path in (*files, None if pictures is None else pictures / "picture.png"):
        if path is not None:
            check_place(path)
    if json and markdown:
        raise SettingError("--json and --markdown are both for stdout: choose one")
    if pictures is not None:
        from mnist_edge.report.style import new_figure

        new_figure(1, 1)


def show(record: Mapping[str, Any], to: Console, *, wide: bool = False) -> None:
    """Print a record as people read it: table, what it means, verdict."""
    for part in bench_output(record, to.width, wide=wide):
        to.print(part, soft_wrap=True)


def print_record(
    record: Mapping[str, Any], *, json: bool = False, markdown: bool = False, wide: bool = False
) -> None:
    """Print a record to stdout: as JSON, as Markdown, or as people read it."""
    if json:
        console.print_json(dict(record))
    elif markdown:
        console.put(f"{bench_markdown(record)}\n")
    else:
        show(record, console.out, wide=wide)


def write_record(
    record: Mapping[str, Any],
    images: Split,
    *,
    out: Path | None = None,
    csv: Path | None = None,
    pictures: Path | None = None,
) -> None:
    """Write a record as JSON and CSV, and draw it from the images that it is of.

    Raises:
        OutputError: a place cannot be written to.
    """
    if out is not None:
        write_file(out, json.dumps(dict(record), indent=1) + "\n")
    if csv is not None:
        write_file(csv, bench_csv(record))
    if pictures is not None:
        from mnist_edge.report.bench_pictures import save_bench_pictures

        for path in save_bench_pictures(pictures, record, images):
            console.say(f"picture: {path}")

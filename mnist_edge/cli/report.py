"""`mnist-edge report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnist_edge.atomic import check_place, write_file
from mnist_edge.bundle import read_bundle
from mnist_edge.cli import completion, console
from mnist_edge.cli.progress import working
from mnist_edge.errors import BundleError, DataError, SettingError
from mnist_edge.stated import trained_on

if TYPE_CHECKING:
    from mnist_edge.bundle import Bundle
    from mnist_edge.data import Split
    from mnist_edge.report import page

NAMES = {False: "report.html", True: "report.md"}  # by whether it is Markdown
STDOUT = Path("-")


def report(
    bundle: Annotated[
        Path | None,
        typer.Argument(
            metavar="BUNDLE",
            help="Bundle folder [default: the newest run].",
            autocompletion=completion.bundle,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="The file; - for stdout [default: report.html in the bundle]."
        ),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Write Markdown, a model card: report.md.")
    ] = False,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="Test images [default: what the bundle learnt from].",
            autocompletion=completion.data,
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print what was written, and what is lacking, as JSON.")
    ] = False,
) -> None:
    """Write a bundle's report: one HTML file, with a pad to draw on.

    It opens from disk and needs no network: the int8 TFLite model runs in the page. Mistakes and
    flips are from the bundle's models, run here on the test images. What is lacking is named, with
    the command that gives it.

    Example: mnist-edge report artifacts/edge --out edge.html
    Example: mnist-edge report artifacts/edge --markdown --out -
    """
    if json and out == STDOUT:
        raise SettingError("--json and --out - are both for stdout: choose one")
    folder = bundle or console.newest_run()
    found = read_bundle(folder)
    place = out or folder / NAMES[markdown]
    if place != STDOUT:
        check_place(place)
    from mnist_edge.report import pad, page  # 50 ms, spared the other commands

    if not markdown:
        page.check_packages()
    test, why = _images(found, data)
    with working("reading the records") as tell:
        material = page.gather(found, test, why, tell)
        tell("drawing")
        no_pad = None if markdown else pad.obstacle(found)
        text = (
            page.markdown(material)
            if markdown
            else page.html(material, pad.fragment(found), no_pad)
        )
    if place == STDOUT:
        console.put(text)
    else:
        write_file(place, text)
    lacking = list(page.missing(material, str(folder), no_pad).values())
    _say(material, lacking, place, len(text.encode()), json)


def _images(bundle: Bundle, named: str | None) -> tuple[Split | None, str]:
    """Return the test images, or why there are none: a report is whole without them.

    Raises:
        DataError: what was named is no dataset, or one of other classes.
    """
    try:
        dataset = console.load_for(bundle, named)
    except (BundleError, DataError) as error:
        if named is not None:
            raise
        return None, str(error)
    return dataset.to_judge({trained_on(bundle)}).test, ""


def _say(
    material: page.Material,
    lacking: list[page.Missing],
    place: Path,
    size: int,
    json: bool,
) -> None:
    if json:
        console.print_json(
            {
                "schema": 1,
                "bundle": material.bundle.name,
                "file": str(place),
                "bytes": size,
                "notes": list(material.notes),
                "missing": [each._asdict() for each in lacking],
            }
        )
        return
    for note in material.notes:
        console.say(note)
    for why, command in dict.fromkeys((each.why, each.command) for each in lacking):
        console.say(f"{why}{f'; this would give it: {command}' if command else ''}")
    if place != STDOUT:
        console.out.print(f"report: {place} ({size / 1000:,.0f} kB)", soft_wrap=True)

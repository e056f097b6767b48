"""`mnist-edge audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mnist_edge.bundle import read_bundle
from mnist_edge.cli import completion, console
from mnist_edge.cli.progress import working
from mnist_edge.errors import CheckFailed, SettingError

IMAGES = 64
LEGEND = (
    "Added: share of the error in the logits, each layer quantized alone; *: most. The rest: its "
    "output with all layers quantized. Range: share of the integers in use. Sat.: values that they "
    "cannot stand for. Weights: their SNR."
)


def audit(
    bundle: Annotated[
        Path | None,
        typer.Argument(
            metavar="BUNDLE",
            help="Bundle folder [default: the newest run].",
            autocompletion=completion.bundle,
        ),
    ] = None,
    images: Annotated[
        int, typer.Option(metavar="N", help="Training images to run, never those of the test.")
    ] = IMAGES,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="What the bundle learnt from, if it was one's own.",
            autocompletion=completion.data,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it, as PNG, to this file.")
    ] = None,
) -> None:
    """Hold quantized models against float, layer by layer.

    The layer that costs most is named, with why. Exit code 1 where the output of a model is not
    what a classifier's must be.

    Example: mnist-edge audit artifacts/edge --out audit.png
    """
    if images < 1:
        raise SettingError(f"images is {images}; wanted 1 or more")
    folder = bundle or console.newest_run()
    found = read_bundle(folder)
    dataset = console.load_for(found, data)
    with console.starting_tensorflow("audit"):
        from mnist_edge.export.audit import document
        from mnist_edge.export.audit.of_bundle import audit_bundle, audit_images
    from mnist_edge.report.audit_table import audit_lines, audit_table, groups

    with working("auditing") as tell:
        audits = audit_bundle(found, audit_images(found, dataset, images), tell)
    record = document(audits, bundle=found.name, dataset=dataset.name)
    if out is not None:
        from mnist_edge.report.audit_picture import save_audit_picture

        save_audit_picture(out, record)
        console.say(f"picture: {out}")
    if json:
        console.print_json(record)
    else:
        for name, models in groups(record["models"]).items():
            console.tell(f"{name} against float, {models[0]['images']} training images")
            console.out.print(audit_table(models, console.out.width), soft_wrap=True)
            for model in models:
                for line in audit_lines(model):
                    console.tell(line)
            console.out.print()
        console.tell(LEGEND, "")
    broken = [
        f"{file}: '{finding.name}' does not hold: {finding.detail}"
        for file, each in audits.items()
        for finding in each.findings
        if not finding
    ]
    if broken:
        raise CheckFailed("; ".join(broken))

"""`mnist-edge audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mnist_edge.bundle import read_bundle
from mnist_edge.cli import console
from mnist_edge.errors import CheckFailed, SettingError

IMAGES = 64


LEGEND = (
    "Added: share of the error in the logits, each layer quantized alone; *: most.\n"
    "The rest: its output with all layers quantized. Range: share of the integers\n"
    "in use. Sat.: values that they cannot stand for. Weights: their SNR."
)


def audit(
    bundle: Annotated[
        Path | None, typer.Argument(help="Bundle folder [default: the newest run].")
    ] = None,
    images: Annotated[
        int, typer.Option(help="Training images to run, never those of the test.")
    ] = IMAGES,
    data: Annotated[
        str | None, typer.Option(help="What the bundle learnt from, if it was one's own.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="Draw it, as PNG, to this file.")] = None,
) -> None:
    """Hold each quantized model of a bundle against float, layer by layer; name the worst layer.

    Exit code 1 where the output of a model is not what a classifier's must be.
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

    with console.err.status("auditing") as status:
        audits = audit_bundle(found, audit_images(found, dataset, images), status.update)
    record = document(audits, bundle=found.name, dataset=dataset.name)
    if out is not None:
        from mnist_edge.report.audit_picture import save_audit_picture

        save_audit_picture(out, record)
        console.say(f"picture: {out}")
    if json:
        console.print_json(record)
    else:
        for name, models in groups(record["models"]).items():
            console.out.print(f"{name} against float, {models[0]['images']} training images")
            console.out.print(audit_table(models))
            for model in models:
                for line in audit_lines(model):
                    console.out.print(line)
            console.out.print()
        console.out.print(LEGEND)
    broken = [
        f"{file}: '{finding.name}' does not hold: {finding.detail}"
        for file, each in audits.items()
        for finding in each.findings
        if not finding
    ]
    if broken:
        raise CheckFailed("; ".join(broken))

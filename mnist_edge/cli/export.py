"""`mnist-edge export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mnist_edge.bundle import read_bundle
from mnist_edge.cli import console
from mnist_edge.errors import BundleError, MissingExtraError
from mnist_edge.export import plan
from mnist_edge.export.calibration import COUNT


def export(
    run: Annotated[
        Path | None, typer.Argument(help="Folder of a run [default: the newest].")
    ] = None,
    int8: Annotated[bool, typer.Option("--int8", help="Add int8 TFLite and int8 ONNX.")] = False,
    float16: Annotated[bool, typer.Option("--float16", help="Add float16 TFLite.")] = False,
    dynamic: Annotated[bool, typer.Option("--dynamic", help="Add dynamic-range TFLite.")] = False,
    int16x8: Annotated[
        bool, typer.Option("--int16x8", help="Add TFLite with int16 activations, int8 weights.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Add all of these.")] = False,
    calibration_count: Annotated[
        int | None,
        typer.Option(help=f"Training images that decide quantized ranges [default: {COUNT}]."),
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="What the run learnt from, if it was one's own.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Bundle folder [default: the run's].")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Export a run to float32 TFLite and ONNX, and quantized where asked; each is checked.

    Example: mnist-edge export artifacts/runs/edge --int8
    """
    folder = run or console.newest_run()
    bundle = read_bundle(folder)
    wanted = {"int8": int8, "float16": float16, "dynamic": dynamic, "int16x8": int16x8}
    names = tuple(name for name, asked in wanted.items() if asked or everything)
    dataset = console.load_dataset(console.dataset_name([folder], data))
    keras_files = [entry.file for entry in bundle.models if entry.format == "keras"]
    if not keras_files:
        raise BundleError(f"{folder} has no .keras model: train it anew")
    try:
        with console.err.status("starting TensorFlow"):
            from mnist_edge.export.exporter import export as run_export
    except ImportError as error:
        raise MissingExtraError(f"{error.name}, which export needs,", "train") from None
    from mnist_edge.bench.exported import ExportCheck

    with console.err.status("running Keras on the test images") as status:
        exported = run_export(
            bundle,
            dataset,
            out or folder,
            plan.targets(names),
            ExportCheck(folder / keras_files[0], dataset.test),
            calibration_count=calibration_count,
            say=lambda what: status.update(f"exporting {what}"),
        )
    if json:
        console.print_json(exported.manifest)
        return
    for entry in exported.models:
        if entry.parity:
            console.out.print(
                f"{entry.file:28} {entry.bytes / 1000:7.1f} kB   agrees with Keras on "
                f"{100 * entry.parity['agreement']:.2f} % of {entry.parity['samples']:,}",
                soft_wrap=True,
            )
    console.out.print(f"bundle: {exported.folder}")

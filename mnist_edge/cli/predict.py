"""`mnist-edge predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mnist_edge.classifier import Classifier
from mnist_edge.cli import console
from mnist_edge.image_file import read_image


def predict(
    images: Annotated[list[Path], typer.Argument(help="PNG, JPEG, ...; 28x28 or larger.")],
    model: Annotated[
        Path | None, typer.Option(help="Bundle or model file [default: the shipped bundle].")
    ] = None,
    runtime: Annotated[str | None, typer.Option(help="See mnist-edge runtimes.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what is drawn on images, and what was done to them first.

    Example: mnist-edge predict seven.png --model artifacts/edge
    """
    readings = [(path, read_image(path)) for path in images]
    with Classifier.open(model, runtime=runtime) as classifier:
        answers = [(path, read, classifier.predict(read.image)) for path, read in readings]
    if json:
        console.print_json(
            [
                {
                    "image": str(path),
                    "label": found.label,
                    "index": found.index,
                    "confidence": found.confidence,
                    "probabilities": found.probabilities.tolist(),
                    "steps": list(read.steps),
                    "model": classifier.path.name,
                    "runtime": classifier.backend.runtime,
                }
                for path, read, found in answers
            ]
        )
        return
    for path, read, found in answers:
        console.out.print(
            f"{path}: {found.label}  ({100 * found.confidence:.1f} %)", soft_wrap=True, markup=False
        )
        if read.steps:
            console.say(f"  {', '.join(read.steps)}")
    console.say(f"{classifier.path.name} on {classifier.backend.runtime}")

"""`mnist-edge predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mnist_edge.classifier import Classifier
from mnist_edge.cli import console
from mnist_edge.image_file import read_image


def predict(
    images: Annotated[
        list[Path], typer.Argument(help="PNG, JPEG, ...; for digits 28x28 or larger.")
    ],
    model: Annotated[
        Path | None, typer.Option(help="Bundle or model file [default: the shipped bundle].")
    ] = None,
    runtime: Annotated[str | None, typer.Option(help="See mnist-edge runtimes.")] = None,
    reject_below: Annotated[
        float | None, typer.Option(help="Confidence, 0 to 1, below which there is no label.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what images show, and what was done to them first.

    For a model of digits, ink on paper is centred on 28x28; for others the middle of the picture
    is scaled to the model's size.

    Example: mnist-edge predict seven.png --model artifacts/edge
    """
    with Classifier.open(model, runtime=runtime, reject_below=reject_below) as classifier:
        shape = classifier.backend.image_shape
        readings = [(path, read_image(path, shape=shape)) for path in images]
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
        sure = f"{100 * found.confidence:.1f} %"
        if found.label is None:
            said = f"none  (best guess {classifier.labels[found.index]}, {sure})"
        else:
            said = f"{found.label}  ({sure})"
        console.out.print(f"{path}: {said}", soft_wrap=True, markup=False)
        if read.steps:
            console.say(f"  {', '.join(read.steps)}")
    console.say(f"{classifier.path.name} on {classifier.backend.runtime}")

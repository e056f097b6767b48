"""`mnist-edge predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mnist_edge.classifier import Classifier
from mnist_edge.cli import completion, console
from mnist_edge.image_file import read_image


def predict(
    images: Annotated[
        list[Path],
        typer.Argument(metavar="IMAGE", help="PNG, JPEG, ...; for digits 28x28 or larger."),
    ],
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Bundle or model file [default: the shipped bundle].",
            autocompletion=completion.model,
        ),
    ] = None,
    runtime: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="See mnist-edge runtimes.", autocompletion=completion.runtime
        ),
    ] = None,
    reject_below: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Confidence, 0 to 1, below which there is no label."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what pictures show, and what was done to them first.

    For a model of digits, ink on paper is centred on 28x28; for others the middle of the picture
    is scaled to the model's size.

    Example: mnist-edge predict seven.png --model artifacts/edge
    Example: mnist-edge predict *.png --reject-below 0.9 --json
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
        console.out.print(f"{path}: {said}", soft_wrap=True)
        if read.steps:
            console.say(f"  {', '.join(read.steps)}")
    console.say(f"{classifier.path.name} on {classifier.backend.runtime}")

"""`mnist-edge finetune`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from mnist_edge.bundle import MANIFEST, read_bundle
from mnist_edge.cli import completion, console
from mnist_edge.cli.progress import TrainingProgress
from mnist_edge.cli.train import draw_pictures
from mnist_edge.errors import unknown

GRANULARITIES = ("per-channel", "per-tensor")


def finetune(
    run: Annotated[
        Path | None,
        typer.Argument(
            metavar="RUN",
            help="Folder of a run [default: the newest].",
            autocompletion=completion.bundle,
        ),
    ] = None,
    epochs: Annotated[int, typer.Option(metavar="N", help="Passes over the training part.")] = 2,
    learning_rate: Annotated[
        float,
        typer.Option(metavar="RATE", help="At the start; it falls to zero along a cosine."),
    ] = 1e-4,
    granularity: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=f"Of the int8 file's weights: {' or '.join(GRANULARITIES)}.",
            autocompletion=completion.among(*GRANULARITIES),
        ),
    ] = GRANULARITIES[0],
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="What the run learnt from, if it was one's own.",
            autocompletion=completion.data,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder of the new run [default: RUN-qat]."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Fine-tune a run for int8: quantization-aware training.

    Writes a new run, whose ranges `export --int8` takes; says whether it was worth it.

    Example: mnist-edge finetune artifacts/runs/edge --epochs 2
    """
    if granularity not in GRANULARITIES:
        raise unknown("granularity", granularity, GRANULARITIES)
    folder = run or console.newest_run()
    folder = folder if folder.name else folder.resolve()
    place = out or folder.with_name(f"{folder.name}-qat")
    bundle = read_bundle(folder)
    dataset = console.load_for(bundle, data)
    with console.starting_tensorflow("finetune"):
        from mnist_edge.training.finetune import finetune as run_finetuning
    if (place / MANIFEST).is_file() and place.resolve() != folder.resolve():
        console.say(f"{place} holds a finished run; the new one will take its place")
    with TrainingProgress("fine-tuning") as progress:
        try:
            tuned = run_finetuning(
                bundle,
                dataset,
                place,
                epochs=epochs,
                learning_rate=learning_rate,
                per_channel=granularity == GRANULARITIES[0],
                watcher=progress,
                draw=partial(draw_pictures, dataset),
            )
        except KeyboardInterrupt:
            raise console.Interrupted(
                f"interrupted; nothing was written, and {folder} is as it was"
            ) from None
    if json:
        console.print_json(read_bundle(place).manifest)
        return
    console.out.print(f"run: {place}; next: mnist-edge export {place} --int8", soft_wrap=True)
    console.tell(verdict(tuned.validation, tuned.test))


def verdict(validation: dict[str, float], test: dict[str, float]) -> str:
    """Return the one line that says what fine-tuning was worth, on validation images if any."""
    found, which = (validation, "validation") if validation else (test, "test")
    before, after = found["post_training"], found["quantization_aware"]
    return (
        f"int8 {which} accuracy: {100 * before:.2f} % post-training, {100 * after:.2f} % "
        f"quantization-aware ({100 * (after - before):+.2f} points; "
        f"float {100 * found['float32']:.2f} % before; some of it may be the longer training alone)"
    )

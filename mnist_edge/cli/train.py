"""`mnist-edge train`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnist_edge.bundle import MANIFEST, read_bundle
from mnist_edge.cli import completion, console
from mnist_edge.cli.progress import TrainingProgress
from mnist_edge.data.public import PUBLIC
from mnist_edge.errors import DataError, MissingExtraError, SettingError
from mnist_edge.training.recipe import AUGMENTATIONS, OPTIMIZERS, SCHEDULES, override
from mnist_edge.training.recipes import find

if TYPE_CHECKING:
    from mnist_edge.data import Dataset
    from mnist_edge.training.recipe import Recipe

MOST_CLASSES = 256
FAR_BELOW = 0.1  # validation accuracy below training accuracy that is worth a word


def train(
    recipe: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="See mnist-edge recipes.", autocompletion=completion.recipe
        ),
    ] = "edge",
    epochs: Annotated[
        int | None, typer.Option(metavar="N", help="Passes over the training part.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(metavar="N", help="Images a step.")] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"One of {', '.join(OPTIMIZERS)}.",
            autocompletion=completion.among(*OPTIMIZERS),
        ),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(metavar="RATE", help="At the start.")
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"One of {', '.join(SCHEDULES)}.",
            autocompletion=completion.among(*SCHEDULES),
        ),
    ] = None,
    filters: Annotated[
        str | None,
        typer.Option(metavar="N,N,...", help="Of each convolution, such as 12,24,32,48."),
    ] = None,
    dense: Annotated[
        int | None, typer.Option(metavar="N", help="Units of the hidden dense layer.")
    ] = None,
    dropout: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Share dropped before the end.")
    ] = None,
    augmentation: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"One of {', '.join(AUGMENTATIONS)}.",
            autocompletion=completion.among(*AUGMENTATIONS),
        ),
    ] = None,
    validation_share: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Of the training images, held out by class."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="The same seed gives the same model.")
    ] = None,
    teacher: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="RUN",
            help="Learn what this run says, kept in `lessons` beside OUT (MNIST: 700 MB); may be "
            "repeated.",
            autocompletion=completion.bundle,
        ),
    ] = None,
    data: Annotated[
        str,
        typer.Option(
            metavar="NAME|PATH",
            help="mnist, fashion-mnist, or a path to one's own.",
            autocompletion=completion.data,
        ),
    ] = "mnist",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder of the run [default: artifacts/runs/<recipe>]."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an interrupted run stopped.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw an interrupted run away.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Train a recipe and write a run: model, history, pictures.

    MNIST comes from MNIST_EDGE_DATA, the cache, or a mirror, and is verified. Ctrl-C keeps the
    epochs that are finished: --resume goes on after them.

    Example: mnist-edge train --recipe edge --epochs 5 --seed 1
    Example: mnist-edge train --recipe sequential --data digits.npz --out mine
    """
    usual = find(recipe)
    chosen = override(
        usual,
        epochs=epochs,
        batch_size=batch_size,
        optimizer=optimizer,
        learning_rate=learning_rate,
        schedule=schedule,
        filters=_counts(filters),
        dense=dense,
        dropout=dropout,
        augmentation=augmentation,
        validation_share=validation_share,
        seed=seed,
    )
    folder = out or console.RUNS / chosen.name
    dataset = console.load_dataset(data)
    for line in dataset.left_out:
        console.say(line)
    if len(dataset.labels) > MOST_CLASSES:
        raise DataError(
            f"{dataset.name} has {len(dataset.labels)} classes; recipes learn {MOST_CLASSES} at "
            "most: train a network of your own, and export its .keras file"
        )
    console.say(
        f"{dataset.name}: {len(dataset.train):,} training and {len(dataset.test):,} test images"
        + (", verified" if dataset.name in PUBLIC else "")
    )
    with console.starting_tensorflow("train"):
        from mnist_edge.training.card import finished
        from mnist_edge.training.loop import taught_by
        from mnist_edge.training.loop import train as run_training
    teachers = tuple(teacher or ())
    chosen, _ = taught_by(chosen, teachers, dataset)
    done = finished(folder, chosen, dataset) if resume and not fresh else None
    if done is None:
        take_place(folder, teachers, resume=resume and not fresh)
        for line in notes(usual, chosen):
            console.say(line)
        with TrainingProgress() as progress:
            try:
                run_training(
                    chosen,
                    dataset,
                    folder,
                    resume=resume,
                    fresh=fresh,
                    teachers=teachers,
                    watcher=progress,
                    draw=partial(draw_pictures, dataset),
                )
            except KeyboardInterrupt:
                raise console.Interrupted(
                    "interrupted; finished epochs are kept: add --resume to the same command"
                ) from None
    else:
        console.say(f"{folder} is this very run, finished: nothing to do")
    manifest = read_bundle(folder).manifest
    if json:
        console.print_json(manifest)
        return
    training = manifest["training"]
    console.tell(
        f"{chosen.name}: test accuracy {100 * training['test_accuracy']:.2f} %, "
        f"{training['parameters']:,} parameters, {training['seconds']:.0f} s of training"
    )
    last = training["last_epoch"]
    if last.get("val_accuracy", 1) < last["accuracy"] - FAR_BELOW:
        console.say(
            f"validation ({100 * last['val_accuracy']:.0f} %) is far below training "
            f"({100 * last['accuracy']:.0f} %): more epochs, or on little data --recipe sequential"
        )
    pictures = ", ".join(sorted(path.name for path in folder.glob("*.png")))
    console.out.print(f"run: {folder} ({pictures or 'no pictures'})", soft_wrap=True)


def take_place(folder: Path, teachers: tuple[Path, ...], *, resume: bool) -> None:
    """Say that a finished run will be replaced, or refuse what cannot have been meant.

    Raises:
        SettingError: the run is a teacher, or it is to go on and is finished, of other settings.
    """
    place = folder.resolve()
    if any(each.resolve() == place for each in teachers):
        raise SettingError(f"{folder} is a teacher of the run: name another folder with --out")
    if not (folder / MANIFEST).is_file():
        return
    if resume and not place.with_name(f"{place.name}.partial").exists():
        raise SettingError(
            f"{folder} holds a finished run of other settings or data: name another folder with "
            "--out, or leave --resume out to replace it"
        )
    console.say(f"{folder} holds a finished run; the new one will take its place")


def notes(usual: Recipe, chosen: Recipe) -> list[str]:
    """Return what is to be said of the settings that were chosen in place of a recipe's usual."""
    if chosen.optimizer == usual.optimizer or chosen.learning_rate != usual.learning_rate:
        return []
    return [
        f"learning rate {chosen.learning_rate:g} was chosen for {usual.optimizer}, and stays with "
        f"{chosen.optimizer}: --learning-rate sets another"
    ]


def draw_pictures(
    dataset: Dataset, folder: Path, history: list[dict[str, float]], probabilities: Any
) -> None:
    """Put a run's pictures into its folder, or say why there are none."""
    from mnist_edge.report.pictures import save_run_pictures

    try:
        save_run_pictures(folder, history, dataset.test, probabilities, dataset.labels)
    except MissingExtraError as error:
        console.say(f"no pictures: {error}")


def _counts(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise SettingError(
            f"filters is {text!r}; wanted whole numbers such as 12,24,32,48"
        ) from None

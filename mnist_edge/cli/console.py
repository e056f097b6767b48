"""What the commands share: results to stdout, progress to stderr, one line for an error."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from mnist_edge.bundle import MANIFEST
from mnist_edge.data import load
from mnist_edge.errors import BundleError, MissingExtraError, MnistEdgeError
from mnist_edge.preprocess import DIGIT_SHAPE
from mnist_edge.training.watch import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mnist_edge.bundle import Bundle
    from mnist_edge.data import Dataset
    from mnist_edge.training.recipe import Recipe

RUNS = Path("artifacts") / "runs"

# No markup: a path or a label with brackets is text.
out = Console(highlight=False, markup=False)
err = Console(stderr=True, highlight=False, markup=False)


class Interrupted(MnistEdgeError):  # noqa: N818 - it is a wish, not a fault
    """The user pressed Ctrl-C."""

    exit_code = 130


def fail(message: str, code: int) -> int:
    """Print one line to stderr and return the exit code."""
    err.print(f"error: {' '.join(message.split())}", soft_wrap=True)
    return code


def say(line: str) -> None:
    """Print a line on what is going on."""
    err.print(line, style="dim", soft_wrap=True)


def print_json(document: Any) -> None:
    """Print one JSON document to stdout."""
    print(json.dumps(document, indent=1, ensure_ascii=False))


@contextmanager
def starting_tensorflow(what: str) -> Iterator[None]:
    """Show that TensorFlow is being imported, which takes seconds.

    Args:
        what: needs it, for the message.

    Raises:
        MissingExtraError: it, or what it comes with, is not installed.
    """
    try:
        with err.status("starting TensorFlow"):
            yield
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] == "mnist_edge":
            raise  # a fault of ours
        raise MissingExtraError(f"{error.name}, which {what} needs,", "train") from None


def load_dataset(
    source: str, shape: tuple[int, int, int] = DIGIT_SHAPE, *, labelled: bool = True
) -> Dataset:
    """Load a dataset, with progress; everything else is as in `data.load`."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as progress:
        return load(source, shape=shape, labelled=labelled, say=say, bar=DownloadBar(progress))


def load_for(bundle: Bundle, named: str | None) -> Dataset:
    """Load what `--data` says, or what a bundle learnt from, as its models take and call it.

    Raises:
        DataError: images of another shape, or classes that the bundle does not have.
    """
    name = dataset_name([bundle.folder], named)
    dataset = load_dataset(name, bundle.image_shape, labelled=False)
    return dataset.under(bundle.labels, str(bundle.folder))


class DownloadBar:
    """A progress bar as pooch takes one."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self.total: int | None = None

    def update(self, count: int) -> None:
        """Count bytes that came."""
        if self._task is None:
            self._task = self._progress.add_task("downloading", total=self.total)
        self._progress.update(self._task, advance=count, total=self.total)

    def reset(self) -> None:
        """Begin anew, as pooch does when it is done."""
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None

    def close(self) -> None:
        """Be done with a file."""
        self.reset()


class TrainingProgress(Watcher):
    """Shows a bar for the epoch that runs and a line for each that is done."""

    def __init__(self, doing: str = "going on") -> None:
        self._doing = doing  # where an earlier run left off
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=err,
            transient=True,
            disable=not err.is_terminal,
        )
        self._epochs = self._steps = 0

    def __enter__(self) -> TrainingProgress:
        self._bar.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._bar.stop()

    def start(self, recipe: Recipe, steps: int, done: int, epochs: int) -> None:
        """Begin the bar, after the epochs of an earlier part."""
        self._epochs, self._steps, self.done = epochs, steps, done
        self._task = self._bar.add_task(f"epoch {done + 1}/{epochs}", total=steps * epochs)
        self._bar.update(self._task, completed=done * steps)
        if done:
            say(f"{recipe.name}: {self._doing} after epoch {done} of {epochs}")

    def asked(self, done: int, images: int) -> None:
        """Say what an epoch waits for."""
        text = f"asking the teachers about {images:,} images: {done / images:.0%}"
        self._bar.update(self._task, description=text)

    def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        """Move the bar."""
        text = f"epoch {epoch}/{self._epochs}  loss {loss:.4f}  accuracy {100 * accuracy:.2f} %"
        self._bar.update(self._task, description=text, completed=(epoch - 1) * self._steps + step)

    def epoch(self, row: dict[str, float]) -> None:
        """Print a line for the epoch."""
        self.done = int(row["epoch"])
        text = (
            f"epoch {self.done}/{self._epochs}  loss {row['loss']:.4f}  "
            f"accuracy {100 * row['accuracy']:.2f} %"
        )
        if "val_accuracy" in row:
            text += f"  validation {100 * row['val_accuracy']:.2f} %"
        err.print(text)


def newest_run() -> Path:
    """Return the newest run under artifacts/runs.

    Raises:
        BundleError: there is none.
    """
    manifests = list(RUNS.glob(f"[!.]*/{MANIFEST}"))
    if not manifests:
        raise BundleError(f"no run under {RUNS}: train one with mnist-edge train, or name one")
    return max(manifests, key=lambda path: path.stat().st_mtime).parent


def dataset_name(bundles: list[Path], named: str | None) -> str:
    """Return what `--data` says, else what the first of `bundles` learnt from, else mnist."""
    if named is not None:
        return named
    from mnist_edge.bundle import read_bundle
    from mnist_edge.data.public import PUBLIC

    for path in bundles:
        folder = path if path.is_dir() else path.parent
        if (folder / MANIFEST).is_file():
            name = read_bundle(folder).manifest.get("training", {}).get("dataset", {}).get("name")
            if name in PUBLIC:
                return str(name)
            if name:
                raise BundleError(
                    f"{folder} learnt from {name}, one's own data: name it with --data"
                )
    return "mnist"

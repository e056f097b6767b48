"""What is shown of work that takes long: on a terminal it moves, in a log it is a few lines."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from mnist_edge.cli.streams import err
from mnist_edge.report.layout import fold
from mnist_edge.training.watch import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mnist_edge.training.recipe import Recipe

ROOMY = 80  # columns from which there is room for all of the progress of a training
PAUSE_S = 5.0  # between two lines in a log


class Log:
    """Tells a log what is being done: a line at once, and then one in PAUSE_S at most."""

    def __init__(self) -> None:
        self._last, self._due = "", 0.0

    def tell(self, line: str) -> None:
        """Print a line, unless it was said already or one was printed just now."""
        now = time.monotonic()
        if line != self._last and now >= self._due:
            self._last, self._due = line, now + PAUSE_S
            err.print(line, style="dim", soft_wrap=True)


@contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done, until it is; give the function that says what comes next."""
    if err.live:
        with err.status(what) as status:
            yield status.update
    else:
        log = Log()
        log.tell(what)
        yield log.tell


def download_progress() -> Progress:
    """Return what shows a DownloadBar."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        console=err,
        transient=True,
        disable=not err.live,
    )


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
            *([BarColumn(bar_width=20)] if err.width >= ROOMY else []),
            TextColumn("{task.percentage:>3.0f} %"),
            *([TimeElapsedColumn(), TextColumn("left")] if err.width >= ROOMY else []),
            TimeRemainingColumn(),
            console=err,
            transient=True,
            disable=not err.live,
        )
        self._epochs = self._steps = self._answered = 0

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
            err.print(f"{recipe.name}: {self._doing} after epoch {done} of {epochs}")

    def asked(self, done: int, images: int) -> None:
        """Say what an epoch waits for: a bar that moves, or a line as it begins."""
        text = f"asking the teachers about {images:,} images"
        self._bar.update(self._task, description=f"{text}: {done / images:.0%}")
        if not err.live and self._answered in (0, images):
            err.print(text)
        self._answered = done

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
        for line in fold(text, err.width):
            err.print(line, soft_wrap=True)

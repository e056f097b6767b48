"""A .keras file of one's own on the command line: adopted as a run, for `export` to go on with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_edge.bundle import manifest_beside
from mnist_edge.cli import console
from mnist_edge.cli.progress import working
from mnist_edge.errors import DataError, SettingError

if TYPE_CHECKING:
    from mnist_edge.bundle import Bundle
    from mnist_edge.data import Dataset


@dataclass(frozen=True)
class Options:
    """What is said of a model of one's own.

    Attributes:
        calibration: images, as `--data` takes them.
        labels: what its classes are called, by comma, or a text file with a line each.
        input_range: of pixels, as it learnt on them.
        softmax: append one.
    """

    calibration: str | None
    labels: str | None
    input_range: tuple[float, float] | None
    softmax: bool

    def refuse_for_run(self, folder: Path) -> None:
        """Make sure that nothing is said that a run says itself.

        Raises:
            SettingError: something is.
        """
        said = {"labels": self.labels, "input-range": self.input_range, "softmax": self.softmax}
        for name, value in said.items():
            if value:
                raise SettingError(
                    f"--{name} is for a .keras file of one's own; {folder} is a run, which says "
                    "that itself: leave it out"
                )


def adopted(path: Path, options: Options, folder: Path) -> tuple[Bundle, Dataset]:
    """Write a run of the .keras file at `path` into an empty folder; return it and the images.

    Raises:
        DataError: no images are named, or they do not fit the model.
        MissingExtraError: TensorFlow is not installed.
        ModelError: the model cannot be used; the message says what to do.
        SettingError: the file belongs to a run, or an option does not fit the model.
    """
    beside = manifest_beside(path)
    if beside and path.name in [entry.file for entry in beside.models]:
        raise SettingError(f"{path} belongs to a run: export that, mnist-edge export {path.parent}")
    if options.calibration is None:
        raise DataError(
            f"{path} needs images that are like those it learnt from, to calibrate on and to "
            "compare on: name an .npz or a folder of class folders with --calibration"
        )
    with console.starting_tensorflow("export"):
        from mnist_edge.export.adopt import adopt, names_for
        from mnist_edge.export.fitting import input_range_of
        from mnist_edge.export.own_model import open_own
    with working(f"looking at {path.name}"):
        own = open_own(path)
        input_range_of(own, options.input_range)
        dataset = console.load_dataset(options.calibration, own.image_shape, labelled=False)
        names = names_for(own, dataset, _names(options.labels))
        dataset = dataset.under(names, str(path))
        run = adopt(
            own,
            dataset,
            folder,
            input_range=options.input_range,
            softmax=options.softmax,
            note=console.say,
        )
    held_out = ", held out of them" if dataset.held_out else ""
    console.say(
        f"{dataset.name}: {len(dataset.train):,} images to calibrate with, {len(dataset.test):,} "
        f"to compare on{held_out}; pixels in {' to '.join(map(_shown, _pixels(run)))}"
    )
    return run, dataset


def _pixels(run: Bundle) -> list[float]:
    found: list[float] = run.manifest["training"]["input_range"]
    return found


def _shown(number: float) -> str:
    return f"{number:g}"


def _names(said: str | None) -> tuple[str, ...] | None:
    """Return names by comma, or the lines of a file that is called so."""
    if said is None:
        return None
    path = Path(said)
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else said.split(",")
    except (OSError, ValueError):
        raise DataError(f"{path} is no text; wanted the name of a class on each line") from None
    names = tuple(line.strip() for line in lines if line.strip())
    if len(set(names)) != len(names):
        raise DataError("--labels has a name twice; wanted each once, in the model's order")
    return names

"""What the commands share: results to stdout, progress to stderr, one line for an error."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_edge.bundle import MANIFEST
from mnist_edge.cli.progress import DownloadBar, download_progress, working
from mnist_edge.cli.streams import err as err
from mnist_edge.cli.streams import out as out
from mnist_edge.cli.streams import writing
from mnist_edge.data import load
from mnist_edge.errors import BundleError, MissingExtraError, MnistEdgeError
from mnist_edge.preprocess import DIGIT_SHAPE
from mnist_edge.report.layout import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mnist_edge.bundle import Bundle
    from mnist_edge.data import Dataset

RUNS = Path("artifacts") / "runs"


class Interrupted(MnistEdgeError):  # noqa: N818 - it is a wish, not a fault
    """The user pressed Ctrl-C."""

    exit_code = 130


def fail(message: str, code: int) -> int:
    """Print one line to stderr and return the exit code."""
    err.print(f"error: {' '.join(message.split())}", soft_wrap=True)
    return code


def say(line: str) -> None:
    """Print a line on what is going on; a terminal breaks it between words."""
    err.print(line, style="dim", soft_wrap=not err.live)


def tell(line: str, indent: str = "  ") -> None:
    """Print a line of a result, folded between words where it is longer than there is room."""
    for part in fold(line, out.width, indent):
        out.print(part, soft_wrap=True)


def print_json(document: Any) -> None:
    """Print one JSON document to stdout; it says the same whatever the encoding is."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    plain = not encoding.lower().startswith("utf")
    put(f"{json.dumps(document, indent=1, ensure_ascii=plain)}\n")


def put(text: str) -> None:
    """Write text to stdout as it is.

    Raises:
        OutputError: stdout takes no more.
    """
    with writing():
        print(text, end="")


@contextmanager
def starting_tensorflow(what: str) -> Iterator[None]:
    """Show that TensorFlow is being imported, which takes seconds.

    Args:
        what: needs it, for the message.

    Raises:
        MissingExtraError: it, or what it comes with, is not installed.
    """
    try:
        with working("starting TensorFlow"):
            yield
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] == "mnist_edge":
            raise  # a fault of ours
        raise MissingExtraError(f"{error.name}, which {what} needs,", "train") from None


def load_dataset(
    source: str, shape: tuple[int, int, int] = DIGIT_SHAPE, *, labelled: bool = True
) -> Dataset:
    """Load a dataset, with progress; everything else is as in `data.load`."""
    with download_progress() as progress:
        return load(source, shape=shape, labelled=labelled, say=say, bar=DownloadBar(progress))


def load_for(bundle: Bundle, named: str | None) -> Dataset:
    """Load what `--data` says, or what a bundle learnt from, as its models take and call it.

    Raises:
        DataError: images of another shape, or classes that the bundle does not have.
    """
    name = dataset_name([bundle.folder], named)
    dataset = load_dataset(name, bundle.image_shape, labelled=False)
    return dataset.under(bundle.labels, str(bundle.folder))


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

"""What the shell completes: names and values that are known, and bundles that are near."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mnist_edge.bundle import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Found = list[tuple[str, str]]  # what to write, and what it is, which zsh and fish show

DEEPEST = 3  # folders below what was typed
MOST_FOLDERS = 300  # that are looked into: a key was pressed, and somebody waits
SUFFIXES = (".tflite", ".onnx", ".keras")


def among(*names: str) -> Callable[[str], list[str]]:
    """Return what completes one of some names."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return complete


def recipe(incomplete: str) -> Found:
    """Complete the name of a recipe."""
    from mnist_edge.training.recipes import RECIPES

    return _beginning(incomplete, ((each.name, each.summary) for each in RECIPES.values()))


def runtime(incomplete: str) -> Found:
    """Complete the name of a runtime, those of third parties among them."""
    from mnist_edge.backends import known_runtimes

    rows = ((row.name, f"opens .{', .'.join(row.formats)}") for row in known_runtimes())
    return _beginning(incomplete, rows)


def data(incomplete: str) -> Found:
    """Complete the name of a public dataset; for paths the shell knows better."""
    from mnist_edge.data.public import PUBLIC

    return _beginning(incomplete, ((name, "downloaded once, verified") for name in PUBLIC))


def bundle(incomplete: str) -> Found:
    """Complete the folder of a bundle or a run; with none near, the shell completes any path."""
    return [(path, "bundle") for path in _bundles(incomplete)]


def model(incomplete: str) -> Found:
    """Complete the folder of a bundle; within one, a model file."""
    start, _ = _split(incomplete)
    if not (Path(start) / MANIFEST).is_file():
        return bundle(incomplete)
    files = sorted(path.name for path in Path(start).iterdir() if path.suffix in SUFFIXES)
    return _beginning(incomplete, ((f"{start}{name}", "model") for name in files))


def _beginning(incomplete: str, known: Iterable[tuple[str, str]]) -> Found:
    return [each for each in known if each[0].startswith(incomplete)]


def _split(incomplete: str) -> tuple[str, str]:
    """Return the folder that was typed, as it was typed, and what its entries begin with."""
    start, slash, rest = incomplete.rpartition("/")
    return start + slash, rest


def _bundles(incomplete: str) -> Iterator[str]:
    start, beginning = _split(incomplete)
    near = [f"{start}{name}" for name in _folders(start) if name.startswith(beginning)]
    looked = 0
    for _ in range(DEEPEST):
        further = []
        for folder in near:
            looked += 1
            if looked > MOST_FOLDERS:
                return
            if (Path(folder) / MANIFEST).is_file():
                yield folder
            else:
                further += [f"{folder}/{name}" for name in _folders(folder)]
        near = further


def _folders(place: str) -> list[str]:
    try:
        return sorted(
            entry.name
            for entry in Path(place or ".").iterdir()
            if not entry.name.startswith(".") and entry.is_dir()
        )
    except OSError:
        return []

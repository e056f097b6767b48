"""One runtime a file, a table that chooses, and a door for runtimes of other people.

A package adds its own runtime by an entry point of the group `mnist_edge.backends`: the name is
what `--runtime` takes, the object a subclass of `Backend`.
"""

from __future__ import annotations

from pathlib import Path

from mnist_edge.backends.base import Backend
from mnist_edge.backends.ladder import (
    LADDER,
    Runtime,
    candidates,
    installed_runtime,
    known_runtimes,
    runtimes,
)
from mnist_edge.bundle import manifest_beside, model_format
from mnist_edge.errors import MnistEdgeError, ModelError

__all__ = [
    "LADDER",
    "Backend",
    "Runtime",
    "candidates",
    "installed_runtime",
    "known_runtimes",
    "open_backend",
    "read_model",
    "runtimes",
]


def open_backend(path: str | Path, runtime: str | None = None, *, threads: int = 1) -> Backend:
    """Open one model file.

    Args:
        path: a .tflite, .onnx or .keras file. Where a manifest beside it names the file, its
            size and SHA-256 are checked before the runtime sees it.
        runtime: a name from `runtimes()`; None for the first installed one that opens the file.
        threads: that the runtime may use.

    Raises:
        ModelError: no such file, damaged, or refused by every runtime tried.
        MissingExtraError: no runtime for this format is installed.
        SettingError: an unknown runtime, or threads below 1.
    """
    path = Path(path)
    form = model_format(path)
    content = read_model(path)
    passed_over = []
    for candidate in candidates(runtime, form):
        try:
            return candidate.load()(candidate.name, path, content, threads)
        except (ModelError, ImportError) as error:
            if runtime is not None and isinstance(error, MnistEdgeError):
                raise
            passed_over.append(str(error))
    raise ModelError("; ".join(passed_over))


def read_model(path: Path) -> bytes:
    """Return a model file's bytes, checked against the manifest beside it where that names it.

    Raises:
        ModelError: no such file, or one that cannot be read.
        BundleError: the manifest's size or SHA-256 is another.
    """
    if not path.is_file():
        raise ModelError(f"no model at {path}: check the path, or make one with mnist-edge export")
    bundle = manifest_beside(path)
    for entry in bundle.models if bundle else ():
        if bundle and entry.file == path.name:
            return bundle.read_file(entry)
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from None

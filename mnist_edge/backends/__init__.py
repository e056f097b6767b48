"""One runtime a file, a table that chooses, and a door for runtimes of other people.

A package adds its own runtime by an entry point of the group `mnist_edge.backends`: the name is
what `--runtime` takes, the object a subclass of `Backend`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mnist_edge.backends.base import Backend
from mnist_edge.backends.ladder import (
    LADDER,
    candidates,
    installed_runtime,
    known_runtimes,
    passed_over,
    runtimes,
    third_parties,
)
from mnist_edge.backends.runtime import Runtime
from mnist_edge.errors import MnistEdgeError, ModelError
from mnist_edge.model_file import ModelFile, check_format, read_model

if TYPE_CHECKING:
    from pathlib import Path

    from mnist_edge.structure import Structure

__all__ = [
    "LADDER",
    "Backend",
    "Runtime",
    "candidates",
    "installed_runtime",
    "known_runtimes",
    "lacks",
    "open_backend",
    "open_model",
    "runtimes",
]


def open_backend(
    path: str | Path | bytes, runtime: str | None = None, *, threads: int = 1
) -> Backend:
    """Open one model.

    Args:
        path: a .tflite, .onnx or .keras file, or the bytes of one. Where a manifest beside the
            file names it, its size and SHA-256 are checked before the runtime sees it.
        runtime: a name from `runtimes()`; None for the first installed one that opens the file.
        threads: images of a batch that may be worked on side by side. One image always gets one
            thread: two would make a network of this size slower.

    Raises:
        ModelError: no such file, damaged, or refused by every runtime tried.
        MissingExtraError: no runtime for this format is installed.
        SettingError: an unknown runtime, or threads out of 1 to 1024.
    """
    return open_model(read_model(path), runtime, threads=threads)


def open_model(model: ModelFile, runtime: str | None = None, *, threads: int = 1) -> Backend:
    """Open a model that was read; everything else is as in `open_backend`."""
    if not model.ours:
        check_format(model)  # before a runtime is asked for that would not help
    rows = candidates(runtime, model.format)
    # Our own models are examined only where a runtime refuses them: it costs 5 ms.
    structure = None if model.ours else _examined(model)
    failed = {}
    for row in rows:
        reason = lacks(row, structure)
        if reason is None:
            try:
                backend = row.load()(row.name, model.path, model.content, threads)
            except (ModelError, ImportError) as error:
                structure = structure or _examined(model)
                reason = lacks(row, structure)
                if reason is None and runtime is not None and isinstance(error, MnistEdgeError):
                    raise
                failed[row.name] = str(error)
            else:
                if runtime is None:
                    backend.why_passed_over = partial(
                        passed_over, row.name, (model.format,), failed
                    )
                return backend
        if reason is not None:
            failed[row.name] = f"{row.name} cannot run {model.path}: {reason}"
    if runtime is None and (others := third_parties((model.format,), tuple(failed))):
        return open_model(model, others[0].name, threads=threads)
    raise ModelError("; ".join(dict.fromkeys(failed.values())))


def lacks(row: Runtime, structure: Structure | None) -> str | None:
    """Say what a model needs that an installed runtime does not know; None where all is known."""
    if structure is None:
        return None
    from mnist_edge.backends.needs import why_not

    if why_not(structure, row.name) is None:
        return None
    return why_not(structure, row.name, row.version)


def _examined(model: ModelFile) -> Structure | None:
    """Return what a model is made of; None for Keras', which is a program and not examined.

    What this finds could bring a native loader down.

    Raises:
        ModelError: it is not what its name says, damaged, or contradicts itself.
    """
    if model.format == "keras":
        return None
    from mnist_edge.structure import check_with_onnx, examine  # 5 ms, spared the shipped bundle

    structure = examine(model.content, str(model.path))
    if model.format == "onnx" and not model.vouched:
        check_with_onnx(model.content, structure, str(model.path))
    return structure

"""The runtimes there are, best first, and which of them to try."""

from __future__ import annotations

import importlib
import warnings
from itertools import takewhile
from typing import TYPE_CHECKING, cast

from mnist_edge.backends.runtime import Obstacle, Runtime
from mnist_edge.errors import MissingExtraError, ModelError, SettingError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_edge.backends.base import Backend
    from mnist_edge.interpreter import Interpreter

GROUP = "mnist_edge.backends"
FORMATS = ("tflite", "onnx", "keras")


def _own(module: str, name: str) -> Callable[[], type[Backend]]:
    def load() -> type[Backend]:
        module_object = importlib.import_module(f"mnist_edge.backends.{module}")
        return cast("type[Backend]", getattr(module_object, name))

    return load


# The first that is usable and opens the model is taken.
LADDER = (
    Runtime(
        "litert", ("tflite",), "ai_edge_litert", "ai-edge-litert", "litert",
        _own("litert", "LiteRTBackend"),
    ),
    Runtime(
        "tflite-runtime", ("tflite",), "tflite_runtime", "tflite-runtime", "tflite",
        _own("litert", "LiteRTBackend"), numpy_below=2,
    ),
    Runtime(
        "onnxruntime", ("onnx",), "onnxruntime", "onnxruntime", "onnx",
        _own("onnxrt", "OnnxRuntimeBackend"),
    ),
    Runtime(
        "tensorflow-lite", ("tflite",), "tensorflow", "tensorflow", "train",
        _own("litert", "LiteRTBackend"),
    ),
    Runtime(
        "keras", ("keras",), "tensorflow", "tensorflow", "train",
        _own("keras_model", "KerasBackend"),
    ),
)  # fmt: skip


def known_runtimes() -> tuple[Runtime, ...]:
    """Return every runtime, our own ladder first, then those that other packages add."""
    from importlib.metadata import entry_points

    own = {runtime.name for runtime in LADDER}
    added = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if point.name not in own:
            backend = cast("Callable[[], type[Backend]]", point.load)
            package = point.dist.name if point.dist else point.module
            try:
                formats = backend().formats
            except Exception as error:  # somebody else's code: it must not take ours along
                warnings.warn(
                    f"runtime {point.name} of {package} is left out: {error}",
                    RuntimeWarning,
                    stacklevel=2,
                )
                continue
            added.append(Runtime(point.name, formats, point.module, package, None, backend))
    return LADDER + tuple(added)


def runtimes(formats: tuple[str, ...] = FORMATS) -> tuple[str, ...]:
    """Return the names of the usable runtimes that open one of `formats`, best first."""
    return tuple(
        row.name for row in known_runtimes() if row.usable and set(row.formats) & set(formats)
    )


def usable(formats: tuple[str, ...] = FORMATS) -> list[Runtime]:
    """Return the runtimes to try for models of `formats`, best first.

    Other packages' runtimes are looked for only where none of ours will do: it costs 20 ms.
    """

    def fitting(rows: tuple[Runtime, ...]) -> list[Runtime]:
        return [row for row in rows if set(row.formats) & set(formats) and row.usable]

    return fitting(LADDER) or fitting(known_runtimes())


def third_parties(formats: tuple[str, ...], tried: tuple[str, ...]) -> list[Runtime]:
    """Return other packages' usable runtimes for `formats` that were not among those `tried`."""
    own = {row.name for row in LADDER} | set(tried)
    return [
        row
        for row in known_runtimes()
        if row.name not in own and set(row.formats) & set(formats) and row.usable
    ]


def candidates(runtime: str | None, form: str) -> list[Runtime]:
    """Return the runtimes to try for a model format, in order.

    Raises:
        SettingError: an unknown runtime.
        ModelError: the named runtime does not open this format.
        MissingExtraError: the named runtime, or every runtime for this format, cannot be used.
    """
    if runtime is None:
        rows = usable((form,))
        if not rows:
            raise none_usable((form,))
        return rows
    row = installed_runtime(runtime)
    if form not in row.formats:
        able = ", ".join(other.name for other in known_runtimes() if form in other.formats)
        raise ModelError(f"{runtime} does not open .{form} files; wanted one of {able}")
    return [row]


def installed_runtime(name: str) -> Runtime:
    """Return the runtime called `name`.

    Raises:
        SettingError: there is none of that name.
        MissingExtraError: it cannot be used here.
    """
    rows = {row.name: row for row in LADDER}
    if not isinstance(name, str):
        raise SettingError(f"runtime is {name!r}; wanted a name, such as {', '.join(rows)}")
    if name not in rows:
        rows = {row.name: row for row in known_runtimes()}
    if name not in rows:
        raise unknown("runtime", name, rows)
    obstacle = rows[name].obstacle()
    if obstacle is None:
        return rows[name]
    if obstacle.kind == "not installed":
        raise MissingExtraError(f"runtime {name} ({rows[name].package})", rows[name].extra)
    raise MissingExtraError(f"runtime {name} cannot be used here: {obstacle}")


def none_usable(formats: tuple[str, ...]) -> MissingExtraError:
    """Return the error for models of `formats` that no runtime here opens: what to do."""
    what = "a runtime for " + ", ".join(f".{form}" for form in formats) + " files"
    row, obstacle = nearest(formats)
    if obstacle.kind == "not installed":
        return MissingExtraError(f"{what} ({row.package})", row.extra)
    return MissingExtraError(f"{what} cannot be had here: {row.name}: {obstacle}")


def nearest(formats: tuple[str, ...], here: Interpreter | None = None) -> tuple[Runtime, Obstacle]:
    """Return the runtime for `formats` that is nearest to being usable, where none is.

    That is the first that pip can help to; where pip cannot help, the best of them.
    """
    rows = [row for row in LADDER if set(row.formats) & set(formats)]
    found = [(row, obstacle) for row in rows if (obstacle := row.obstacle(here)) is not None]
    return next((each for each in found if each[1].kind != "no wheel"), found[0])


def passed_over(
    taken: str, formats: tuple[str, ...], failed: dict[str, str], refused: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Say of each rung of our ladder above `taken` why it was not taken, a line each.

    Args:
        taken: name of the runtime that opened a model.
        formats: of the models that there were to choose from.
        failed: by runtime, what those said that were tried.
        refused: lines on models that the runtime taken was given first.
    """
    rows = [row for row in LADDER if set(row.formats) & set(formats)]
    above = takewhile(lambda row: row.name != taken, rows)
    lines = tuple(f"{row.name}: {failed.get(row.name) or row.obstacle()}" for row in above)
    return lines + refused

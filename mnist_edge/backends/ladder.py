"""The runtimes there are, best first, and which of them are installed here."""

from __future__ import annotations

import importlib
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast

from mnist_edge.errors import MissingExtraError, ModelError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_edge.backends.base import Backend

GROUP = "mnist_edge.backends"


@dataclass(frozen=True, slots=True)
class Runtime:
    """A runtime that models can be opened by.

    Attributes:
        name: what `--runtime` takes.
        formats: model formats that it opens.
        module: what is imported; it tells whether the runtime is installed.
        package: what pip calls it.
        extra: the extra of mnist-edge that brings it.
        load: returns the Backend subclass.
    """

    name: str
    formats: tuple[str, ...]
    module: str
    package: str
    extra: str
    load: Callable[[], type[Backend]]

    @property
    def installed(self) -> bool:
        """Whether the module is there; it is not imported."""
        return find_spec(self.module) is not None

    @property
    def version(self) -> str | None:
        """The installed package's version; None where it has none (reading it costs 20 ms)."""
        from importlib.metadata import PackageNotFoundError, version

        for package in (self.package, f"{self.package}-cpu"):  # tensorflow has two names
            try:
                return version(package)
            except PackageNotFoundError:
                continue
        return None


def _own(module: str, name: str) -> Callable[[], type[Backend]]:
    def load() -> type[Backend]:
        module_object = importlib.import_module(f"mnist_edge.backends.{module}")
        return cast("type[Backend]", getattr(module_object, name))

    return load


# The first that is installed and opens the model is taken.
LADDER = (
    Runtime(
        "litert", ("tflite",), "ai_edge_litert", "ai-edge-litert", "litert",
        _own("litert", "LiteRTBackend"),
    ),
    Runtime(
        "tflite-runtime", ("tflite",), "tflite_runtime", "tflite-runtime", "tflite",
        _own("litert", "LiteRTBackend"),
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
            added.append(Runtime(point.name, formats, point.module, package, package, backend))
    return LADDER + tuple(added)


def runtimes(formats: tuple[str, ...] = ("tflite", "onnx", "keras")) -> tuple[str, ...]:
    """Return the names of the installed runtimes that open one of `formats`, best first."""
    return tuple(
        runtime.name
        for runtime in known_runtimes()
        if runtime.installed and set(runtime.formats) & set(formats)
    )


def candidates(runtime: str | None, form: str) -> list[Runtime]:
    """Return the runtimes to try for a model format, in order.

    Raises:
        SettingError: an unknown runtime.
        ModelError: the named runtime does not open this format.
        MissingExtraError: the named runtime, or every runtime for this format, is absent.
    """
    if runtime is None:
        fitting = [row for row in LADDER if form in row.formats and row.installed]
        if not fitting:  # only now: looking for entry points costs 20 ms
            fitting = [row for row in known_runtimes() if form in row.formats and row.installed]
        if not fitting:
            first = next(row for row in LADDER if form in row.formats)
            raise MissingExtraError(f"a runtime for .{form} files ({first.package})", first.extra)
        return fitting
    row = installed_runtime(runtime)
    if form not in row.formats:
        able = ", ".join(other.name for other in known_runtimes() if form in other.formats)
        raise ModelError(f"{runtime} does not open .{form} files; wanted one of {able}")
    return [row]


def installed_runtime(name: str) -> Runtime:
    """Return the runtime called `name`.

    Raises:
        SettingError: there is none of that name.
        MissingExtraError: it is not installed.
    """
    rows = {row.name: row for row in LADDER}
    if name not in rows:
        rows = {row.name: row for row in known_runtimes()}
    if name not in rows:
        raise unknown("runtime", name, rows)
    if not rows[name].installed:
        raise MissingExtraError(f"runtime {name} ({rows[name].package})", rows[name].extra)
    return rows[name]

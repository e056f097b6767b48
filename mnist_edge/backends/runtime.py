"""A runtime as the ladder knows it: what it opens, and why it cannot be used here."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_edge.backends.base import Backend
    from mnist_edge.interpreter import Interpreter


class Obstacle(NamedTuple):
    """Why a runtime cannot be used on this machine.

    Attributes:
        kind: which obstacle it is.
        reason: in words.
        remedy: what to do; a pip line where that helps.
    """

    kind: Literal["not installed", "no wheel", "numpy"]
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.remedy}"


class Runtime(NamedTuple):
    """A runtime that models can be opened by.

    Attributes:
        name: what `--runtime` takes.
        formats: model formats that it opens.
        module: what is imported; it tells whether the runtime is installed.
        package: what pip calls it.
        extra: the extra of mnist-edge that brings it; None for somebody else's runtime.
        load: returns the Backend subclass.
        numpy_below: the first major version of numpy that it does not run with; None for any.
    """

    name: str
    formats: tuple[str, ...]
    module: str
    package: str
    extra: str | None
    load: Callable[[], type[Backend]]
    numpy_below: int | None = None

    @property
    def installed(self) -> bool:
        """Whether the module is there; it is not imported."""
        try:
            spec = find_spec(self.module)
        except ValueError:  # a stand-in that somebody has put into sys.modules
            return False
        return spec is not None and spec.origin is not None  # a folder of that name is no module

    @property
    def usable(self) -> bool:
        """Whether it is installed, and nothing that can be told without importing it is against it.

        What is broken within is seen only when a model is opened.
        """
        return self.installed and not self._numpy_is_too_new

    @property
    def _numpy_is_too_new(self) -> bool:
        return (
            self.numpy_below is not None and int(np.__version__.split(".")[0]) >= self.numpy_below
        )

    def obstacle(self, here: Interpreter | None = None) -> Obstacle | None:
        """Say why it cannot be used, without importing it; None where it is `usable`.

        Args:
            here: for which Python and machine; None for this one.
        """
        if self.installed:
            if not self._numpy_is_too_new:
                return None
            reason = (
                f"{self.package} needs numpy below {self.numpy_below}, here is {np.__version__}"
            )
            return Obstacle("numpy", reason, f'pip install "numpy<{self.numpy_below}"')
        from mnist_edge.backends.wheels import has_wheel, why_none
        from mnist_edge.interpreter import this_interpreter

        here = here or this_interpreter()
        if not has_wheel(self.package, here):
            return Obstacle("no wheel", *why_none(self.package, here))
        what = self.package if self.extra is None else f'"mnist-edge[{self.extra}]"'
        return Obstacle("not installed", "not installed", f"pip install {what}")

    @property
    def version(self) -> str | None:
        """The installed package's version; None where it has none (reading it costs 20 ms)."""
        from importlib.metadata import PackageNotFoundError, version

        # TensorFlow has two names, and so has ONNX Runtime where it brings a GPU along.
        for package in (self.package, f"{self.package}-cpu", f"{self.package}-gpu"):
            try:
                return version(package)
            except PackageNotFoundError:
                continue
        return None

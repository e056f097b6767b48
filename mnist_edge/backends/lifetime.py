"""From opening a model to closing it: used by several threads, in a forked child, or pickled."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from mnist_edge.errors import InputError, MnistEdgeError, ModelError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray
    from typing_extensions import Self

    from mnist_edge.quantize import TensorSpec

CLOSED = -1  # in place of the count of forks
WAS_CLOSED = "this model was closed; open it again"

forks = 0  # how often the process was forked on the way to this one
_reviving = threading.RLock()  # around opening a model anew, and around closing one


def _count_fork() -> None:
    global forks, _reviving
    forks += 1
    _reviving = threading.RLock()  # another thread of the parent may have held the old one


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)


class Opened(ABC):
    """A model that a runtime holds open; `backends.base.Backend` says what is asked of it."""

    thread_safe: ClassVar[bool]
    survives_fork: ClassVar[bool]

    def __init__(self, runtime: str, path: Path, content: bytes, threads: int) -> None:
        """Open a model; all four as `Backend` takes them.

        Raises:
            ModelError: the runtime refuses the model.
        """
        self.runtime, self.threads = runtime, threads
        self._path, self._content = path, content
        self._lock = threading.RLock()  # a signal handler may close what it interrupted
        self._alive = forks
        self.input, self.output = self._opened()

    @abstractmethod
    def _open(self, path: Path, content: bytes, threads: int) -> tuple[TensorSpec, TensorSpec]:
        """Open the model and return its one input and its one output.

        `threads` is what one `_run` may use where the runtime is not `thread_safe`.
        """

    @abstractmethod
    def _close(self) -> None:
        """Let go of what the runtime holds."""

    def close(self) -> None:
        """Let go of the model; a second call does nothing.

        In a forked child, what the parent opened is left to the parent.
        """
        with _reviving:
            alive, self._alive = self._alive, CLOSED
        if alive == forks and self.thread_safe:
            self._close()
        elif alive == forks:
            with self._lock:
                self._close()

    def _guarded(self, run: Any, given: NDArray[Any]) -> NDArray[Any]:
        """Return what `run` makes of an array, if the model is open, in turn where it must be."""
        if self._alive != forks:
            self._revive()
        try:
            if self.thread_safe:
                return run(given)  # type: ignore[no-any-return]
            with self._lock:
                if self._alive == CLOSED:
                    raise ModelError(WAS_CLOSED)
                return run(given)  # type: ignore[no-any-return]
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> NoReturn:
        """Raise what came of a call as an error of ours: each runtime has exceptions of its own."""
        if isinstance(error, MnistEdgeError):
            raise error
        if self._alive == CLOSED:
            raise ModelError(WAS_CLOSED) from error
        raise ModelError(f"{self.runtime} failed: {first_line(error)}") from error

    def _revive(self) -> None:
        """Open the model anew in a forked child, or say why it cannot be used."""
        if self._alive == CLOSED:
            raise ModelError(WAS_CLOSED)
        if not self.survives_fork:
            raise ModelError(
                f"{self.runtime} opened this model before the process was forked, and does not "
                "survive that: open it in the child, or start the child by spawn"
            )
        with _reviving:
            if self._alive == CLOSED:
                raise ModelError(WAS_CLOSED)
            if self._alive != forks:
                self._lock = threading.RLock()  # a thread of the parent may have held the old one
                self._opened()
                self._alive = forks

    def _opened(self) -> tuple[TensorSpec, TensorSpec]:
        try:
            return self._open(self._path, self._content, self.threads)
        except InputError as error:  # a scale or zero point that cannot be
            raise ModelError(f"{self._path}: {error}") from None
        except MnistEdgeError:
            raise
        except Exception as error:  # each runtime has exceptions of its own
            raise ModelError(
                f"{self.runtime} cannot open {self._path}: {first_line(error)}"
            ) from error

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as what it was opened with."""
        if self._alive == CLOSED:
            raise ModelError(WAS_CLOSED)
        return type(self), (self.runtime, self._path, self._content, self.threads)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, fit to be printed, or its type if it has none."""
    lines = str(error).strip().splitlines()
    if not lines:
        return type(error).__name__
    return "".join(letter if letter.isprintable() else "?" for letter in lines[0][:300])

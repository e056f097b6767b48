"""Where the commands write: stdout and stderr, whatever is at their other end."""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console

from mnist_edge.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAIN = "mnist_edge.plain"
CLOSED = 141  # what a shell says of a program whose reader went away: 128 + SIGPIPE
# For what has no such characters. One for one, so that columns stay below each other.
STANDS_FOR = {
    "─": "-", "━": "-", "│": "|", "–": "-", "—": "-", "−": "-", "…": "*", "±": "~", "×": "x",
    "µ": "u", "μ": "u", "→": ">", "≤": "<", "≥": ">", "²": "2", "σ": "s", "°": "deg",
    "‘": "'", "’": "'", "“": '"', "”": '"',
}  # fmt: skip
SPINNING = range(0x2800, 0x2900)  # Braille, of which rich makes its spinner


@contextmanager
def writing() -> Iterator[None]:
    """Say of stdout that it takes no more: what is long is written before the end, see `leave`.

    Raises:
        OutputError: it does not.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        _silence(sys.stdout)
        raise OutputError(f"cannot write to stdout: {error.strerror}") from None


class Stream(Console):
    """A console that knows whether what it wrote can be overwritten, and leaves errors to us."""

    @property
    def live(self) -> bool:
        """Whether there is a terminal that moves its cursor.

        Colour is another question: FORCE_COLOR gives it to the log of a CI, which keeps each frame
        of a progress bar as a line.
        """
        return self.file.isatty() and not self.is_dumb_terminal

    def print(self, *objects: Any, **style: Any) -> None:
        """Print as rich does.

        Raises:
            OutputError: stdout takes no more.
        """
        with writing() if not self.stderr else nullcontext():
            super().print(*objects, **style)

    def on_broken_pipe(self) -> None:
        """Raise the BrokenPipeError that is being handled: `run` knows what it means."""
        raise


# No markup: a path or a label with brackets is text.
out = Stream(highlight=False, markup=False)
err = Stream(stderr=True, highlight=False, markup=False)


def write_what_can_be_read() -> None:
    """Let stdout and stderr write something like it where their encoding has no such character."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # there may be none, or one of another kind
            stream.reconfigure(errors=PLAIN)  # type: ignore[union-attr]


def leave(code: int) -> int:
    """Write what is still to be written to stdout; return the code to leave with."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        return closed(code)
    except OSError as error:
        _silence(sys.stdout)
        if not code:  # else there is a line on stderr already
            err.print(f"error: cannot write to stdout: {error.strerror}", soft_wrap=True)
        return code or 2
    return code


def closed(code: int = 0) -> int:
    """Go on without a reader, as `head` is one that leaves; return the code to leave with."""
    for stream in (sys.stdout, sys.stderr):
        _silence(stream)
    return code or CLOSED


def _silence(stream: TextIO | None) -> None:
    """Let what a stream still holds go nowhere: Python would complain of it when it ends."""
    with suppress(AttributeError, OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            stream.flush()  # type: ignore[union-attr]
        except OSError:
            os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
        finally:
            os.close(nowhere)


def _stand_in(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found, place = "", error.start
    while place < error.end:
        each = _like(error.object[place])
        found += each
        place += 1
        # the room of what stands for it with more characters is taken from the blanks after it
        for _ in each[1:]:
            if error.object[place : place + 2] == "  ":
                place += 1
    return found, place


def _like(character: str) -> str:
    if ord(character) in SPINNING:
        return "*"
    known = STANDS_FOR.get(character)
    if known is None:
        simple = unicodedata.normalize("NFKD", character)
        known = "".join(each for each in simple if each.isascii()) or "?"
    return known


codecs.register_error(PLAIN, _stand_in)

"""Every error that mnist_edge raises on purpose.

Each message is one line that says what came, what was wanted and what to do.

    MnistEdgeError             exit code 2: bad usage or bad input
    |-- InputError             an image or an array that no model could take
    |-- DataError              a dataset that is absent, damaged or not of a known form
    |-- ModelError             a model file that is absent, damaged or not an image classifier
    |   `-- BundleError        a bundle folder whose manifest or files do not hold
    |-- SettingError           a recipe, option or value that does not exist or is out of range
    |-- OutputError            a place that cannot be written to
    |-- HostError              another machine that cannot be reached, or a step that failed there
    |-- MissingExtraError      an optional package that is not installed, or of no use here
    `-- CheckFailed            exit code 1: everything ran, and a check did not hold
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


LONGEST = 600  # characters of a message


class MnistEdgeError(Exception):
    """Base of every error raised on purpose; its text is fit to be shown to a user as it is."""

    exit_code = 2

    def __str__(self) -> str:
        """Return the message as one line that can be printed.

        Messages quote file names, manifests and what runtimes say, and a damaged file may bring
        line ends, escape sequences or a thousand numbers into any of these.
        """
        return one_line(super().__str__())


class InputError(MnistEdgeError, ValueError):
    """An image or an array has the wrong shape, dtype or range."""


class DataError(MnistEdgeError):
    """A dataset is absent, damaged or not of a known form."""


class ModelError(MnistEdgeError):
    """A model file is absent, damaged or not an image classifier."""


class BundleError(ModelError):
    """A bundle folder's manifest or files do not hold."""


class SettingError(MnistEdgeError, ValueError):
    """A recipe, option or value does not exist or is out of range."""


class OutputError(MnistEdgeError):
    """A place cannot be written to."""


class HostError(MnistEdgeError):
    """Another machine cannot be reached, or something failed there."""


class MissingExtraError(MnistEdgeError, ImportError):
    """An optional package is not installed, or of no use here; the message says what to do."""

    def __init__(self, what: str, extra: str | None = None) -> None:
        """Say that `what` is missing and which `extra` of this package brings it.

        Without an extra, `what` is the whole message: pip alone does not help then.
        """
        super().__init__(
            what if extra is None else f'{what} is not installed: pip install "mnist-edge[{extra}]"'
        )


class CheckFailed(MnistEdgeError):  # noqa: N818 - it is a verdict, not a fault
    """Everything ran, and a check did not hold."""

    exit_code = 1


def one_line(text: str) -> str:
    r"""Return `text` as one printable line of at most LONGEST characters.

    >>> one_line("two\nlines, a bell: \a")
    'two lines, a bell: ?'
    """
    if not text.isprintable():
        text = "".join(each if each.isprintable() else "?" for each in " ".join(text.split()))
    if len(text) > LONGEST:  # how it begins and what to do are at the ends
        text = f"{text[: LONGEST // 2]} ... {text[5 - LONGEST // 2 :]}"
    return text


def unknown(kind: str, name: str, known: Iterable[str]) -> SettingError:
    """Return the error for a `name` that is none of the `known` ones, with the nearest of them.

    >>> str(unknown("recipe", "egde", ["edge", "dense"]))
    "unknown recipe 'egde': did you mean 'edge'? Known: dense, edge"
    """
    from difflib import get_close_matches  # 2 ms, spared those who make no mistake

    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return SettingError(f"unknown {kind} {name!r}: {hint}Known: {', '.join(names)}")

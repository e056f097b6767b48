"""What may come of a case: a right answer, or one of our errors of one line; nothing else."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mnist_edge.errors import MnistEdgeError

if TYPE_CHECKING:
    from mnist_edge import Classifier

ANSWERED, REFUSED, FAILED = "answered", "refused", "failed"
LONGEST = 600  # characters of a message, paths of temporary folders included
# A runtime that fails for want of memory was about to take more than the worker's limit: elsewhere
# it would have been given it.
HUNGRY = ("bad_alloc", "MemoryError", "Failed to allocate", "out of memory")


class Wrong(Exception):  # noqa: N818 - it is a verdict
    """An answer that should not have been given, or is not the right one."""


@dataclass(frozen=True)
class Outcome:
    """What came of one case: one of the three words, and the answer, message or fault."""

    outcome: str
    detail: str


class Kind(Protocol):
    """A kind of case. Both methods are pure functions of the seed, but for the folder."""

    def make(self, seed: int, folder: Path) -> str:
        """Write the case's files into an empty folder; return in words what was done to them."""

    def check(self, seed: int, folder: Path) -> str:
        """Give the case to mnist_edge and return what it answered.

        Raises:
            MnistEdgeError: it was refused.
            Wrong: the answer is not right.
        """


def judge(kind: Kind, seed: int, folder: Path) -> Outcome:
    """Return what comes of a case whose files lie in `folder`."""
    try:
        return Outcome(ANSWERED, kind.check(seed, folder))
    except Wrong as error:
        return Outcome(FAILED, f"wrong: {error}")
    except MnistEdgeError as error:
        try:
            return Outcome(REFUSED, f"{type(error).__name__}: {good_message(str(error))}")
        except Wrong as fault:
            return Outcome(FAILED, f"{type(error).__name__}: {fault}")
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        text = " ".join(str(error).split())[:200]
        return Outcome(
            FAILED,
            f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}: {text}",
        )


def good_message(text: str) -> str:
    """Return a message if it is one line that can be printed.

    Raises:
        Wrong: it is none, or says that memory ran out.
    """
    if not text.strip() or len(text.splitlines()) != 1 or not text.isprintable():
        raise Wrong(f"message is not one printable line: {text[:200]!r}")
    if len(text) > LONGEST:
        raise Wrong(f"message of {len(text)} characters: {text[:100]!r}")
    text.encode()  # half a surrogate pair cannot be printed
    if any(word in text for word in HUNGRY):
        raise Wrong(f"memory: {text[:200]}")
    return text


def ask(classifier: Classifier, images: np.ndarray[Any, Any]) -> str:
    """Have one image, then all of `images` [N,H,W,C], classified; return the labels.

    Raises:
        Wrong: what comes is not finite float32 probabilities of the right shape.
    """
    found = classifier.predict(images[0])
    many = classifier.probabilities(images)
    if many.dtype != np.float32 or many.shape != (len(images), len(classifier.labels)):
        raise Wrong(f"probabilities are {many.dtype} {many.shape}")
    if not (np.isfinite(many).all() and np.isfinite(found.probabilities).all()):
        raise Wrong("probabilities are not finite")
    if found.label != classifier.labels[found.index] or not np.isfinite(found.confidence):
        raise Wrong(f"prediction is {found!r}")
    return " ".join(classifier.labels[index] for index in many.argmax(1))

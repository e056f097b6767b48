"""What every model of a bundle says of the test images, on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mnist_edge import reference
from mnist_edge.classifier import PREFERENCE, Classifier
from mnist_edge.errors import BundleError, MnistEdgeError
from mnist_edge.report.bench_cells import short_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from mnist_edge.bundle import Bundle, ModelEntry

PART = 1000  # images between two words on how far it is
SAME = 5e-4  # difference of probabilities that one digit after the point of a percentage hides
STORED = "stored by export"


class Answers(NamedTuple):
    """What one model says.

    Attributes:
        entry: the model as the manifest has it.
        runtime: what ran it; STORED for Keras' answers as the bundle keeps them.
        probabilities: float32 [N,K]; None where it did not run.
        why: it did not run, in one line; else empty.
    """

    entry: ModelEntry
    runtime: str
    probabilities: NDArray[np.float32] | None
    why: str = ""

    @property
    def name(self) -> str:
        """What tells it from the other models of its bundle."""
        return short_name({"model": self.entry.file, "quantization": self.entry.quantization})

    @property
    def said(self) -> NDArray[np.float32]:
        """The probabilities of a model that ran."""
        assert self.probabilities is not None  # noqa: S101 - those that did not are sorted out
        return self.probabilities

    @property
    def named(self) -> NDArray[np.int64]:
        """The class index that each image was given, [N]."""
        found: NDArray[np.int64] = self.said.argmax(1)
        return found


def answers_of(
    bundle: Bundle,
    images: NDArray[np.uint8],
    tell: Callable[[str], None] = lambda _line: None,
) -> tuple[Answers, ...]:
    """Run each model of a bundle on the first runtime here that takes it.

    Keras' own answers are those that the bundle keeps, where it keeps them of these images.

    Args:
        bundle: whose models to run.
        images: uint8 [N,H,W] or [N,H,W,C].
        tell: takes a line on what is going on.

    Returns:
        One for each model of the manifest, in its order; one that no runtime here takes says so.

    Raises:
        BundleError: a file is not what the manifest says.
    """
    kept = reference.read(bundle, images)
    found = []
    for entry in bundle.models:
        if entry.format == "keras" and kept is not None:
            bundle.read_file(entry)
            found.append(Answers(entry, STORED, kept))
        else:
            found.append(_run(bundle, entry, images, tell))
    return tuple(found)


def _run(
    bundle: Bundle, entry: ModelEntry, images: NDArray[np.uint8], tell: Callable[[str], None]
) -> Answers:
    tell(f"opening {entry.file}")
    try:
        with Classifier.open(bundle.folder / entry.file) as classifier:
            runtime, parts = classifier.backend.runtime, []
            for start in range(0, len(images), PART):
                tell(f"{entry.file} on {runtime}: image {start:,} of {len(images):,}")
                parts.append(classifier.probabilities(images[start : start + PART]))
    except BundleError:
        raise
    except MnistEdgeError as error:
        return Answers(entry, "", None, str(error))
    said = np.concatenate(parts)
    if not np.isfinite(said).all():
        return Answers(entry, runtime, None, f"{entry.file} gives NaN or infinity: export it anew")
    return Answers(entry, runtime, said)


def reference_of(every: Sequence[Answers]) -> Answers | None:
    """Return the model that the others are held against: Keras', or else the first in float32."""
    ran = [each for each in every if each.probabilities is not None]
    floats = [each for each in ran if each.entry.quantization == "float32"]
    keras = [each for each in floats if each.entry.format == "keras"]
    return next(iter((*keras, *floats)), None)


def embedded(every: Sequence[Answers]) -> Answers | None:
    """Return the model that `Classifier.open` would choose of those that ran."""
    ran = [each for each in every if each.probabilities is not None]
    liked = [(form, kind) for form, kinds in PREFERENCE.items() for kind in kinds]
    places = {each: place for place, each in enumerate(liked)}
    return min(
        ran, key=lambda each: places.get((each.entry.format, each.entry.quantization), len(liked)),
        default=None,
    )  # fmt: skip


def alike(every: Sequence[Answers]) -> list[list[Answers]]:
    """Put the models together that say the same, to one digit after the point of a percentage."""
    groups: list[list[Answers]] = []
    for each in every:
        if each.probabilities is None:
            continue
        for group in groups:
            if np.abs(group[0].said - each.said).max() <= SAME:
                group.append(each)
                break
        else:
            groups.append([each])
    return groups


def deciding_alike(every: Sequence[Answers]) -> list[list[Answers]]:
    """Put the models together that name the same class for every image."""
    groups: dict[bytes, list[Answers]] = {}
    for each in every:
        if each.probabilities is not None:
            groups.setdefault(each.named.tobytes(), []).append(each)
    return list(groups.values())


def names_of(group: Sequence[Answers]) -> str:
    """Return models in words: `a`, `a and b`, `a, b and c`."""
    words = [each.name for each in group]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

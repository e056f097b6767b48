"""The stress of a bench: every model on every corruption, and on images that are no digit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.atomic import explained
from mnist_edge.bench.stress.corruptions import CORRUPTIONS, corrupt
from mnist_edge.bench.stress.measures import THRESHOLDS, auroc, below, on_images, over_all
from mnist_edge.bench.stress.non_digits import NAMES, strangers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from mnist_edge.bench.candidates import Candidate
    from mnist_edge.bench.crew import Crew
    from mnist_edge.data import Dataset

    Answers = Mapping[Candidate, NDArray[np.float32]]

STEPS = len(CORRUPTIONS) + len(NAMES)
STEP = "stress: "  # what the text of each step begins with


class Trial:
    """Puts models under stress, each in the process that it was timed in.

    What fails is said in the crew's `measured`, and left out from then on.
    """

    def __init__(self, crew: Crew, answers: Answers, dataset: Dataset, folder: Path) -> None:
        """Begin with nothing done.

        Args:
            crew: of workers whose models are open.
            answers: of each model to the images as they are, float32 [N,K].
            dataset: whose test images they were, with labels.
            folder: where images and answers are put for the workers, and written over.
        """
        self._crew, self._answers, self._dataset = crew, answers, dataset
        self._images, self._place = folder / "worse.npy", folder / "answers.npy"

    def run(
        self, step: Callable[[str], None], say: Callable[[str], None]
    ) -> dict[Candidate, dict[str, Any]]:
        """Return what a record has of each model under stress, of those that went through it.

        Args:
            step: takes what is done now, before each of STEPS.
            say: takes a line on what is going on.
        """
        kinds: dict[Candidate, list[dict[str, Any]]] = {each: [] for each in self._answers}
        for kind in CORRUPTIONS:
            step(STEP + kind.name)
            for each in kinds:
                kinds[each].append({"name": kind.name, "unit": kind.unit, "levels": []})
            for amount in kind.amounts:
                worse = corrupt(self._dataset.test.images, kind, amount)
                for each, found in self._classified(worse):
                    level = {"amount": amount, **on_images(found, self._dataset.test.labels)}
                    kinds[each][-1]["levels"].append(level)
        sets: dict[Candidate, list[dict[str, Any]]] = {each: [] for each in self._answers}
        for name in NAMES:
            step(STEP + name)
            self._try_strangers(name, sets, say)
        return {
            each: {
                **over_all(on_images(clean, self._dataset.test.labels), kinds[each]),
                "non_digits": {
                    "thresholds": list(THRESHOLDS),
                    "digits_below": below(clean),
                    "sets": sets[each],
                },
            }
            for each, clean in self._answers.items()
            if self._crew.measured[each].error is None
        }

    def _try_strangers(
        self, name: str, sets: dict[Candidate, list[dict[str, Any]]], say: Callable[[str], None]
    ) -> None:
        kind = strangers(name, self._dataset, say)
        known = {"name": name, "missing": kind.missing}
        if kind.images is None:
            for found in sets.values():
                found.append({**known, "samples": 0, "below": None, "auroc": None})
            return
        for each, answer in self._classified(kind.images):
            sets[each].append(
                {
                    **known,
                    "samples": len(answer),
                    "below": below(answer),
                    "auroc": auroc(self._answers[each], answer),
                }
            )

    def _classified(
        self, images: NDArray[np.uint8]
    ) -> Iterator[tuple[Candidate, NDArray[np.float32]]]:
        """Give each model that still runs, with its probabilities of all images, [N,K]."""
        with explained(self._images):
            np.save(self._images, images)
        for each in self._answers:
            if self._crew.classify(each, self._images, self._place):
                yield each, np.load(self._place)

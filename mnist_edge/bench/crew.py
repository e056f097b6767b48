"""The workers of a bench: one process for each candidate, all alive, one of them at work."""

from __future__ import annotations

import random
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import ceil
from time import monotonic
from typing import TYPE_CHECKING, Any

from mnist_edge.bench.process import Companion, JobFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from mnist_edge.bench.candidates import Candidate
    from mnist_edge.bench.settings import Settings

PATIENCE_S = 600.0  # for one answer
BATCH_S = 0.02  # of each size of batch, in each launch
SUSTAINED_TURN_S = 0.5


@dataclass
class Measured:
    """What was measured of one candidate.

    Attributes:
        error: what kept it from being measured; None where nothing did.
        opened: of each launch, what the worker said when it had opened the model.
        images_per_s: of all test images at once.
        inputs: SHA-256 of the images that calls were timed on.
        turns: by `invoke` and `predict`, the launch and the times in ns of each turn.
        batches: by size, times in ns of a batch.
        waiting_s: processor seconds used while others had their turn.
    """

    error: str | None = None
    opened: list[dict[str, Any]] = field(default_factory=list)
    images_per_s: float | None = None
    inputs: str | None = None
    turns: dict[str, list[tuple[int, list[int]]]] = field(
        default_factory=lambda: {"invoke": [], "predict": []}
    )
    batches: dict[int, list[int]] = field(default_factory=dict)
    waiting_s: float = 0.0


class Crew:
    """Opens candidates in processes of their own, and has them take turns.

    In everything the order is shuffled anew, so that a machine that drifts drifts for all. What
    fails is said in `measured` and left out from then on.
    """

    def __init__(
        self,
        chosen: Sequence[Candidate],
        images: Path,
        settings: Settings,
        say: Callable[[str], None],
    ) -> None:
        """Begin with no process.

        Args:
            chosen: what to run.
            images: .npy of uint8 [N,H,W,C].
            settings: how long, how often.
            say: takes what is done now, before each step.
        """
        self.measured = {each: Measured() for each in chosen}
        self._images, self._settings, self._say = images, settings, say
        self._chance = random.Random(settings.seed)
        self._alive: dict[Candidate, Companion] = {}
        self._cpu_s: dict[Candidate, float] = {}
        self._launch = -1
        self._rounds_s = 0.0

    @property
    def cpu_s(self) -> float:
        """Processor seconds that the processes which are alive have used, by their last answers."""
        return sum(self._cpu_s.values())

    def launch(self, chosen: Sequence[Candidate]) -> None:
        """Start a process for each, one after the other, and have it open its model."""
        self._launch += 1
        for each in self._shuffled(chosen):
            self._say(f"opening {each}")
            try:
                self._alive[each] = Companion("mnist_edge.bench.worker")
            except JobFailed as failed:
                self.measured[each].error = str(failed)
                continue
            job = {
                "do": "open",
                "model": str(each.path),
                "runtime": each.runtime,
                "threads": each.threads,
            }
            found = self._ask(each, job)
            if found is not None:
                self.measured[each].opened.append(found)

    def answer(self, each: Candidate, probabilities: Path) -> bool:
        """Have one classify all images; return whether it did."""
        self._say(f"{each}: every image")
        job = {
            "do": "answer",
            "images": str(self._images),
            "probabilities": str(probabilities),
        }
        found = self._ask(each, job)
        if found is not None:
            self.measured[each].images_per_s = found["images_per_s"]
        return found is not None

    def classify(self, each: Candidate, images: Path, probabilities: Path) -> bool:
        """Have one classify other images, .npy of uint8 [N,H,W,C]; return whether it did."""
        job = {"do": "classify", "images": str(images), "probabilities": str(probabilities)}
        return self._ask(each, job) is not None

    def dismiss(self, each: Candidate) -> None:
        """End the process of one, where there is one."""
        self._cpu_s.pop(each, None)
        companion = self._alive.pop(each, None)
        if companion is not None:
            companion.close()

    def prepare(self) -> None:
        """Have all read the images that they will be timed on."""
        job = {
            "do": "prepare",
            "images": str(self._images),
            "batches": list(self._settings.batches),
        }
        for each in list(self._alive):
            found = self._ask(each, job)
            if found is not None:
                self.measured[each].inputs = found["inputs"]

    def round(self) -> None:
        """Have each take its turn at both timings."""
        began = monotonic()
        settings = self._settings
        parts = settings.launches * settings.rounds
        limits = {
            "seconds": settings.seconds / parts,
            "least": ceil(settings.samples / parts),
            "patience": settings.patience / parts,
        }
        for each in self._turn_order():
            for what in self._chance.sample(("invoke", "predict"), 2):
                found = self._ask(each, {"do": "turn", "what": what, **limits})
                if found is not None:
                    self.measured[each].turns[what].append((self._launch, found["times"]))
        self._rounds_s += monotonic() - began

    def batches(self) -> None:
        """Have each do batches of every size."""
        for each in self._turn_order():
            self._say(f"{each}: batches")
            for size in self._settings.batches:
                found = self._ask(each, {"do": "batch", "size": size, "seconds": BATCH_S})
                if found is not None:
                    self.measured[each].batches.setdefault(size, []).extend(found["times"])

    def sustained(self) -> Iterator[tuple[Candidate, list[int]]]:
        """Have each predict for a while; give it with the times in ns of its calls."""
        job = {"do": "turn", "what": "predict", "seconds": SUSTAINED_TURN_S, "least": 1}
        for each in self._turn_order():
            found = self._ask(each, {**job, "patience": SUSTAINED_TURN_S})
            if found is not None:
                yield each, found["times"]

    def waiting(self) -> tuple[float, str] | None:
        """Return the most processors' worth that one used in rounds when it was not its turn.

        Returns:
            With it, which one; None where there were no rounds.
        """
        if not self._rounds_s:
            return None
        each = max(self.measured, key=lambda each: self.measured[each].waiting_s)
        return round(self.measured[each].waiting_s / self._rounds_s, 3), str(each)

    def close(self) -> None:
        """End every process."""
        with ExitStack() as stack:
            for each in list(self._alive):
                stack.callback(self.dismiss, each)

    def _turn_order(self) -> list[Candidate]:
        return self._shuffled(list(self._alive))

    def _shuffled(self, chosen: Sequence[Candidate]) -> list[Candidate]:
        return self._chance.sample(list(chosen), len(chosen))

    def _ask(self, each: Candidate, job: dict[str, Any]) -> dict[str, Any] | None:
        """Return the answer; None where there is none, or the process is gone already."""
        companion = self._alive.get(each)
        if companion is None:
            return None
        try:
            found = companion.ask(job, PATIENCE_S)
        except JobFailed as failed:
            self.measured[each].error = str(failed)
            self.dismiss(each)
            return None
        self._cpu_s[each] = found["cpu_s"]
        if job["do"] == "turn":
            self.measured[each].waiting_s += found["waiting_s"]
        return found

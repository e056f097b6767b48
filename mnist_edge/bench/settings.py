"""How to bench: which runtimes, how long, and what a model may lose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mnist_edge.backends import installed_runtime
from mnist_edge.backends.base import MOST_THREADS
from mnist_edge.errors import SettingError

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
RANGES = (
    ("threads", 1, MOST_THREADS),
    ("seconds", 0, 3600),
    ("samples", 1, 10**7),
    ("launches", 1, 100),
    ("rounds", 1, 100),
    ("batches", 1, 1 << 20),
    ("sustained_minutes", 0, 24 * 60),
    ("max_drop", 0, 100),  # percentage points
    ("max_class_drop", 0, 100),
)


@dataclass(frozen=True)
class Settings:
    """How to bench.

    Attributes:
        runtimes: names to run on; empty for every installed one.
        threads: numbers of threads, 1 to 1024; every model is run with each of them.
        seconds: at least, for each of the two timings of a model, over all its rounds.
        samples: at least, for each of the two timings of a model, over all its rounds.
        patience: seconds after which a timing ends even with fewer samples.
        launches: how many processes are started for a model, one after the other.
        rounds: of each launch; in a round every model takes its turn.
        batches: sizes of batches whose throughput is measured.
        sustained_minutes: of going on after that; 0 for none.
        stress: whether models are run on corrupted images and on what is no digit, too.
        max_drop: percentage points, instead of each quantization's own limit.
        min_agreement: percent, instead of each quantization's own limit.
        max_class_drop: percentage points of one class, instead of each quantization's own limit.
        seed: of the order in which models take their turns.
    """

    runtimes: tuple[str, ...] = ()
    threads: tuple[int, ...] = (1,)
    seconds: float = 1.0
    samples: int = 1000
    patience: float = 60.0
    launches: int = 5
    rounds: int = 4
    batches: tuple[int, ...] = BATCHES
    sustained_minutes: float = 0.0
    stress: bool = False
    max_drop: float | None = None
    min_agreement: float | None = None
    max_class_drop: float | None = None
    seed: int = 0

    def check(self) -> None:
        """Make sure that they can be followed here.

        Raises:
            SettingError: one is out of range, or an unknown runtime.
            MissingExtraError: a runtime that is not installed.
        """
        for name in self.runtimes:
            installed_runtime(name)
        if not self.threads:
            raise SettingError("no number of threads; wanted one or more, such as 1")
        for name, least, most in RANGES:
            given = getattr(self, name)
            for value in given if isinstance(given, tuple) else (given,):
                if value is not None and not least <= value <= most:
                    raise SettingError(f"{name} is {value}; wanted {least} to {most}")
        agreement = self.min_agreement
        if agreement is not None and not (agreement == 0 or 1 < agreement <= 100):
            raise SettingError(f"min_agreement is {agreement}; wanted percent, such as 99.8")


QUICK: dict[str, Any] = {
    "seconds": 0.2, "samples": 100, "patience": 2.0, "launches": 1, "rounds": 2, "batches": (1, 32),
}  # fmt: skip
ENOUGH = Settings().samples  # counted calls without which a p99 is a guess

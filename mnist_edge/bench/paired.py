"""Two models in one process, timed in turn: a machine that changes its pace does so for both.

    python -m mnist_edge.bench.paired FD

Where in memory a model comes to lie changes its pace by up to 1 %, for as long as it is open, and
no number of calls averages that out. So both are opened anew several times: each opening gives
one ratio, and the openings' spread is what the ratio is uncertain by.
"""

from __future__ import annotations

import math
import os
import random
from statistics import median
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.bench.intervals import Estimate
from mnist_edge.bench.process import serve
from mnist_edge.classifier import Classifier

if TYPE_CHECKING:
    from collections.abc import Sequence

OPENINGS = 10
LEAST_ROUNDS = 3  # of one opening, however slow the models are
MOST_CALLS = 20  # of one model in one round
TURN_NS = 1_000_000  # as many calls as this takes are one model's turn
WARM_UP_NS = 10_000_000
IMAGES = 20
MOST_VALUES = 1 << 22  # of them together: fewer where they are large


def ratio_of(ratios: Sequence[float]) -> Estimate:
    """Return the median of several ratios with an interval between two of them.

    The k-th lowest and k-th highest of n values hold the median between them unless fewer than k
    fall on one side of it, as of n tosses of a coin (order-statistic interval, e.g. Conover 1999,
    section 3.2); k is the highest that leaves 95 % or more, and 1 where none does.
    """
    ordered, tail, rank = sorted(ratios), 1 / 2 ** len(ratios), 1
    while True:
        tail += math.comb(len(ordered), rank) / 2 ** len(ordered)
        if 2 * tail > 0.05:
            return Estimate(median(ordered), ordered[rank - 1], ordered[-rank])
        rank += 1


def work(job: dict[str, Any]) -> dict[str, Any]:
    """Time what a user pays, uint8 image in and label out, of the job's two models.

    Returns:
        `ratios`: for each opening, how many times as fast as the first model the second is.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    chance = random.Random(0)
    budget = int(job["seconds"] * 1e9 / OPENINGS)
    return {"ratios": [_opening(job, chance, budget) for _ in range(OPENINGS)]}


def _opening(job: dict[str, Any], chance: random.Random, budget_ns: int) -> float:
    """Open both models, let them take turns, and return the median round's ratio."""
    opened: list[Any] = [None, None]
    for place in chance.sample((0, 1), 2):
        opened[place] = Classifier.open(job["models"][place], runtime=job["runtime"])
    shape = opened[0].backend.image_shape
    count = max(1, min(IMAGES, MOST_VALUES // int(np.prod(shape))))
    # Any will do: dense layers take as long whatever they compute.
    images = list(np.random.default_rng(0).integers(0, 256, (count, *shape), np.uint8))
    calls = [_warm_up(each, images) for each in opened]
    ratios: list[float] = []
    end = perf_counter_ns() + budget_ns
    while perf_counter_ns() < end or len(ratios) < LEAST_ROUNDS:
        times = [0.0, 0.0]
        for place in chance.sample((0, 1), 2):
            times[place] = median(
                _time(opened[place], images[index % len(images)]) for index in range(calls[place])
            )
        ratios.append(times[0] / times[1])
    for each in opened:
        each.close()
    return median(ratios)


def _warm_up(classifier: Classifier, images: list[Any]) -> int:
    """Call a model a while; return how many calls are a turn of it."""
    began, count = perf_counter_ns(), 0
    while count < 2 or perf_counter_ns() - began < WARM_UP_NS:
        last = _time(classifier, images[count % len(images)])
        count += 1
    return max(1, min(MOST_CALLS, TURN_NS // max(last, 1)))


def _time(classifier: Classifier, image: Any) -> int:
    began = perf_counter_ns()
    classifier.predict(image).label  # noqa: B018 - to look it up is a part of what is paid
    return perf_counter_ns() - began


if __name__ == "__main__":
    serve(work)

"""Turns of all peers, shuffled round by round: a machine that drifts drifts for all."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tools.peers.process import Gone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tools.peers.process import Worker

TURN_S = 0.005
PATIENCE_S = 60.0

Times = dict[tuple[str, str], list[float]]


def timed(
    workers: dict[str, Worker], rounds: Iterable[int], failed: dict[str, str], seed: int = 0
) -> Times:
    """Return the p50 of each round in microseconds, by worker and way.

    Args:
        workers: by key; one that ends is taken out, and no number of it is kept.
        rounds: as many as there are of them.
        failed: gets the reason, by key.
        seed: of the order.
    """
    times: Times = {(key, way): [] for key, worker in workers.items() for way in worker.ways}
    order, shuffled = list(times), random.Random(seed)
    for _round in rounds:
        shuffled.shuffle(order)
        for key, way in order:
            if key in failed:
                continue
            try:
                times[key, way].append(workers[key].time(way, TURN_S, PATIENCE_S)[0])
            except Gone as gone:
                failed[key] = str(gone)
                workers[key].close()
    return {turn: found for turn, found in times.items() if turn[0] not in failed}

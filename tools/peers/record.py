"""What was measured of peers, as rows of numbers: medians over rounds, ratios within rounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tools.peers.contenders import LITERT, OURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.peers.contenders import Peer
    from tools.peers.rounds import Times

WAYS = ("predict", "bare", "run", "own")
LEAST_AGREEMENT = 0.99  # below, a peer does not do the same work
LIKE_OURS = 0.1  # how far litert-benchmark may be from our bare call before it takes explaining
# What each number of LiteRT's own doors is; the order is the table's.
CALLS = (
    (OURS, "bare", "Backend.invoke: checks, set, invoke, get"),
    ("LiteRT Interpreter", "bare", "Interpreter: set, invoke, get"),
    ("LiteRT Interpreter", "run", "Interpreter: invoke alone"),
    ("LiteRT CompiledModel", "bare", "CompiledModel: write, run, read"),
    ("LiteRT CompiledModel", "run", "CompiledModel: run alone"),
    ("litert-benchmark", "own", "litert-benchmark's own p50: run alone"),
)


@dataclass
class Found:
    """What became of one peer.

    Attributes:
        peer: whom it is about.
        version: of its package.
        agreement: share of the images that it labels as ours of the same kind does.
        processors: how many it kept busy meanwhile: 1 where one thread does it.
    """

    peer: Peer
    version: str | None = None
    agreement: float | None = None
    processors: float | None = None


@dataclass
class Run:
    """One run of the tool.

    Attributes:
        found: by the peer's key.
        failed: why a peer has no numbers, by its key.
        times: see `rounds.timed`.
    """

    found: dict[str, Found] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    times: Times = field(default_factory=dict)


def summary(values: Sequence[float]) -> dict[str, float]:
    """Return the median over the rounds, and the middle 90 % of them."""
    low, middle, high = np.percentile(values, [5, 50, 95])
    return {"median": float(middle), "p5": float(low), "p95": float(high)}


def ratio(times: Times, turn: tuple[str, str], base: tuple[str, str]) -> dict[str, float] | None:
    """Return a turn's time over another's, each within its round; None where one is absent."""
    if turn not in times or base not in times:
        return None
    return summary(np.array(times[turn]) / np.array(times[base]))


def rows(run: Run) -> list[dict[str, Any]]:
    """Return a row a peer, in the order in which they were named."""
    return [_row(run, key, found) for key, found in run.found.items()]


def _row(run: Run, key: str, found: Found) -> dict[str, Any]:
    peer, times = found.peer, run.times
    comparable = found.agreement is None or found.agreement >= LEAST_AGREEMENT
    row: dict[str, Any] = {
        "peer": peer.name,
        "kind": peer.kind,
        "version": found.version,
        "settings": peer.settings,
        "note": peer.note,
        "status": "failed" if key in run.failed else "ok",
        "error": run.failed.get(key),
        "agreement": found.agreement,
        "processors": found.processors,
        "comparable": comparable and key not in run.failed,
    }
    for way in WAYS:
        row[f"{way}_us"] = summary(times[key, way]) if (key, way) in times else None
    like, int8 = f"{OURS}, {peer.kind}", f"{OURS}, int8"
    row["to_ours"] = ratio(times, (key, "predict"), (like, "predict")) if comparable else None
    row["to_ours_int8"] = ratio(times, (key, "predict"), (int8, "predict")) if comparable else None
    return row


def bare_calls(run: Run) -> list[dict[str, Any]]:
    """Return what LiteRT's calls take on the same .tflite, each against our bare call."""
    found = []
    for kind in ("int8", "float32"):
        base = (f"{OURS}, {kind}", "bare")
        for name, way, what in CALLS:
            turn = (f"{name}, {kind}", way)
            if turn in run.times:
                row = {"kind": kind, "call": what, "us": summary(run.times[turn])}
                found.append({**row, "to_ours": ratio(run.times, turn, base), "package": LITERT})
    return found

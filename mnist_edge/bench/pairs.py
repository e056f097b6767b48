"""A row of a bench record beside the same row of another: what changed between them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnist_edge.bench.gates import GATES, Gate, gate_for
from mnist_edge.bench.judgement import LIMITS
from mnist_edge.bench.ratios import Ratio, ratio

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mnist_edge.bench.matching import Key

    Row = dict[str, Any]

TIMINGS = ("invoke_us", "predict_us")
STARTS = ("import_ms", "load_ms", "first_ms")


@dataclass(frozen=True)
class Pair:
    """One model on one runtime with so many threads, in both records.

    Changes are new less old. What one of the two records does not have is None.

    Attributes:
        key: which one.
        error: why it failed in the new record; None where it ran.
        error_before: why it failed in the old one.
        ratios: by `invoke_us`, `predict_us`, `import_ms`, `load_ms`, `first_ms`; those of the
            last three are between medians over launches.
        accuracy_points: change of accuracy, percentage points.
        accuracy_allowed: points that may be lost, by the new row's own gate; of few images one is
            always allowed where any is, as by the gate. None where no gate is known.
        gate_failures: of the new row, those that the old one had not.
        agreement_points: change of agreement with the reference, percentage points.
        bytes_change: change of the file's size.
        bytes_now: the file's size in the new record.
        runtime_versions: old and new.
    """

    key: Key
    error: str | None
    error_before: str | None
    ratios: dict[str, Ratio]
    accuracy_points: float | None
    accuracy_allowed: float | None
    gate_failures: tuple[str, ...]
    agreement_points: float | None
    bytes_change: int
    bytes_now: int
    runtime_versions: tuple[str | None, str | None]


def paired(
    key: Key, old: Row, new: Row, settings: Mapping[str, Any], *, same_images: bool, seed: int
) -> Pair:
    """Return what changed from a row to the same row of a newer record.

    Args:
        key: which rows they are.
        old: the earlier.
        new: the later.
        settings: of the later record, whose limits stand in where its row names none.
        same_images: whether accuracies may be compared.
        seed: of the resampling.
    """

    def points(name: str) -> float | None:
        before, after = ((row["parity"] or {}).get(name) for row in (old, new))
        if before is None or after is None or not same_images:
            return None
        return float(100 * (after - before))

    return Pair(
        key,
        error=_error(new),
        error_before=_error(old),
        ratios=_ratios(old["latency"], new["latency"], seed),
        accuracy_points=points("accuracy"),
        accuracy_allowed=_allowed(new, settings),
        gate_failures=_new_failures(old, new),
        agreement_points=points("agreement"),
        bytes_change=new["bytes"] - old["bytes"],
        bytes_now=new["bytes"],
        runtime_versions=(old.get("runtime_version"), new.get("runtime_version")),
    )


def _allowed(row: Row, settings: Mapping[str, Any]) -> float | None:
    gate = _gate(row, settings)
    if gate is None or row["parity"] is None:
        return None
    samples: int = row["parity"]["samples"]
    return max(gate.max_drop, 100 * gate.spare / max(1, samples))


def _gate(row: Row, settings: Mapping[str, Any]) -> Gate | None:
    """Return the gate that a row was judged by; rows of revision 1 do not tell it."""
    if row.get("gate"):
        return Gate(**{name: row["gate"].get(name) for name in LIMITS})
    if row["quantization"] not in GATES:
        return None
    return gate_for(row["quantization"], *(settings.get(name) for name in LIMITS))


def _new_failures(old: Row, new: Row) -> tuple[str, ...]:
    before = {_kind(each) for each in old["gate_failures"]}
    return tuple(each for each in new["gate_failures"] if _kind(each) not in before)


def _kind(failure: str) -> str:
    """Return what a gate failure is about, without what was counted.

    >>> _kind("class '7' down 3.10 points (31 of 1000 images), wanted 1 at most")
    "class '7' down"
    """
    return re.match(r"class '.*' down|\D*", failure)[0]  # type: ignore[index]  # it matches all


def _error(row: Row) -> str | None:
    return None if row["status"] == "ok" else row.get("error") or "no reason given"


def _ratios(old: Row | None, new: Row | None, seed: int) -> dict[str, Ratio]:
    if old is None or new is None:
        return {}
    found = {}
    for key in TIMINGS:
        times = (old[key]["p50"], new[key]["p50"])
        found[key] = ratio(*times, by_launch(old[key]), by_launch(new[key]), seed)
    for key in STARTS:
        if old[key] > 0 and new[key] > 0:
            launches = (_starts(old, key), _starts(new, key))
            found[key] = ratio(old[key], new[key], *launches, seed)
    return found


def by_launch(timing: Row) -> list[list[float]]:
    """Return the medians of the rounds of each launch; nothing in a record of revision 1."""
    launches: dict[int, list[float]] = {}
    for launch, p50, _count in timing.get("rounds") or ():
        launches.setdefault(launch, []).append(p50)
    return list(launches.values())


def _starts(latency: Row, key: str) -> list[list[float]]:
    times = [each[key] for each in latency.get("launches") or ()]
    return [[each] for each in times] if all(each > 0 for each in times) else []

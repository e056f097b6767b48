"""What a bench record comes to, in words: do its models hold, and do its timings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnist_edge.bench.record import Record
from mnist_edge.report.bench_cells import judged, names, who
from mnist_edge.report.layout import fold

if TYPE_CHECKING:
    from collections.abc import Mapping

UNJUDGED = "ran; nothing to hold it against"


def words_after(record: Mapping[str, Any], width: int) -> list[str]:
    """Say what failed, and whether the timings can be relied on; last, where it is seen."""
    sentence, *reasons = models(record)
    lines = [f"Models: {sentence}", *(f"- {each}" for each in reasons)]
    lines += [f"Note: {each}" for each in notes(record)]
    lines += timings(record)
    return [line for each in lines for line in fold(each, width)]


def models(record: Mapping[str, Any]) -> list[str]:
    """Return PASSED or FAILED, or that nothing was judged; then what failed or was not judged."""
    every = list(zip(record["results"], names(record["results"]), strict=True))
    failures = Record({"results": [{**row, "model": name} for row, name in every]}).failures
    ran = [each for each in every if each[0]["status"] == "ok"]
    unjudged = [each for each in ran if not judged(each[0]) and not each[0]["gate_failures"]]
    if len(unjudged) == len(every):
        return [f"every one {UNJUDGED}"]
    left = [f"{who(unjudged)} {UNJUDGED}"] if unjudged else []
    if failures:
        return ["FAILED", *failures, *left]
    kept = "every one of the others" if unjudged else "every one"
    return [f"PASSED, {kept} ran and kept its gate", *left]


def notes(record: Mapping[str, Any]) -> list[str]:
    """Return what the images were too few to show, each once, and of which models."""
    said: dict[str, list[tuple[Mapping[str, Any], str]]] = {}
    for row, name in zip(record["results"], names(record["results"]), strict=True):
        for note in row.get("gate_notes") or ():
            said.setdefault(note, []).append((row, name))
    return [f"{note} ({who(found)})" for note, found in said.items()]


def timings(record: Mapping[str, Any]) -> list[str]:
    """Return VALID or INVALID, what speaks against it and what to do, and what is not known."""
    if record["valid"]:
        seen = [
            f"{each['name']}: {each['value']}"
            for each in record.get("checks") or ()
            if each["status"] == "ok" and each["value"]
        ]
        lines = [f"Timings: VALID ({'; '.join(seen)})" if seen else "Timings: VALID"]
    else:
        lines = ["Timings: INVALID, take them as a first look"]
        lines += [f"- {reason}" for reason in record["invalid_reasons"]]
    unchecked = record.get("unchecked") or ()
    if unchecked:
        lines.append(f"Could not be checked: {'; '.join(unchecked)}")
    return lines

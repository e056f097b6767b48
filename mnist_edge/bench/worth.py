"""Is a quantized model worth it here: each of a bundle's held against the float one beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mnist_edge import machine
from mnist_edge.backends.ladder import none_usable, usable
from mnist_edge.bench.advice import Worth
from mnist_edge.bench.gates import gate_for
from mnist_edge.bench.intervals import Estimate, points
from mnist_edge.bench.paired import ratio_of
from mnist_edge.bench.process import answer_of
from mnist_edge.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_edge.bundle import Bundle, ModelEntry

SECONDS = 1.2  # of timing a model, opening and warming up left out
PATIENCE_S = 300.0


def worth(
    bundle: Bundle,
    say: Callable[[str], None] = lambda _line: None,
    *,
    max_drop: float | None = None,
    seconds: float = SECONDS,
) -> list[Worth]:
    """Say of each quantized model of a bundle what it gains on this machine, and what it costs.

    Args:
        bundle: whose models to time. What they cost is read from its manifest: the decisions
            that export found changed on the test images.
        say: takes a line on what is going on.
        max_drop: percentage points, instead of each quantization's own limit.
        seconds: of timing a model.

    Returns:
        One for each model that is neither float32 nor Keras', in the manifest's order. A model
        that cannot be timed is among them, and says why.
    """
    chosen = [
        entry
        for entry in bundle.models
        if entry.quantization != "float32" and entry.format != "keras"
    ]
    if not chosen:
        return []
    disturbances = tuple(machine.disturbances())
    found = []
    for entry in chosen:
        say(f"timing {entry.file}")
        found.append(_weigh(bundle, entry, disturbances, max_drop, seconds))
    return [replace(each, better=_better(each, found)) for each in found]


def _weigh(
    bundle: Bundle,
    entry: ModelEntry,
    disturbances: tuple[str, ...],
    max_drop: float | None,
    seconds: float,
) -> Worth:
    gate = gate_for(entry.quantization, max_drop)
    wanted = (entry.format, "float32")
    floats = (each for each in bundle.models if (each.format, each.quantization) == wanted)
    baseline, rows = next(floats, None), usable((entry.format,))
    if baseline is None:
        answer: dict[str, Any] = {"error": "there is nothing to time it against"}
    elif not rows:
        answer = {"error": str(none_usable((entry.format,)))}
    else:
        answer = _timed(bundle, (baseline, entry), rows[0].name, seconds)
    ratios = answer.get("ratios")
    return Worth(
        file=entry.file,
        baseline=None if baseline is None else baseline.file,
        shrink=None if baseline is None else baseline.bytes / entry.bytes,
        runtime=rows[0].name if ratios else None,
        speedup=ratio_of(ratios) if ratios else None,
        untimed=None if ratios else answer["error"],
        drop=_drop(entry.parity),
        agreement=entry.parity.get("agreement"),
        samples=entry.parity.get("samples"),
        gate=gate,
        disturbances=disturbances if ratios else (),
    )


def _better(each: Worth, found: list[Worth]) -> str | None:
    """Return the fastest of the models that are preferable to one in every way."""
    able = [other for other in found if other.beats(each)]
    return max(able, key=lambda other: other.speedup or (0.0,)).file if able else None


def _drop(parity: dict[str, Any]) -> Estimate | None:
    """Return the accuracy lost in percentage points; None where flips were not counted."""
    flips = [parity.get(name) for name in ("flips_to_wrong", "flips_to_right", "samples")]
    if None in flips or not flips[2]:
        return None
    to_wrong, to_right, samples = (int(number or 0) for number in flips)
    return points(to_wrong, to_right, samples)


def _timed(
    bundle: Bundle, models: tuple[ModelEntry, ModelEntry], runtime: str, seconds: float
) -> dict[str, Any]:
    """Return the `ratios` that two models gave, or the `error` that kept them from it."""
    try:
        for entry in models:
            bundle.read_file(entry)
    except BundleError as error:
        return {"error": str(error)}
    paths = [str((bundle.folder / entry.file).resolve()) for entry in models]
    job = {"models": paths, "runtime": runtime, "seconds": seconds}
    return answer_of("mnist_edge.bench.paired", job, PATIENCE_S)

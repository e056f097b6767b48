"""What a gate says of a model, in words: what fails, and what the images were too few to show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mnist_edge.bench.intervals import Estimate, points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnist_edge.bench.by_class import ClassLoss
    from mnist_edge.bench.gates import Gate
    from mnist_edge.bench.parity import Parity

NAMED = 3  # classes with a line each
BLUNT = 5  # times a limit: where less cannot be shown, a note says so
LIMITS = ("max_drop", "min_agreement", "max_class_drop")


@dataclass(frozen=True)
class Judgement:
    """A gate's verdict on a model: true where all holds.

    Attributes:
        gate: that judged.
        failures: what does not hold, each with the number and the limit; empty where all holds.
        notes: what the images were too few to show, in words.
    """

    gate: Gate
    failures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether the model passed."""
        return not self.failures

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as a row of a bench record has it."""
        return {
            "gate": {name: getattr(self.gate, name) for name in LIMITS},
            "gate_failures": list(self.failures),
            "gate_notes": list(self.notes),
        }


def judged(gate: Gate, parity: Parity, labels: Sequence[str]) -> Judgement:
    """Return what a gate says of a model; see `Gate.judge`."""
    failures, notes = _unjudged(gate, parity), []
    for more, said in (_agreement(gate, parity), _drop(gate, parity)):
        failures += more
        notes += said
    if parity.classes is not None:
        lost, said = _classes(gate, parity.classes, labels)
        worst = parity.worst_class
        if failures and not lost and worst is not None:
            name = labels[worst.index] if labels else worst.label
            failures[-1] += f"; class '{name}' suffers most, by {-worst.change:.2f} points"
        failures += lost
        notes += said
    failures += [f"the output is broken: {line}" for line in parity.invariants]
    return Judgement(gate, tuple(failures), tuple(notes))


def _unjudged(gate: Gate, parity: Parity) -> list[str]:
    known = {
        "min_agreement": parity.agreement,
        "max_drop": parity.drop,
        "max_class_drop": parity.classes,
    }
    found = []
    for name in known:
        if known[name] is None and name in gate.asked:
            unlabelled = name != "min_agreement" and parity.accuracy is None
            lacking = "are no labels" if unlabelled else "is no float model"
            found.append(f"{name} cannot be judged: there {lacking} to hold it against")
    return found


def _agreement(gate: Gate, parity: Parity) -> tuple[list[str], list[str]]:
    if parity.agreement is None:
        return [], []
    percent = 100 * parity.agreement
    if gate.disagrees(parity.agreement, parity.samples):
        return [f"agreement {percent:.2f} %, wanted {gate.min_agreement:g} %"], []
    if gate.weighs("min_agreement") and percent < gate.min_agreement:
        below = f"agreement {percent:.2f} %, below {gate.min_agreement:g} %"
        return [], [f"{below}, but {parity.samples} images may be so by chance"]
    return [], []


def _drop(gate: Gate, parity: Parity) -> tuple[list[str], list[str]]:
    if parity.drop is None or parity.drop_ci95 is None:
        return [], []
    drop, failures, notes = Estimate(parity.drop, *parity.drop_ci95), [], []
    if gate.drops(drop, parity.samples):
        failures = [f"accuracy down {drop.value:.2f} points, wanted {gate.max_drop:g} at most"]
    elif gate.weighs("max_drop") and drop.value > gate.max_drop:
        notes = [
            f"accuracy down {drop.value:.2f} points, beyond {gate.max_drop:g}, but "
            f"{parity.samples} images may be so by chance"
        ]
    return failures, notes + _blunt(gate, parity.samples)


def _blunt(gate: Gate, samples: int) -> list[str]:
    """Say how much must be lost to be seen, where that is far beyond the limit."""
    if not gate.weighs("max_drop"):
        return []
    seen = (n for n in range(1, samples + 1) if gate.drops(points(n, 0, samples), samples))
    least = next(seen, None)
    if least is None:
        return [f"{samples} images are too few for max_drop to fail: bench with more"]
    if 100 * least / samples <= BLUNT * gate.max_drop:
        return []
    return [
        f"{samples} images are too few to show a drop of {gate.max_drop:g} points: "
        f"{100 * least / samples:.1f} or more would fail"
    ]


def _classes(
    gate: Gate, classes: Sequence[ClassLoss], labels: Sequence[str]
) -> tuple[list[str], list[str]]:
    limit, count = gate.max_class_drop, len(classes)
    lost = [each for each in classes if gate.class_drops(each, count)]
    lost.sort(key=lambda each: each.drop, reverse=True)
    found = [
        f"class '{labels[each.index] if labels else each.index}' down {each.drop:.2f} points "
        f"({each.lost} of {each.samples} images), wanted {limit:g} at most"
        for each in lost[:NAMED]
    ]
    if len(lost) > NAMED:
        found.append(f"{len(lost) - NAMED} more classes down by more than {limit:g} points")
    if limit is None or not gate.weighs("max_class_drop"):
        return found, []
    blind = [each for each in classes if not gate.class_drops(_all_lost(each), count)]
    if not blind:
        return found, []
    return found, [
        f"{len(blind)} of {count} classes have too few images for max_class_drop to fail: "
        f"{max(each.samples for each in blind)} at most"
    ]


def _all_lost(each: ClassLoss) -> ClassLoss:
    return replace(each, to_wrong=each.samples, to_right=0)

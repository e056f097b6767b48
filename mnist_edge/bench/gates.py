"""What a model must keep of the reference, by how it was quantized.

A limit that a user asked for is judged by what was counted: on these images the model may lose so
much and no more. The limits of float32 and float16 are judged so as well: these compute the same
numbers.

The limits that 8-bit and 16x8 models have when nobody asks are about any images, and a few images
can show little of that: a model that flips 0.2 % of all decisions flips two of 200, 1 %, in 6 of
100 tests. So they are judged by the evidence: a model fails where its whole 95 % interval lies
beyond the limit (`intervals.paired_drop` for a drop; the exact one for agreement, as Wilson's
would fail those 6; for classes, as many intervals as there are classes, which hold all at once in
95 %). What too few images cannot show is said in `Judgement.notes`.

With few images one flip weighs much: one is always allowed where any share of flips is.

A class may lose ten times what the whole may, where nobody asks for less: what a class of ten
loses when all that may be lost is lost there. More in one class is hidden by the mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mnist_edge.bench.intervals import Estimate, at_least, points, z_of_many

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnist_edge.bench.by_class import ClassLoss
    from mnist_edge.bench.parity import Parity

CLASS_SHARE = 10  # times the drop of the whole that a class may lose
NAMED = 3  # classes with a line each
BLUNT = 5  # times a limit: where less cannot be shown, a note says so
CHANCE = 0.025  # of a limit broken as far as this by a model that keeps it
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Gate:
    """Limits of what a conversion may cost.

    Attributes:
        max_drop: accuracy lost against the reference, percentage points.
        min_agreement: share of decisions that are the reference's, percent.
        max_class_drop: accuracy lost on any one class, percentage points; None: not judged.
        asked: which of them a user set: what was asked for and is not known is a failure.
        by_evidence: whether limits that nobody asked for must be surely broken.
    """

    max_drop: float
    min_agreement: float
    max_class_drop: float | None = None
    asked: tuple[str, ...] = ()
    by_evidence: bool = False

    @property
    def spare(self) -> int:
        """Flips that are allowed however few images there are."""
        return int(self.min_agreement < 100)

    def weighs(self, name: str) -> bool:
        """Whether the limit called `name` is judged by the evidence, not by the count alone."""
        return self.by_evidence and name not in self.asked

    def drops(self, drop: Estimate, samples: int) -> bool:
        """Whether so much accuracy lost, in points, on so many images is more than is allowed."""
        return self._too_much("max_drop", drop, self.max_drop, samples)

    def class_drops(self, loss: ClassLoss, classes: int) -> bool:
        """Whether what a class lost is more than is allowed.

        Args:
            loss: of the class.
            classes: how many are judged at once.
        """
        if self.max_class_drop is None:
            return False
        drop = points(loss.to_wrong, loss.to_right, loss.samples, z_of_many(classes))
        return self._too_much("max_class_drop", drop, self.max_class_drop, loss.samples)

    def disagrees(self, agreement: float, samples: int) -> bool:
        """Whether a share of agreement, 0..1, on so many images is less than is wanted."""
        flips = round((1 - agreement) * samples)
        if flips <= self.spare:
            return False
        if self.weighs("min_agreement"):
            return at_least(flips, samples, 1 - self.min_agreement / 100) <= CHANCE
        return flips > math.floor((1 - self.min_agreement / 100) * samples + ROUNDING)

    def _too_much(self, name: str, drop: Estimate, limit: float, samples: int) -> bool:
        found = drop.low if self.weighs(name) else drop.value
        return found > limit + ROUNDING and round(drop.value * samples / 100) > self.spare

    def judge(self, parity: Parity, labels: Sequence[str] = ()) -> Judgement:
        """Hold a model's parity against the limits.

        What is not known cannot fail, unless it was asked for: without a reference only the drop
        may be judged, or nothing. Output that is no classifier's fails whatever the limits are.

        Args:
            parity: of the model.
            labels: what the classes are called, by index.
        """
        failures, notes = self._unjudged(parity), []
        if parity.agreement is not None and self.disagrees(parity.agreement, parity.samples):
            failures.append(
                f"agreement {100 * parity.agreement:.2f} %, wanted {self.min_agreement:g} %"
            )
        if parity.drop is not None and parity.drop_ci95 is not None:
            drop = Estimate(parity.drop, *parity.drop_ci95)
            if self.drops(drop, parity.samples):
                failures.append(
                    f"accuracy down {drop.value:.2f} points, wanted {self.max_drop:g} at most"
                )
            elif drop.value > self.max_drop + ROUNDING and self.weighs("max_drop"):
                notes.append(
                    f"accuracy down {drop.value:.2f} points, beyond {self.max_drop:g}, but "
                    f"{drop.low:.2f} to {drop.high:.2f} may be so by chance"
                )
            notes += self._blunt(parity.samples)
        if parity.classes is not None:
            lost, worst = self._classes(parity.classes, labels), parity.worst_class
            if failures and not lost and worst is not None:
                name = labels[worst.index] if labels else worst.label
                failures[-1] += f"; class '{name}' suffers most, by {-worst.change:.2f} points"
            failures += lost
            notes += self._blunt_classes(parity.classes)
        failures += [f"the output is broken: {line}" for line in parity.invariants]
        return Judgement(self, tuple(failures), tuple(notes))

    def _unjudged(self, parity: Parity) -> list[str]:
        known = {
            "min_agreement": parity.agreement,
            "max_drop": parity.drop,
            "max_class_drop": parity.classes,
        }
        found = []
        for name in known:
            if known[name] is None and name in self.asked:
                unlabelled = name != "min_agreement" and parity.accuracy is None
                lacking = "are no labels" if unlabelled else "is no float model"
                found.append(f"{name} cannot be judged: there {lacking} to hold it against")
        return found

    def _classes(self, classes: Sequence[ClassLoss], labels: Sequence[str]) -> list[str]:
        lost = [each for each in classes if self.class_drops(each, len(classes))]
        lost.sort(key=lambda each: each.drop, reverse=True)
        found = [
            f"class '{labels[each.index] if labels else each.index}' down {each.drop:.2f} points "
            f"({each.lost} of {each.samples} images), wanted {self.max_class_drop:g} at most"
            for each in lost[:NAMED]
        ]
        if len(lost) > NAMED:
            found.append(
                f"{len(lost) - NAMED} more classes down by more than {self.max_class_drop:g} points"
            )
        return found

    def _blunt(self, samples: int) -> list[str]:
        """Say how much must be lost to be seen, where that is far beyond the limit."""
        if not self.weighs("max_drop"):
            return []
        least = next(
            (
                lost
                for lost in range(1, samples + 1)
                if self.drops(points(lost, 0, samples), samples)
            ),
            None,
        )
        if least is None:
            return [f"{samples} images are too few for max_drop to fail: bench with more"]
        if 100 * least / samples <= BLUNT * self.max_drop:
            return []
        return [
            f"{samples} images are too few to show a drop of {self.max_drop:g} points: "
            f"{100 * least / samples:.1f} or more would fail"
        ]

    def _blunt_classes(self, classes: Sequence[ClassLoss]) -> list[str]:
        """Say of how many classes not even the loss of every image would be seen."""
        if self.max_class_drop is None or not self.weighs("max_class_drop"):
            return []
        blind = [
            each
            for each in classes
            if not self.class_drops(replace(each, to_wrong=each.samples, to_right=0), len(classes))
        ]
        if not blind:
            return []
        return [
            f"{len(blind)} of {len(classes)} classes have too few images for max_class_drop to "
            f"fail: {max(each.samples for each in blind)} at most"
        ]


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
        limits = ("max_drop", "min_agreement", "max_class_drop")
        return {
            "gate": {name: getattr(self.gate, name) for name in limits},
            "gate_failures": list(self.failures),
            "gate_notes": list(self.notes),
        }


# Float formats compute the same numbers; the others round activations or weights to 8 bits.
EIGHT_BITS = Gate(0.1, 99.8, 0.1 * CLASS_SHARE, by_evidence=True)
GATES = {
    "float32": Gate(0.0, 100.0, 0.0),
    "float16": Gate(0.05, 99.9, 0.05 * CLASS_SHARE),
    "int16x8": EIGHT_BITS,
    "int8": EIGHT_BITS,
    "dynamic": EIGHT_BITS,
}

# A conversion beyond this is broken, not merely coarse: export refuses to write it.
BROKEN = {
    "float32": Gate(max_drop=0.1, min_agreement=99.9),
    "float16": Gate(max_drop=0.5, min_agreement=99.0),
    "int16x8": Gate(max_drop=2.0, min_agreement=95.0),
    "int8": Gate(max_drop=2.0, min_agreement=95.0),
    "dynamic": Gate(max_drop=2.0, min_agreement=95.0),
}


def gate_for(
    quantization: str,
    max_drop: float | None = None,
    min_agreement: float | None = None,
    max_class_drop: float | None = None,
) -> Gate:
    """Return the gate of a quantization, with the limits that a user set instead.

    Who allows the whole to lose more, and says nothing of classes, allows a class ten times that.
    """
    own = GATES[quantization]
    given = {
        "max_drop": max_drop,
        "min_agreement": min_agreement,
        "max_class_drop": max_class_drop,
    }
    asked = tuple(name for name, value in given.items() if value is not None)
    if max_class_drop is None and own.max_class_drop is not None:
        wider = CLASS_SHARE * (max_drop or 0.0)
        max_class_drop = min(100.0, max(own.max_class_drop, wider))
    return Gate(
        own.max_drop if max_drop is None else max_drop,
        own.min_agreement if min_agreement is None else min_agreement,
        max_class_drop,
        asked,
        own.by_evidence,
    )

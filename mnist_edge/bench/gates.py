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
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_edge.bench.intervals import Estimate, at_least, points, z_of_many
from mnist_edge.bench.judgement import Judgement, judged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnist_edge.bench.by_class import ClassLoss
    from mnist_edge.bench.parity import Parity

CLASS_SHARE = 10  # times the drop of the whole that a class may lose
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
        return judged(self, parity, labels)


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

"""What a model must keep of the reference, by how it was quantized."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnist_edge.bench.parity import Parity


@dataclass(frozen=True, slots=True)
class Gate:
    """Limits of what a conversion may cost.

    Attributes:
        max_drop: accuracy lost against the reference, percentage points.
        min_agreement: share of decisions that are the reference's, percent.
        asked: which of the two a user set: what was asked for and is not known is a failure.
    """

    max_drop: float
    min_agreement: float
    asked: tuple[str, ...] = ()

    def failures(self, parity: Parity) -> list[str]:
        """Say what does not hold, each with the number and the limit; empty where all holds.

        With few images one flip weighs much: one is always allowed where any share of flips is.
        What is not known cannot fail, unless it was asked for: without a reference only the drop
        may be judged, or nothing.
        """
        found = []
        for name, known in (("min_agreement", parity.agreement), ("max_drop", parity.drop)):
            if known is None and name in self.asked:
                unlabelled = name == "max_drop" and parity.accuracy is None
                lacking = "are no labels" if unlabelled else "is no float model"
                found.append(f"{name} cannot be judged: there {lacking} to hold it against")
        one = int(self.min_agreement < 100)
        if parity.agreement is not None:
            flips = round((1 - parity.agreement) * parity.samples)
            allowed = math.floor((1 - self.min_agreement / 100) * parity.samples + 1e-9)
            if flips > max(allowed, one):
                found.append(
                    f"agreement {100 * parity.agreement:.2f} %, wanted {self.min_agreement:g} %"
                )
        lost, drop = parity.lost, parity.drop
        if lost is not None and drop is not None and drop > self.max_drop + 1e-9 and lost > one:
            found.append(f"accuracy down {drop:.2f} points, wanted {self.max_drop:g} at most")
        return found


# Float formats compute the same numbers; the others round activations or weights to 8 bits.
GATES = {
    "float32": Gate(max_drop=0.0, min_agreement=100.0),
    "float16": Gate(max_drop=0.05, min_agreement=99.9),
    "int16x8": Gate(max_drop=0.1, min_agreement=99.8),
    "int8": Gate(max_drop=0.1, min_agreement=99.8),
    "dynamic": Gate(max_drop=0.1, min_agreement=99.8),
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
    quantization: str, max_drop: float | None = None, min_agreement: float | None = None
) -> Gate:
    """Return the gate of a quantization, with the limits that a user set instead."""
    own = GATES[quantization]
    given = {"max_drop": max_drop, "min_agreement": min_agreement}
    return Gate(
        own.max_drop if max_drop is None else max_drop,
        own.min_agreement if min_agreement is None else min_agreement,
        tuple(name for name, value in given.items() if value is not None),
    )

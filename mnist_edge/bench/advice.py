"""What a quantized model is worth, in a line: facts, and a table of rules that judges them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from textwrap import TextWrapper
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_edge.bench.gates import Gate
    from mnist_edge.bench.intervals import Estimate

NOTICED = 1.05  # files whose sizes differ less are of one size


@dataclass(frozen=True)
class Worth:
    """A quantized model beside the float32 one of its own format.

    Attributes:
        file: the model.
        baseline: the float32 model; None where the bundle has none of this format.
        shrink: size of the float32 file over this one's; None without a baseline.
        runtime: where both were timed; None where nothing was.
        speedup: time of the float32 model over this one's, uint8 image in to label out, one
            thread; None where it could not be timed.
        untimed: why it could not, in a line; None where it was.
        drop: accuracy lost against the Keras model, percentage points; None where no labels told.
        agreement: share of decisions that are the Keras model's, 0..1; None where unknown.
        samples: images that drop and agreement are of.
        gate: what it must keep.
        better: another quantized model of the format that is no larger, faster beyond doubt and
            lost no more on the same images; None where there is none.
        disturbances: what made timing doubtful on this machine; empty where nothing did.
    """

    file: str
    baseline: str | None
    shrink: float | None
    runtime: str | None
    speedup: Estimate | None
    untimed: str | None
    drop: Estimate | None
    agreement: float | None
    samples: int | None
    gate: Gate
    better: str | None = None
    disturbances: tuple[str, ...] = ()

    @property
    def smaller(self) -> bool:
        """Whether the file is noticeably smaller."""
        return self.shrink is not None and self.shrink >= NOTICED

    @property
    def faster(self) -> bool:
        """Whether the whole interval says so, as far as two decimals tell."""
        return self.speedup is not None and round(self.speedup.low, 2) > 1

    @property
    def slower(self) -> bool:
        """Whether the whole interval says so, as far as two decimals tell."""
        return self.speedup is not None and round(self.speedup.high, 2) < 1

    def beats(self, other: Worth) -> bool:
        """Whether this model of the same format is preferable in every way that is known."""
        return (
            self.speedup is not None and other.speedup is not None
            and self.drop is not None and other.drop is not None
            and self.shrink is not None and other.shrink is not None
            and self.baseline == other.baseline
            and self.shrink >= other.shrink
            and self.speedup.low > other.speedup.high
            and self.drop.value <= other.drop.value
        )  # fmt: skip

    @property
    def loses(self) -> bool:
        """Whether it costs more than its gate allows, judged as bench judges it."""
        if not self.samples:
            return False
        if self.drop is not None:
            return self.gate.drops(self.drop, self.samples)
        return self.agreement is not None and self.gate.disagrees(self.agreement, self.samples)

    @property
    def verdict(self) -> str:
        """`use`, `size`, `speed`, `none` (no gain), `avoid` or `unknown`."""
        return self._rule.verdict

    @property
    def advice(self) -> str:
        """What to do, and why where that is not plain from the numbers."""
        return self._rule.words.format(**vars(self), **self._limits) + (
            self._caveat if self.verdict in ("use", "size", "speed") else ""
        )

    @property
    def _rule(self) -> Rule:
        return next(rule for rule in RULES if rule.holds(self))

    @property
    def _caveat(self) -> str:
        if self.drop is None:
            return ", but its accuracy is not known"
        if self.drop.high > self.gate.max_drop:
            return f" if a drop of {self.drop.high:.2f} points is bearable"
        return ""

    @property
    def _limits(self) -> dict[str, float]:
        return {"max_drop": self.gate.max_drop, "min_agreement": self.gate.min_agreement}

    def as_dict(self) -> dict[str, Any]:
        """Return facts and advice as JSON has them."""
        found = {**asdict(self), **self._limits, "disturbances": list(self.disturbances)}
        del found["gate"]
        for name in ("speedup", "drop"):
            estimate = getattr(self, name)
            found[name] = None if estimate is None else estimate._asdict()
        return {**found, "verdict": self.verdict, "advice": self.advice}

    def __str__(self) -> str:
        facts = ", ".join(filter(None, (_size(self), _speed(self), _accuracy(self))))
        return f"{self.file}: {facts}: {self.advice}"


@dataclass(frozen=True)
class Rule:
    """A condition with what it leads to.

    Attributes:
        verdict: in a word; see `Worth.verdict`.
        holds: whether it is the case.
        words: what to tell, with fields of Worth and its limits in braces.
    """

    verdict: str
    holds: Callable[[Worth], bool]
    words: str


# The first that holds is taken. What an interval does not show is not claimed.
RULES = (
    Rule("avoid", lambda it: it.loses and it.drop is not None,
         "avoid: more than the {max_drop:g} points allowed are lost"),
    Rule("avoid", lambda it: it.loses,
         "avoid: wanted {min_agreement:g} % agreement"),
    Rule("unknown", lambda it: it.baseline is None, "no advice"),
    Rule("unknown", lambda it: it.speedup is None, "no advice: try it on the device"),
    Rule("use", lambda it: it.smaller and it.faster, "use it"),
    Rule("avoid", lambda it: it.better is not None,
         "avoid: {better} is no larger, faster and lost no more"),
    Rule("size", lambda it: it.smaller and it.slower, "use it for size, not for speed"),
    Rule("size", lambda it: it.smaller, "use it for size"),
    Rule("speed", lambda it: it.faster, "use it for speed"),
    Rule("avoid", lambda it: it.slower, "avoid: slower than float here, and not smaller"),
    Rule("none", lambda it: True, "no gain shown: stay with float"),
)  # fmt: skip


def lines(found: list[Worth], width: int = 100) -> list[str]:
    """Return what to print: a line a model, folded, and what made timing doubtful."""
    said = [str(each) for each in found]
    disturbances = dict.fromkeys(what for each in found for what in each.disturbances)
    said += [f"speed is doubtful: {what}" for what in disturbances]
    fold = TextWrapper(width, subsequent_indent="  ", break_on_hyphens=False).wrap
    return [line for each in said for line in fold(each)]


def _size(it: Worth) -> str:
    if it.shrink is None:
        return "no float32 model of its format beside it"
    if it.smaller:
        return f"{it.shrink:.1f}x smaller"
    return f"{1 / it.shrink:.1f}x larger" if it.shrink * NOTICED <= 1 else "no smaller"


def _speed(it: Worth) -> str:
    if it.speedup is None:
        return f"could not be timed: {it.untimed}" if it.baseline is not None else ""
    if it.slower:
        value, high, low = (_times(1 / number) for number in it.speedup)
        return f"{value}x slower ({low} to {high})"
    value, low, high = (_times(number) for number in it.speedup)
    if it.faster:
        return f"{value}x faster ({low} to {high})"
    return f"no speed difference shown ({low} to {high})"


def _times(number: float) -> str:
    return f"{number:.2f}" if number < 10 else f"{number:.1f}"


def _accuracy(it: Worth) -> str:
    if it.drop is not None:
        gain, high, low = (0.0 - number for number in it.drop)
        return f"{gain:+.2f} point ({low:+.2f} to {high:+.2f})"
    if it.agreement is None:
        return "accuracy unknown"
    return f"agrees on {100 * it.agreement:.2f} % of {it.samples:,} (no labels)"

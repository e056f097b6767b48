"""Accuracy control: what to change about a quantized model until it keeps the accuracy.

Attempts go in order of what they cost whoever runs the model: another calibration method and more
images cost nothing, scales per channel a little size, layers kept in float size and speed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mnist_edge.errors import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mnist_edge.export.plan import Target

METHODS = (("minmax", None), ("percentile", 99.99), ("percentile", 99.9), ("entropy", None))
MORE = 4  # times the calibration images


@dataclass(frozen=True)
class Attempt:
    """One way to make a model, and what it costs.

    Attributes:
        target: how it was made.
        drop: accuracy lost on the validation images against Keras, in points.
        floats: what the layers that were kept in float are called in the Keras model.
        broken: what else is the matter with it: decisions that are not Keras', beyond what any
            quantization explains; empty where nothing is.
    """

    target: Target
    drop: float
    floats: tuple[str, ...] = ()
    broken: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the attempt as a manifest writes it."""
        broken = {"broken": self.broken} if self.broken else {}
        return {**self.options(), "drop": round(self.drop, 4), **broken}

    def options(self) -> dict[str, Any]:
        """Return how the model was made, as a manifest writes it."""
        found = self.target.options()
        if self.floats:
            found["float_layers"] = list(self.floats)
        if self.target.count is not None:
            found["calibration_count"] = self.target.count
        return found

    def __str__(self) -> str:
        target = self.target
        words = [f"{target.method} {target.percentile or ''}".strip(), target.granularity]
        if target.count is not None:
            words.append(f"{target.count} images")
        if self.floats:
            words.append(f"{', '.join(self.floats)} in float")
        broken = f" ({self.broken})" if self.broken else ""
        return (
            f"{', '.join(word for word in words if word) or 'as it is'}: {self.drop:+.2f}{broken}"
        )


def fit(
    target: Target,
    max_drop: float,
    attempt: Callable[[Target], Attempt],
    rank: Callable[[Target], Sequence[str]],
    most_images: int,
    say: Callable[[str], None] = lambda _line: None,
    *,
    calibrated: bool = True,
) -> list[Attempt]:
    """Try ways to make a model until one keeps the accuracy; return all that were tried.

    Args:
        target: what is wanted; tried first.
        max_drop: accuracy that may be lost on the validation images, in points.
        attempt: makes a target and measures it.
        rank: names the layers of a target, the one that adds most error first, as `Target` takes
            them.
        most_images: that there are for calibration.
        say: takes a line on each attempt.
        calibrated: calibration images decide the ranges; else methods and counts change nothing.

    Returns:
        The attempts in their order; the last one fits.

    Raises:
        CheckFailed: nothing fits; the message has the best.
    """
    tried: list[Attempt] = []
    seen: set[Target] = set()
    for each in _ways(target, tried, rank, most_images if calibrated else 0):
        if each in seen:
            continue
        seen.add(each)
        tried.append(attempt(each))
        say(f"{target.quantization} {target.format}, {tried[-1]} points")
        if tried[-1].drop <= max_drop + 1e-9 and not tried[-1].broken:
            return tried
    best = _best(tried)
    raise CheckFailed(
        f"{target.quantization} {target.format} loses {best.drop:.2f} points at best on the "
        f"validation images, wanted {max_drop:g} at most; tried "
        f"{'; '.join(str(each) for each in tried)}: allow more, fine-tune it for quantization "
        "(mnist-edge finetune takes runs of ours), or keep it in float"
    )


def _ways(
    target: Target,
    tried: list[Attempt],
    rank: Callable[[Target], Sequence[str]],
    most_images: int,
) -> Iterator[Target]:
    """Give what to try next; `tried` grows meanwhile."""
    yield target
    if target.quantization != "int8":
        return
    if most_images:
        for method, percentile in METHODS:
            yield replace(target, method=method, percentile=percentile)
        best = _best(tried)
        used = best.target.count or most_images
        yield replace(best.target, count=min(MORE * used, most_images))
    if target.granularity == "per-tensor":
        yield replace(_best(tried).target, granularity="per-channel")
    best = _best(tried)
    layers = rank(best.target)
    for count in range(1, max(2, len(layers))):  # all of several would be the float model
        yield replace(best.target, float_layers=tuple(layers[:count]))


def _best(tried: list[Attempt]) -> Attempt:
    return min(tried, key=lambda each: (bool(each.broken), each.drop))

"""What the output of any classifier must be, quantized or not.

Export's audit asks it of a model that was just made, bench of every model on every runtime.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.quantize import QuantParams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FLOAT_STEP = {"float16": 1e-3}  # what stands for the step of a float output; others 1e-4
OWN_STEP = 1e-4
LEAST = 5  # images of a kind that are never answered so: fewer may be chance
LEAST_ALONE = 20  # the same where no reference says that they can be answered so
NAMED = 3  # classes that a line names at most

# How probabilities are stored, where nothing but the quantization is known.
USUAL = {
    "int8": QuantParams(1 / 256, -128, "int8"),
    "int16x8": QuantParams(1 / 32768, 0, "int16"),
}


@dataclass(frozen=True)
class Finding:
    """Something that the output of any classifier must be.

    Attributes:
        name: `finite`, `sums to 1`, `within 0..1`, `not constant`, `not saturated` or
            `names every class`.
        holds: whether it is.
        value: what was measured.
        bound: what it may be at most, at least for `not constant`.
        detail: the same in words.
    """

    name: str
    holds: bool
    value: float
    bound: float
    detail: str

    def __bool__(self) -> bool:
        """Whether it holds."""
        return self.holds


def findings(
    found: NDArray[np.float32],
    wanted: NDArray[np.float32] | None = None,
    quant: QuantParams | None = None,
    quantization: str = "",
    truth: NDArray[Any] | None = None,
    names: Sequence[str] = (),
) -> tuple[Finding, ...]:
    """Judge the probabilities of a model.

    Args:
        found: float32 [N,K], what the model says of N images.
        wanted: float32 [N,K], what the float model says; None where there is none.
        quant: how the probabilities are stored; None for floats.
        quantization: of the model.
        truth: class index of each image, [N]; None where nobody said.
        names: what the classes are called, by index.

    Returns:
        Findings, in an order of their own: finite, sums to 1, within 0..1, not constant, not
        saturated, names every class. What is not finite has only the first.
    """
    step = FLOAT_STEP.get(quantization, OWN_STEP) if quant is None else quant.scale
    top = 1.0 if quant is None else quant.scale * (quant.limits[1] - quant.zero_point)
    wrong = int((~np.isfinite(found)).any(1).sum())
    finite = Finding(
        "finite",
        not wrong,
        wrong,
        0,
        f"{wrong} of {len(found)} images have NaN or infinity in their probabilities",
    )
    if wrong:  # nothing else can be said of such numbers
        return (finite,)
    return (
        finite,
        _sum(found, quant, step),
        _range(found, step),
        _constant(found, wanted, truth, step),
        _saturated(found, top, step),
        _every_class(found, wanted, truth, names),
    )


def sum_tolerance(classes: int, quant: QuantParams | None, quantization: str = "") -> float:
    """Return how far from 1 so many probabilities may sum.

    Each may be half a step off, and 1 itself may be a step above the greatest. 16-bit ones are
    looked up in tables, and are no more exact than floats.

    Args:
        classes: how many probabilities an image has.
        quant: how they are stored; None for floats.
        quantization: of the model.
    """
    if quant is None:
        return 10 * FLOAT_STEP.get(quantization, OWN_STEP)
    return max(10 * OWN_STEP, (classes / 2 + 1) * quant.scale)


def _sum(found: NDArray[np.float32], quant: QuantParams | None, step: float) -> Finding:
    worst = float(np.abs(found.sum(1, dtype=np.float64) - 1).max())
    bound = 10 * step if quant is None else sum_tolerance(found.shape[1], quant)
    return Finding(
        "sums to 1",
        worst <= bound,
        worst,
        bound,
        f"probabilities sum to 1 but for {worst:.2g}; {found.shape[1]} classes in steps of "
        f"{step:.2g} may be off by {bound:.2g}",
    )


def _range(found: NDArray[np.float32], step: float) -> Finding:
    low, high = float(found.min()), float(found.max())
    beyond = max(0.0, -low, high - 1)
    return Finding(
        "within 0..1",
        beyond <= step,
        beyond,
        step,
        f"probabilities go from {low:.3g} to {high:.3g}",
    )


def _constant(
    found: NDArray[np.float32],
    wanted: NDArray[np.float32] | None,
    truth: NDArray[Any] | None,
    step: float,
) -> Finding:
    """One answer to all, though they should differ: unless all images are surely of one class."""
    spread = float((found.max(0) - found.min(0)).max())
    named, count = found.argmax(1), len(found)
    judge = found if wanted is None else wanted
    should = judge.argmax(1) if wanted is not None or truth is None else truth
    kinds, wished = len(np.unique(named)), len(np.unique(should))
    others = int((should != named[0]).sum()) if kinds == 1 else 0
    alike = wished == 1 and float(judge.max(1).min()) >= 1 - 2 * step
    still = spread <= step and not alike
    return Finding(
        "not constant",
        count == 1 or not (still or others > max(1, min(LEAST - 1, count // 2))),
        spread,
        step,
        f"a probability moves by up to {spread:.2g} over {count} images, which are named "
        f"{kinds} classes, {wished} by the {'labels' if wanted is None else 'float model'}",
    )


def _saturated(found: NDArray[np.float32], top: float, step: float) -> Finding:
    """Two probabilities at the top of their scale: the answer is left to the order of classes."""
    tied = int(((found > top - step / 2).sum(1) > 1).sum())
    return Finding(
        "not saturated",
        not tied,
        tied / len(found),
        0,
        f"{tied} of {len(found)} images have two best classes at the top of the scale, {top:.3g}",
    )


def _every_class(
    found: NDArray[np.float32],
    wanted: NDArray[np.float32] | None,
    truth: NDArray[Any] | None,
    names: Sequence[str],
) -> Finding:
    """No class is forgotten that the float model names rightly, or else that many images show."""
    classes = found.shape[1]
    given = np.bincount(found.argmax(1), minlength=classes)
    should = truth if wanted is None else wanted.argmax(1)
    if should is None:
        should = found.argmax(1)
    elif wanted is not None and truth is not None:
        should = should[should == truth]
    due = np.bincount(should, minlength=classes)
    least = LEAST_ALONE if wanted is None else LEAST
    missing = np.flatnonzero((given == 0) & (due >= least))
    worst = missing[np.argsort(-due[missing], kind="stable")]
    whose = "there are" if wanted is None else "the float model has right"
    shown = ", ".join(
        f"'{names[index] if names else index}', of which {whose} {due[index]} images"
        for index in worst[:NAMED]
    )
    more = f", and {len(worst) - NAMED} more" if len(worst) > NAMED else ""
    return Finding(
        "names every class",
        not len(missing),
        len(missing),
        0,
        f"never names {shown}{more}" if len(missing) else "names every class that it should",
    )

"""What the output of any classifier must be, quantized or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnist_edge.export.audit.result import Finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnist_edge.quantize import QuantParams

FLOAT_STEP = {"float16": 1e-3}  # what stands for the step of a float output; others 1e-4
OWN_STEP = 1e-4


def findings(
    found: NDArray[np.float32],
    wanted: NDArray[np.float32],
    quant: QuantParams | None,
    quantization: str = "",
) -> tuple[Finding, ...]:
    """Judge the probabilities of a quantized model.

    Args:
        found: float32 [N,K], what the quantized model says of N images.
        wanted: float32 [N,K], what the float model says.
        quant: how the probabilities are stored; None for floats.
        quantization: of the model.

    Returns:
        Findings, in an order of their own: finite, sums to 1, not constant, not saturated.
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
        _constant(found, wanted, step),
        _saturated(found, top, step),
    )


def _sum(found: NDArray[np.float32], quant: QuantParams | None, step: float) -> Finding:
    """Each probability may be half a step off, and 1 itself may be a step above the greatest."""
    worst = float(np.abs(found.astype(np.float64).sum(1) - 1).max())
    bound = 10 * step if quant is None else (found.shape[1] / 2 + 1) * step
    return Finding(
        "sums to 1",
        worst <= bound,
        worst,
        bound,
        f"probabilities sum to 1 but for {worst:.2g}; {found.shape[1]} classes in steps of "
        f"{step:.2g} may be off by {bound:.2g}",
    )


def _constant(found: NDArray[np.float32], wanted: NDArray[np.float32], step: float) -> Finding:
    spread = float((found.max(0) - found.min(0)).max())
    classes, should = (len(np.unique(each.argmax(1))) for each in (found, wanted))
    return Finding(
        "not constant",
        len(found) == 1 or (spread > step and (classes > 1 or should == 1)),
        spread,
        step,
        f"a probability moves by up to {spread:.2g} over {len(found)} images, which are named "
        f"{classes} classes, {should} by the float model",
    )


def _saturated(found: NDArray[np.float32], top: float, step: float) -> Finding:
    """Two probabilities at the top of their scale: the answer is left to the order of classes."""
    second = np.sort(found, 1)[:, -2] if found.shape[1] > 1 else np.zeros(len(found))
    tied = int((second > top - step / 2).sum())
    return Finding(
        "not saturated",
        not tied,
        tied / len(found),
        0,
        f"{tied} of {len(found)} images have two best classes at the top of the scale, {top:.3g}",
    )

"""The ranges that fine-tuning starts from: all that was seen, or less where less loses less.

A gradient tells a range that it is too narrow, by what it cuts off; never that it is too wide. One
channel that is a thousand times as large as the others would keep their range from them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.training.fake_quant import SUFFIX

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnist_edge.training.placement import Ends

HALVINGS = 12  # of a range, at most
GAIN = 0.9  # of the loss before, at most, or a range stays as it was
TINY = 1e-7  # a probability that counts as none


def narrow(
    model: Any,
    ranges: dict[str, Ends],
    inputs: NDArray[np.float32],
    labels: NDArray[Any],
) -> dict[str, Ends]:
    """Halve ranges, one after the other, as often as the loss falls by it; return what they are.

    Args:
        model: made by `fake_quant.insert` with `ranges`; it has the returned ones afterwards.
        ranges: what was seen, by tensor.
        inputs: float32 [N,H,W,C], of the training part.
        labels: class index of each, [N].
    """
    found, least = dict(ranges), _loss(model, inputs, labels)
    for name, (low, high) in ranges.items():
        layer = model.get_layer(name + SUFFIX)
        for halving in range(1, HALVINGS + 1):
            ends = (low / 2**halving, high / 2**halving)
            _set(layer, ends)
            loss = _loss(model, inputs, labels)
            if loss < GAIN * least:
                found[name], least = ends, loss
        _set(layer, found[name])
    return found


def _set(layer: Any, ends: Ends) -> None:
    layer.low.assign(ends[0])
    layer.high.assign(ends[1])


def _loss(model: Any, inputs: NDArray[np.float32], labels: NDArray[Any]) -> float:
    """Return the mean cross-entropy of a model on images, in nats."""
    said = np.asarray(model(inputs, training=False), np.float64)
    return float(-np.log(said[np.arange(len(labels)), labels] + TINY).mean())

"""What each layer's quantization does to the network's answer by itself.

A tensor's own error says little about the harm: where one channel is a thousand times the others,
rounding leaves the sum of squares as it was and the other channels at 0. And errors add up, so the
last layer always looks worst. So each layer is quantized alone, in a network that is float but for
it: its weights become what the quantized file has, its output is rounded to the quantized file's
grid, and the error is measured where the network decides, before the softmax.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnist_edge.export.activations import trace
from mnist_edge.export.audit.measures import noise_to_signal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mnist_edge.export.audit.graph import Constant, Format, Graph
    from mnist_edge.export.audit.rows import Row

    Values = NDArray[np.float32]


class Alone:
    """Quantizes one layer of a float file at a time."""

    def __init__(
        self,
        content: bytes,
        model_format: str,
        family: Format,
        graph: Graph,
        constants: Mapping[str, Constant],
        images: Values,
    ) -> None:
        """Run the float file once, to know the right answers.

        Args:
            content: the float file.
            model_format: `tflite` or `onnx`.
            family: the format's own part.
            graph: of the file.
            constants: of the quantized file, by the float file's names.
            images: float32 [n,H,W,C].
        """
        self._content, self._format, self._family = content, model_format, family
        self._graph, self._constants, self._images = graph, constants, images
        after = {graph.output} - {graph.logits}
        self._after_logits = after
        self._right = {name: self._answers(content, name) for name in (graph.logits, *after)}

    def added(self, row: Row, *, weights: bool = True, output: bool = True) -> float:
        """Return noise over signal of the answer when this layer alone is quantized.

        Args:
            row: the layer.
            weights: whether its weights are.
            output: whether what it gives is.
        """
        changed = (
            {name: self._constants[name].values for name in row.constants if self._has(name)}
            if weights
            else {}
        )
        rounded = {row.tensor: row.quant} if output and row.fresh and row.quant else {}
        if not changed and not rounded:
            return 0.0
        where = row.tensor if row.tensor in self._after_logits else self._graph.logits
        altered = self._family.alter(self._content, changed, rounded)
        return noise_to_signal(self._right[where], self._answers(altered, where))

    def _has(self, name: str) -> bool:
        return name in self._constants

    def _answers(self, content: bytes, name: str) -> Values:
        """Return what the tensor `name` holds for each image, float32 [n,K]."""
        found = np.stack(
            [
                tensors[name].values.reshape(-1)
                for tensors in trace(self._format, content, self._images)
            ]
        )
        if name == self._graph.logits and name != self._graph.output:
            found = found - found.mean(1, keepdims=True)  # softmax does not see what all share
        return found

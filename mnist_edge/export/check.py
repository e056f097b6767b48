"""What export asks about a model before it calls it exported.

Export itself knows no runtime: whoever calls it brings the check (`bench.exported`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from mnist_edge.quantize import TensorSpec


@dataclass(frozen=True)
class Checked:
    """A model that was run on the images of a split.

    Attributes:
        input: its input tensor, read from the file by the runtime.
        output: its output tensor.
        parity: how it compares with the reference, as a manifest writes it.
        probabilities: float32 [N,K] of the images it was run on.
        drop: accuracy lost against the reference, in points; None where nobody knows the labels.
    """

    input: TensorSpec
    output: TensorSpec
    parity: dict[str, Any]
    probabilities: NDArray[np.float32]
    drop: float | None = None


class Check(Protocol):
    """Runs an exported file on the test images and holds it against Keras.

    Raises CheckFailed where the two differ by more than the quantization can explain.
    """

    def reference(self) -> NDArray[np.float32]:
        """Return what Keras says of the test images, float32 [N,K]."""

    def look(self, path: Path) -> Checked:
        """Return how the model at `path` does, however badly."""

    def __call__(self, path: Path, quantization: str) -> Checked:
        """Return how the model at `path` does."""

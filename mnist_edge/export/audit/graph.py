"""A float file as the audit sees it, whichever family it is of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from mnist_edge.quantize import QuantParams

SOFTMAX = "Softmax"


class Operator(NamedTuple):
    """What computes a tensor.

    Attributes:
        kind: as its format calls it.
        inputs: names of the tensors it takes, constants not among them.
        outputs: names of the tensors it gives.
        constants: names of the float constants it takes: kernels and biases.
    """

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: tuple[str, ...]


class Graph(NamedTuple):
    """The operators of a float file in order of computation.

    Attributes:
        input: name of the images' tensor.
        output: name of the probabilities' tensor.
        operators: in order of computation.
        logits: name of what the last softmax takes; of the output where there is none.
    """

    input: str
    output: str
    operators: tuple[Operator, ...]
    logits: str

    @property
    def producers(self) -> dict[str, Operator]:
        """The operator that gives each tensor."""
        return {name: op for op in self.operators for name in op.outputs}


class Constant(NamedTuple):
    """A constant of a quantized file.

    Attributes:
        values: float32, the real numbers that the stored ones stand for.
        stored: numpy name of the type they are stored in.
        scales: how many scales it has: one for the tensor or one an output channel; 0 for floats.
        outputs: axis of the output channels.
        inputs: axis of the input channels.
    """

    values: NDArray[np.float32]
    stored: str
    scales: int
    outputs: int
    inputs: int


class Structure(NamedTuple):
    """How much of a quantized file really computes in integers.

    Attributes:
        integer: operators that compute in integers; what only moves values is not counted.
        floating: operators that compute in float.
        islands: runs of float operators in a file that has integer ones, of each operator its kind
            and the tensor that it gives.
        inserted: conversions between float and integers, or between two scales, but for those at
            the input and the output.
    """

    integer: int
    floating: int
    islands: tuple[tuple[tuple[str, str], ...], ...]
    inserted: int


class Format(Protocol):
    """What the audit needs to know of a file format: `tflite_file`, `onnx_file`."""

    MOVES: frozenset[str]
    KEEP_VALUES: frozenset[str]
    FUSED: frozenset[str]
    CHANNELS_LAST: bool

    def read(self, content: bytes) -> Graph:
        """Read a float file."""

    def constants(self, content: bytes) -> dict[str, Constant]:
        """Return the constants of a quantized file by the names that the float file has."""

    def pairs(self, graph: Graph, original: bytes, quantized: bytes) -> dict[str, str]:
        """Return which tensor of the quantized file stands for which of the float file."""

    def alter(
        self,
        content: bytes,
        constants: Mapping[str, NDArray[np.float32]],
        rounded: Mapping[str, QuantParams],
    ) -> bytes:
        """Return the float file with other constants and with tensors rounded to a grid."""

    def structure(self, content: bytes) -> Structure:
        """Count what computes in integers."""

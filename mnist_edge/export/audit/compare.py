"""Both files on the same images, every tensor that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mnist_edge.errors import ModelError
from mnist_edge.export.activations import Traced, trace
from mnist_edge.export.audit.measures import Comparison
from mnist_edge.export.audit.rows import Row, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from mnist_edge.export.audit.graph import Format, Graph
    from mnist_edge.quantize import QuantParams

    Values = NDArray[np.float32]


class Compared(NamedTuple):
    """What two files did on the same images.

    Attributes:
        rows: the layers, in order of computation.
        comparisons: of each, in the same order.
        found: float32 [N,K], probabilities of the quantized file.
        wanted: float32 [N,K], those of the float file.
        output: how the quantized file's probabilities are stored; None for floats.
    """

    rows: list[Row]
    comparisons: list[Comparison]
    found: Values
    wanted: Values
    output: QuantParams | None


def compare(
    original: bytes,
    quantized: bytes,
    model_format: str,
    family: Format,
    graph: Graph,
    images: Values,
    names: Mapping[str, str],
) -> Compared:
    """Run both files image by image; nothing but sums is kept.

    Raises:
        ModelError: the files have no layer in common.
    """
    pairs = family.pairs(graph, original, quantized)
    rows: list[Row] = []
    comparisons: list[Comparison] = []
    found, wanted = [], []
    output = None
    for one, other in _both(model_format, original, quantized, images):
        if not rows:
            quants = {name: traced.quant for name, traced in other.items()}
            rows = rows_of(graph, family, pairs, quants, names)
            ends = {graph.input, graph.output}
            if graph.output not in pairs or not {row.tensor for row in rows} - ends:
                raise ModelError(
                    "the quantized file has no layers of the float file: "
                    "wanted two files of one export"
                )
            comparisons = [Comparison(row.quant, family.CHANNELS_LAST) for row in rows]
            output = quants[pairs[graph.output]]
        for row, comparison in zip(rows, comparisons, strict=True):
            comparison.add(one[row.tensor].values, other[row.quantized].values)
        wanted.append(one[graph.output].values.reshape(-1))
        found.append(other[pairs[graph.output]].values.reshape(-1))
    return Compared(rows, comparisons, np.stack(found), np.stack(wanted), output)


def _both(
    model_format: str, original: bytes, quantized: bytes, images: Values
) -> Iterator[tuple[dict[str, Traced], dict[str, Traced]]]:
    for one, other in zip(
        trace(model_format, original, images), trace(model_format, quantized, images), strict=True
    ):
        entry = next(iter(one))
        yield one, ({entry: one[entry]} | other)

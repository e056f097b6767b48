"""Which tensors of the two files are compared: the rows of the audit's table."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mnist_edge.export.audit.graph import Format, Graph, Operator
    from mnist_edge.quantize import QuantParams


class Row(NamedTuple):
    """One tensor in both files.

    Attributes:
        name: of the layer whose output it is.
        tensor: in the float file.
        quantized: in the quantized file.
        quant: how it is stored there; None for floats.
        parts: in the float file, what the operators since the rows before it give, the last first:
            a layer is float where all of them are.
        constants: names of the kernels and biases that these operators take.
        fresh: whether its grid is another than that of the values it takes over; a pooling that
            keeps the scale adds no error.
    """

    name: str
    tensor: str
    quantized: str
    quant: QuantParams | None
    parts: tuple[str, ...]
    constants: tuple[str, ...]
    fresh: bool


def rows_of(
    graph: Graph,
    family: Format,
    pairs: Mapping[str, str],
    quants: Mapping[str, QuantParams | None],
    names: Mapping[str, str],
) -> list[Row]:
    """Return the rows in order of computation.

    Args:
        graph: of the float file.
        family: the format's own part.
        pairs: which tensor of the quantized file stands for which of the float file.
        quants: how each tensor of the quantized file is stored.
        names: of the layers, by tensor of the float file.
    """
    rows: dict[str, Row] = {}
    producers = graph.producers
    for tensor in (graph.input, *graph.producers):
        other = pairs.get(tensor)
        if other not in quants or other is None:
            continue
        quant = quants[other]
        op = producers.get(tensor)
        source = _source(tensor, graph, family)
        name = names.get(tensor, tensor)
        if op is not None and op.kind in family.MOVES and source in rows:
            if rows[source].quant is None and quant is not None:
                # The same values, and here they are quantized: this is the layer's row.
                kept = rows.pop(source)
                rows[tensor] = kept._replace(
                    tensor=tensor, quantized=other, quant=quant, fresh=True
                )
            continue
        if (
            op is not None
            and op.kind in family.FUSED
            and op.inputs[0] in rows
            and len(op.inputs) == 1
        ):
            before = rows[op.inputs[0]]
            if (
                before.quant is None
                and before.tensor != graph.input
                and _readers(before, graph) == 1
            ):
                del rows[before.tensor]  # one layer: a convolution, its bias and its ReLU
        taken_over = rows.get(op.inputs[0]) if op is not None and op.inputs else None
        keeps = op is not None and op.kind in family.KEEP_VALUES and taken_over is not None
        fresh = quant is not None and not (keeps and taken_over and taken_over.quant == quant)
        operators = _since(tensor, graph, rows)
        parts = tuple(each for op in operators for each in op.outputs)
        constants = tuple(dict.fromkeys(each for op in operators for each in op.constants))
        rows[tensor] = Row(name, tensor, other, quant, parts, constants, fresh)
    return list(rows.values())


def _readers(row: Row, graph: Graph) -> int:
    return sum(row.tensor in op.inputs for op in graph.operators)


def _source(tensor: str, graph: Graph, family: Format) -> str:
    """Return the tensor that holds the same values before they were moved about."""
    producers = graph.producers
    while tensor in producers and producers[tensor].kind in family.MOVES:
        tensor = producers[tensor].inputs[0]
    return tensor


def _since(tensor: str, graph: Graph, rows: Mapping[str, Row]) -> list[Operator]:
    """Return the operators between the rows there are and `tensor`, the last first."""
    producers = graph.producers
    found: list[Operator] = []
    waiting, seen = [tensor], set()
    while waiting:
        name = waiting.pop(0)
        op = producers.get(name)
        if op is None or name in seen or name in rows:
            continue
        seen.add(name)
        found.append(op)
        waiting += op.inputs
    return found

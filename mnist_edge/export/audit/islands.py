"""Runs of operators that compute in float within a file that computes in integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mnist_edge.export.audit.graph import Structure

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence


class Node(NamedTuple):
    """An operator of a quantized file.

    Attributes:
        kind: as its format calls it.
        conversion: between float and integers, or between two scales; it computes nothing.
        moves: the same values elsewhere, in whatever type; not counted as computing.
        floating: computes in float.
        inputs: names of the tensors that it takes, constants not among them.
        outputs: names of the tensors that it gives.
    """

    kind: str
    conversion: bool
    moves: bool
    floating: bool
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def structure_of(nodes: Sequence[Node], ends: Collection[str]) -> Structure:
    """Count integer and float operators, and join float ones that follow each other to islands.

    Args:
        nodes: in order of computation.
        ends: names of the input and the output of the file.
    """
    edge = _edge(nodes, set(ends))
    computing = [node for node in nodes if not (node.conversion or node.moves)]
    floating = [node for node in computing if node.floating]
    integer = len(computing) - len(floating)
    runs: list[list[Node]] = []
    for node in nodes:
        if node.conversion or not node.floating:
            continue
        joined = [run for run in runs if any(set(each.outputs) & set(node.inputs) for each in run)]
        merged = [each for run in joined for each in run] + [node]
        runs = [run for run in runs if run not in joined] + [merged]
    islands = (
        tuple((node.kind, node.outputs[0]) for node in run if not node.moves) for run in runs
    )
    return Structure(
        integer,
        len(floating),
        tuple(island for island in islands if island) if integer else (),
        sum(node.conversion and not edge(node) for node in nodes) if integer else 0,
    )


def _edge(nodes: Sequence[Node], ends: set[str]) -> Callable[[Node], bool]:
    """Return whether a node stands at the input or the output, moves between not counted."""
    before, after = set(ends), set(ends)
    for node in nodes:
        if node.moves and set(node.inputs) & before:
            before.update(node.outputs)
    for node in reversed(nodes):
        if node.moves and set(node.outputs) & after:
            after.update(node.inputs)
    return lambda node: bool(set(node.inputs) & before or set(node.outputs) & after)

"""The operators of an exported float file, read the same way in both formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

# What hands values on as they are: no new values, no new range.
MOVES = {
    "RESHAPE", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS",
    "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Identity",
}  # fmt: skip
# What picks from the values, so that a range that is too wide stays so.
PASSES = MOVES | {"MAX_POOL_2D", "PAD", "RELU", "RELU6", "MaxPool", "Pad", "Relu", "Clip"}
# What is fused into the operator before it.
FUSED = MOVES | {"RELU", "RELU6", "Relu", "Clip", "Add", "BatchNormalization"}


class Operation(NamedTuple):
    """One operator.

    Attributes:
        kind: its name in the format.
        inputs: names of the activations that it takes; constants are left out.
        outputs: names of what it gives.
    """

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def moved(operations: Iterable[Operation], start: str) -> set[str]:
    """Return the names of the tensors that hold the values of `start`, itself among them."""
    known = {start}
    for each in operations:
        if each.kind in MOVES and set(each.inputs) & known:
            known.update(each.outputs)
    return known


def around(operations: Sequence[Operation], names: Collection[str]) -> set[str]:
    """Return the outputs of the operators that must compute in float for tensors to stay float.

    That is what gives such a tensor, and what takes it: an integer operator would want it as
    integers. Pools and the like hand a range on, so what follows them counts, too.
    """
    givers = {name: each for each in operations for name in each.outputs}
    found: set[str] = set()
    for name in names:
        giver = givers.get(name)
        while giver is not None:
            found.update(giver.outputs)
            alone = len(giver.inputs) == 1 and giver.kind in FUSED
            giver = givers.get(giver.inputs[0]) if alone else None
        reached = {name}
        for each in operations:
            if set(each.inputs) & reached:
                found.update(each.outputs)
                if each.kind in PASSES:
                    reached.update(each.outputs)
    return found

"""The order of a TensorFlow Lite graph: each operator takes what is there, gives what is not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mnist_edge.structure.parts import damaged, shown
from mnist_edge.structure.tensors import MOST_LINKS, Wrong, said
from mnist_edge.structure.tflite_rules import shape_given

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnist_edge.structure.parts import Op
    from mnist_edge.structure.tflite_tensors import Tensor

LEFT_OUT = -1  # in place of an optional input


def check_graph(graph: dict[str, Any], codes: list[Op], tensors: list[Tensor], where: str) -> None:
    """Check every operator of a graph, in the order in which they run.

    Args:
        graph: the SubGraph table.
        codes: the operators that the file speaks of.
        tensors: the graph's tensors.
        where: what messages call the file.

    Raises:
        ModelError: a runtime would end the process over it, or give something else than the
            file says.
    """
    ready, links = _ready_at_first(graph, tensors, where), 0
    for place, table in enumerate(graph["operators"] or ()):
        at = f"operator {place}"
        if table["opcode_index"] >= len(codes):
            raise damaged(where, f"{at} is of kind {table['opcode_index']} of {len(codes)}")
        name = codes[table["opcode_index"]].name
        at = f"{at} ({name})"
        taken, given = table["inputs"] or (), table["outputs"] or ()
        links += len(taken) + len(given)
        if links > MOST_LINKS:
            raise damaged(where, f"its operators take and give more than {MOST_LINKS} tensors")
        present = [index for index in taken if index != LEFT_OUT]
        in_range(present, len(tensors), f"{at} takes", where)
        in_range(given, len(tensors), f"{at} gives", where)
        in_range(table["intermediates"] or (), len(tensors), f"{at} uses", where)
        if table["builtin_options2_type"] or table["large_custom_options_size"]:
            raise damaged(where, f"{at} has settings of another kind of operator")
        for index in ready.intersection(given) or {*present} - ready:
            does = "gives tensor {}, which is there already"
            if index not in ready:
                does = "takes tensor {}, which nothing gives before it"
            raise damaged(where, f"{at} {does.format(index)}")
        ready.update(given)
        try:
            _agree(name, table, tensors)
        except Wrong as wrong:
            raise damaged(where, f"{at} {wrong}") from None
    for index in graph["outputs"]:
        if index not in ready:
            raise damaged(where, f"nothing gives output {shown(tensors[index].name)}")


def any_batch(graph: dict[str, Any], codes: list[Op], tensors: list[Tensor]) -> bool:
    """Return whether a checked graph with one image as input runs with several as well.

    It does not where a constant speaks of one, such as the shape of a reshape: runtimes then
    refuse, or write beyond what they hold (tflite-runtime 2.14, a transposed convolution).
    """
    sized: dict[int, Tensor] = {}
    for index in graph["inputs"]:
        if tensors[index].shape[:1] != (1,):
            return False
        sized[index] = replace(tensors[index], shape=(2, *tensors[index].shape[1:]))
    for table in graph["operators"] or ():
        given = [tensors[index] for index in table["outputs"]]
        rows = [
            None if index == LEFT_OUT else sized.get(index, tensors[index])
            for index in table["inputs"] or ()
        ]
        try:
            shape = shape_given(codes[table["opcode_index"]].name, table, rows, given)
        except Wrong:
            return False
        changed = not sized.keys().isdisjoint(table["inputs"] or ())
        for index, tensor in zip(table["outputs"], given, strict=True):
            if shape is not None:
                sides = shape
            elif changed and not any(tensor.free):
                return False
            else:  # as the file says, 2 for what it leaves open
                pairs = zip(tensor.shape, tensor.free, strict=True)
                sides = tuple(2 if free else side for side, free in pairs)
            if sides != tensor.shape:
                sized[index] = replace(tensor, shape=sides)
    return all(
        index in sized and sized[index].shape == (2, *tensors[index].shape[1:])
        for index in graph["outputs"]
    )


def in_range(places: Sequence[int], count: int, who: str, where: str, what: str = "tensor") -> None:
    """Refuse a place that is none of `count`."""
    for place in places:
        if not 0 <= place < count:
            raise damaged(where, f"{who} {what} {place} of {count}")


def _ready_at_first(graph: dict[str, Any], tensors: list[Tensor], where: str) -> set[int]:
    """Return the tensors that are there before any operator runs."""
    inputs, outputs = graph["inputs"] or (), graph["outputs"] or ()
    if not inputs or not outputs:
        raise damaged(where, f"it has {len(inputs)} inputs and {len(outputs)} outputs")
    in_range((*inputs, *outputs), len(tensors), "the graph takes or gives", where)
    ready = {
        place
        for place, tensor in enumerate(tensors)
        if tensor.data is not None or tensor.variable or 0 in tensor.shape
    }
    if len(set(inputs)) < len(inputs) or not ready.isdisjoint(inputs):
        raise damaged(where, "an input is empty, a constant, or there twice")
    return ready.union(inputs)


def _agree(name: str, table: dict[str, Any], tensors: list[Tensor]) -> None:
    """Check that an operator gives the shapes that the file says it does."""
    taken = [None if index == LEFT_OUT else tensors[index] for index in table["inputs"] or ()]
    given = [tensors[index] for index in table["outputs"] or ()]
    shape = shape_given(name, table, taken, given)
    for tensor in given if shape is not None else ():
        stated = zip(shape or (), tensor.shape, tensor.free, strict=False)
        if len(shape or ()) != len(tensor.shape) or any(
            side != other and not free for side, other, free in stated
        ):
            raise Wrong(f"gives {said(shape or ())}, and the file says {said(tensor.shape)}")

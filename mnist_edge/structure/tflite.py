"""A TensorFlow Lite file, examined before a native interpreter sees it.

The interpreters (C++) check that a file is a whole flatbuffer and trust most of what it says:
a stride of 0, a constant that is written to or an absent input ends the process. Here each such
statement is checked; `tflite_rules` has those that differ by operator.
"""

from __future__ import annotations

from typing import Any

from mnist_edge.structure.flatbuffer import Flatbuffer
from mnist_edge.structure.parts import MOST_BYTES, Op, Structure, damaged, named, shown, unfit
from mnist_edge.structure.tensors import Wrong
from mnist_edge.structure.tflite_graph import any_batch, check_graph, in_range
from mnist_edge.structure.tflite_schema import OPERATORS, TABLES
from mnist_edge.structure.tflite_tensors import BITS, Tensor, tensor

IDENTIFIER = b"TFL3"  # bytes 4..8 of every TensorFlow Lite flatbuffer
SCHEMA = 3
CUSTOM = OPERATORS.index("CUSTOM")
STABLEHLO = OPERATORS.index("STABLEHLO_LOGISTIC")  # and all after it
# Operators that run other graphs, keep state or reach out of the model.
OUTSIDE = frozenset(
    {"CALL", "CALL_ONCE", "IF", "WHILE", "DELEGATE", "PLACEHOLDER_FOR_GREATER_OP_CODES"}
    | {"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "LSH_PROJECTION", "SKIP_GRAM"}
    | {name for name in OPERATORS if "HASHTABLE" in name or "EMBED" in name}
)


def examine(content: bytes, where: str) -> Structure:
    """Return what a TensorFlow Lite file is made of.

    Args:
        content: the whole file.
        where: what messages call it.

    Raises:
        ModelError: it is damaged, contradicts itself, or needs what small runtimes lack.
    """
    model = Flatbuffer(content, where, TABLES).root("Model")
    if model["version"] != SCHEMA:
        raise unfit(where, f"has schema version {model['version']}", f"wanted {SCHEMA}")
    graphs = model["subgraphs"] or []
    if len(graphs) != 1:
        raise unfit(where, f"has {len(graphs)} graphs; wanted one", "export without control flow")
    graph, codes = graphs[0], _codes(model, where)
    buffers = _buffers(model, where)
    tensors = []
    for place, table in enumerate(graph["tensors"] or ()):
        try:
            tensors.append(tensor(table, buffers))
        except Wrong as wrong:
            name = shown(named(table["name"]))
            raise damaged(where, f"tensor {place} ({name}) {wrong}") from None
    computed = sum(_bytes(row) for row in tensors if row.data is None)
    if computed > MOST_BYTES:
        raise unfit(where, f"needs {computed / 2**30:.1f} GiB for one image", "wanted at most 1")
    check_graph(graph, codes, tensors, where)
    _check_notes(model, len(tensors), len(buffers), where)
    return Structure(
        "tflite",
        tuple(sorted(set(codes), key=lambda op: (op.name, op.version))),
        tuple(tensors[place].port for place in graph["inputs"]),
        tuple(tensors[place].port for place in graph["outputs"]),
        any_batch(graph, codes, tensors),
    )


def _codes(model: dict[str, Any], where: str) -> list[Op]:
    """Return the operators that the file speaks of."""
    found = []
    for code in model["operator_codes"] or ():
        # Files older than 2020 have the number in a field of one byte.
        number = max(code["builtin_code"], code["deprecated_builtin_code"])
        if number == CUSTOM:
            name = shown(named(code["custom_code"] or b"?"))
            remedy = "use layers that TensorFlow Lite has built in"
            raise unfit(where, f"needs {name}, which small runtimes lack", remedy)
        name = OPERATORS[number] if 0 <= number < len(OPERATORS) else f"operator {number}"
        if name in OUTSIDE or not 0 <= number < STABLEHLO:
            remedy = "export it with TensorFlow Lite's operators for one graph without state"
            raise unfit(where, f"needs {name}, which no image classifier does", remedy)
        if code["version"] < 1:
            raise damaged(where, f"it needs {name} version {code['version']}")
        found.append(Op(name, code["version"]))
    return found


def _buffers(model: dict[str, Any], where: str) -> list[memoryview | None]:
    """Return each buffer's bytes; None for an empty one, which stands for computed tensors."""
    if model["external_buffers"] or model["external_buffer_groups"]:
        raise unfit(where, "has weights in another file", "export it as one file")
    found: list[memoryview | None] = []
    for place, buffer in enumerate(model["buffers"] or ()):
        if buffer["offset"] > 1 or buffer["size"] > 1:  # how files above 2 GB have their weights
            raise unfit(where, f"has buffer {place} outside of its tables", "wanted below 2 GB")
        found.append(buffer["data"] or None)
    return found


def _check_notes(model: dict[str, Any], tensors: int, buffers: int, where: str) -> None:
    """Check what names the inputs and outputs and what is noted of the model."""
    for note in model["metadata"] or ():
        if note["name"] is None or note["buffer"] >= buffers:
            raise damaged(where, f"a note lies in buffer {note['buffer']} of {buffers}")
    for signature in model["signature_defs"] or ():
        if signature["signature_key"] is None or signature["subgraph_index"]:
            raise damaged(where, f"a signature is of graph {signature['subgraph_index']} of 1")
        for row in (*(signature["inputs"] or ()), *(signature["outputs"] or ())):
            if row["name"] is None:
                raise damaged(where, "a signature has a tensor without a name")
            in_range([row["tensor_index"]], tensors, "a signature takes", where)


def _bytes(row: Tensor) -> int:
    size = BITS[row.dtype]
    for side in row.shape:
        size *= side
    return size // 8

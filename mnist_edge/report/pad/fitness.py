"""Which bundle has a model that the drawing pad can run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_edge.preprocess import DIGIT_SHAPE
from mnist_edge.structure import examine
from mnist_edge.structure.flatbuffer import Flatbuffer
from mnist_edge.structure.tflite_schema import OPERATORS, TABLES, TYPES

if TYPE_CHECKING:
    from mnist_edge.bundle import Bundle, ModelEntry

# The operators of tflite.js and interpreter.js.
KNOWN = frozenset(
    {"ADD", "AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "DEQUANTIZE", "FULLY_CONNECTED"}
    | {"MAX_POOL_2D", "MEAN", "QUANTIZE", "RESHAPE", "SOFTMAX"}
)
# What an operator takes and gives; other types are at a model's edges.
INSIDE = ({"int8"}, {"int8"})
EDGES = {
    "QUANTIZE": ({"int8", "uint8", "float32"}, {"int8", "uint8"}),
    "DEQUANTIZE": ({"int8"}, {"float32"}),
}


def int8_entry(bundle: Bundle) -> ModelEntry | None:
    """Return the manifest's entry of the int8 TensorFlow Lite model; None where there is none."""
    for entry in bundle.models:
        if (entry.format, entry.quantization) == ("tflite", "int8"):
            return entry
    return None


def obstacle(bundle: Bundle) -> str | None:
    """Return why there can be no pad for a bundle, as one line; None where there can.

    Raises:
        BundleError: the model's file is absent, or not what the manifest says.
        ModelError: it is no sound TensorFlow Lite file.
    """
    entry = int8_entry(bundle)
    if entry is None:
        return f"{bundle.name} has no int8 .tflite to run in a page: export it with --int8"
    if bundle.image_shape != DIGIT_SHAPE:
        shape = "x".join(map(str, bundle.image_shape))
        return f"{entry.file} takes images of {shape}; what is drawn in a page is 28x28x1"
    content = bundle.read_file(entry)
    unknown = {op.name for op in examine(content, entry.file).ops} - KNOWN
    if unknown:
        return f"{entry.file} needs {', '.join(sorted(unknown))}, which the pad lacks"
    islands = _other_than_int8(content, entry.file)
    if islands:
        return f"{entry.file} has {', '.join(islands)} in other than int8, which the pad lacks"
    return None


def _other_than_int8(content: bytes, where: str) -> list[str]:
    """Return the operators that take or give other than int8, but for those at the edges."""
    model = Flatbuffer(content, where, TABLES).root("Model")
    graph = model["subgraphs"][0]
    types = [TYPES[tensor["type"]] for tensor in graph["tensors"]]
    found = set()
    for operator in graph["operators"]:
        code = model["operator_codes"][operator["opcode_index"]]
        name = OPERATORS[max(code["builtin_code"], code["deprecated_builtin_code"])]
        taken, given = types[operator["inputs"][0]], types[operator["outputs"][0]]
        wanted, made = EDGES.get(name, INSIDE)
        if taken not in wanted or given not in made:
            found.add(name)
    return sorted(found)

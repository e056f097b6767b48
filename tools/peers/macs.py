"""How many multiply-adds a network has, counted from its model file.

Convolutions and products of matrices; what is added, compared or averaged beside is not counted.
Where an image is padded, the products with zeros count: they are computed, too.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

from mnist_edge.structure import examine
from mnist_edge.structure.flatbuffer import Flatbuffer
from mnist_edge.structure.tflite_schema import OPERATORS, TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Where the weights [K,...] are all used once at each position of what comes out [1,H,W,K], or
# [1,K,H,W]; of a transposed one, of what goes in.
CONVOLUTIONS = {"CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "Conv": 1, "ConvInteger": 1, "QLinearConv": 3}
TRANSPOSED = {"TRANSPOSE_CONV": (1, 2), "ConvTranspose": (1, 0)}  # its weights, its image
DENSE = {"Gemm": "transA", "MatMul": "", "MatMulInteger": "", "QLinearMatMul": ""}
SPACE = {"tflite": slice(1, 3), "onnx": slice(2, None)}


class Layer(NamedTuple):
    """An operator that multiplies.

    Attributes:
        op: as the file calls it.
        shape: of its output, for one image.
        macs: multiply-adds for one image.
    """

    op: str
    shape: tuple[int, ...]
    macs: int


def count(path: Path) -> list[Layer]:
    """Return the layers of a model file that multiply, in their order.

    Raises:
        ModelError: it is damaged, or neither .tflite nor .onnx.
    """
    content = path.read_bytes()
    form = examine(content, str(path)).format  # a sound file, from here on
    nodes = (_of_tflite if form == "tflite" else _of_onnx)(content, str(path))
    layers = [Layer(name, tuple(given), macs(form, name, taken, given, turned))
              for name, taken, given, turned in nodes]  # fmt: skip
    return [layer for layer in layers if layer.macs]


def macs(
    form: str,
    name: str,
    taken: Sequence[Sequence[int]],
    given: Sequence[int],
    turned: bool = False,
) -> int:
    """Return the multiply-adds of an operator; 0 for one that is none of those counted.

    Args:
        form: `tflite`, with channels last, or `onnx`.
        name: the operator's.
        taken: shapes of its inputs.
        given: shape of its output.
        turned: whether its first matrix is transposed first.
    """
    if name in CONVOLUTIONS:
        return prod(given[SPACE[form]]) * prod(taken[CONVOLUTIONS[name]])
    if name in TRANSPOSED:
        weights, image = TRANSPOSED[name]
        return prod(taken[image][SPACE[form]]) * prod(taken[weights])
    if name == "FULLY_CONNECTED":  # weights [out,in]
        return prod(given) * taken[1][1]
    if name in DENSE:
        return prod(given) * taken[0][-2 if turned else -1]
    return 0


def _of_tflite(
    content: bytes, where: str
) -> list[tuple[str, list[Sequence[int]], Sequence[int], bool]]:
    model = Flatbuffer(content, where, TABLES).root("Model")
    (graph,) = model["subgraphs"]
    shapes = [table["shape"] or () for table in graph["tensors"]]
    found = []
    for table in graph["operators"] or ():
        code = model["operator_codes"][table["opcode_index"]]
        name = OPERATORS[max(code["builtin_code"], code["deprecated_builtin_code"])]
        taken = [shapes[place] if place >= 0 else () for place in table["inputs"] or ()]
        found.append((name, taken, shapes[table["outputs"][0]], False))
    return found


def _of_onnx(
    content: bytes, _where: str
) -> list[tuple[str, list[Sequence[int]], Sequence[int], bool]]:
    import onnx

    model = onnx.load_from_string(content)
    for value in model.graph.input:  # one image, where any number is taken
        first = value.type.tensor_type.shape.dim[0]
        if not first.HasField("dim_value"):
            first.dim_value = 1
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes: dict[str, Sequence[int]] = {row.name: tuple(row.dims) for row in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        sides = value.type.tensor_type.shape.dim
        shapes[value.name] = tuple(side.dim_value or 1 for side in sides)
    return [
        (
            node.op_type,
            [shapes.get(name, ()) for name in node.input],
            shapes.get(node.output[0], ()),
            any(row.name == "transA" and row.i for row in node.attribute),
        )
        for node in graph.node
    ]

"""What TensorFlow Lite Micro needs to know of a model, read from the file."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from mnist_edge.errors import ModelError
from mnist_edge.quantize import QuantParams
from mnist_edge.structure import TFLITE, Structure, examine
from mnist_edge.structure.flatbuffer import Flatbuffer
from mnist_edge.structure.tflite_schema import OPERATORS, TABLES, TYPES

# The operators that its MicroMutableOpResolver has a method for (`AddAbs` and so on), but for
# those that keep state or run other graphs, which `structure` refuses: tflite-micro's
# micro_mutable_op_resolver.h in the state of 2025. Whether a kernel takes int8, only it can tell.
KNOWN = (  # noqa: SIM905 - as text it can be read
    "Abs Add AddN ArgMax ArgMin AveragePool2D BatchMatMul BatchToSpaceNd BroadcastArgs "
    "BroadcastTo Cast Ceil Concatenation Conv2D Cos CumSum DepthToSpace DepthwiseConv2D "
    "Dequantize Div DynamicUpdateSlice Elu Equal Exp ExpandDims Fill Floor FloorDiv FloorMod "
    "FullyConnected Gather GatherNd Greater GreaterEqual HardSwish L2Normalization L2Pool2D "
    "LeakyRelu Less LessEqual Log LogicalAnd LogicalNot LogicalOr Logistic LogSoftmax Maximum "
    "MaxPool2D Mean Minimum MirrorPad Mul Neg NotEqual Pack Pad PadV2 Prelu Quantize ReduceAll "
    "ReduceMax ReduceMin Relu Relu6 Reshape ResizeBilinear ResizeNearestNeighbor ReverseV2 Round "
    "Rsqrt SelectV2 Shape Sin Slice Softmax SpaceToBatchNd SpaceToDepth Split SplitV Sqrt Square "
    "SquaredDifference Squeeze StridedSlice Sub Sum Svdf Tanh Transpose TransposeConv "
    "UnidirectionalSequenceLSTM Unpack ZerosLike"
).split()
METHODS = {name.upper(): f"Add{name}" for name in KNOWN}
BYTES = {"int8": 1, "int16": 2, "int32": 4, "int64": 8, "bool": 1}  # of what is computed
VIEWS = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS"}  # may give back the memory that they take


@dataclass(frozen=True, slots=True)
class Edge:
    """The input or output of a model.

    Attributes:
        shape: of the tensor, one image.
        quant: what its integers stand for.
    """

    shape: tuple[int, ...]
    quant: QuantParams


@dataclass(frozen=True, slots=True)
class MicroModel:
    """A model that TensorFlow Lite Micro can run.

    Attributes:
        input: what it takes.
        output: what it gives.
        methods: what a MicroMutableOpResolver is to be told, each once, sorted.
        activation_bytes: that are in use at once at the fullest moment: a lower bound of the
            tensor arena, to which the interpreter's own records and the kernels' scratch add.
    """

    input: Edge
    output: Edge
    methods: tuple[str, ...]
    activation_bytes: int


def read_micro(content: bytes, where: str) -> MicroModel:
    """Return what TensorFlow Lite Micro needs to know of a fully quantized .tflite file.

    Args:
        content: the whole file.
        where: what messages call it.

    Raises:
        ModelError: no .tflite file, a damaged one, one that computes in floating point or has
            such an input or output, or an operator that TensorFlow Lite Micro lacks.
    """
    if content[4:8] != TFLITE:
        raise ModelError(f"{where} is not a .tflite file: microcontrollers take that format only")
    structure = examine(content, where)
    _check_quantized(structure, where)
    model = Flatbuffer(content, where, TABLES).root("Model")
    graph = model["subgraphs"][0]
    tensors = graph["tensors"]
    computed = {
        place: TYPES[table["type"]]
        for place, table in enumerate(tensors)
        if not model["buffers"][table["buffer"]]["data"]
    }
    strange = sorted(set(computed.values()) - set(BYTES))
    if strange:
        raise ModelError(
            f"{where} computes in {', '.join(strange)}; wanted int8 or int16 throughout: "
            "quantize every layer"
        )
    return MicroModel(
        _edge(tensors[graph["inputs"][0]], where),
        _edge(tensors[graph["outputs"][0]], where),
        _methods(structure, where),
        _peak(graph, computed, _names(model)),
    )


def _check_quantized(structure: Structure, where: str) -> None:
    for port in (*structure.inputs, *structure.outputs):
        if port.dtype not in ("int8", "int16"):
            raise ModelError(
                f"{where} takes or gives {port.dtype}; wanted int8 (or int16): microcontrollers "
                "are given the int8 model with int8 input and output"
            )
    if len(structure.inputs) != 1 or len(structure.outputs) != 1:
        raise ModelError(
            f"{where} has {len(structure.inputs)} inputs and {len(structure.outputs)} outputs; "
            "wanted one of each"
        )


def _methods(structure: Structure, where: str) -> tuple[str, ...]:
    names = [op.name for op in structure.ops]
    lacking = [name for name in names if name.replace("_", "") not in METHODS]
    if lacking:
        raise ModelError(
            f"{where} needs {', '.join(lacking)}, which TensorFlow Lite Micro lacks: "
            "use another layer there"
        )
    return tuple(sorted({METHODS[name.replace("_", "")] for name in names}))


def _edge(table: dict[str, Any], where: str) -> Edge:
    quant = table["quantization"] or {}
    scales: tuple[float, ...] = quant.get("scale") or ()
    zeros: tuple[int, ...] = quant.get("zero_point") or (0,)
    if len(scales) != 1:
        raise ModelError(f"{where} does not say what its input or output stands for: export anew")
    shape = tuple(table["shape"] or ())
    return Edge(shape, QuantParams(scales[0], zeros[0], TYPES[table["type"]]))


def _names(model: dict[str, Any]) -> list[str]:
    """Return the operator of each code."""
    codes = model["operator_codes"]
    return [OPERATORS[max(code["builtin_code"], code["deprecated_builtin_code"])] for code in codes]


def _peak(graph: dict[str, Any], computed: dict[int, str], names: list[str]) -> int:
    """Return the most bytes of computed tensors that are needed at once.

    A tensor is needed from the operator that gives it (an input from the start) to the last one
    that takes it (an output to the end). What may share memory is counted once.
    """
    last: dict[int, int] = {}
    operators = graph["operators"]
    for step, table in enumerate(operators):
        last |= dict.fromkeys(table["inputs"] or (), step)
    last |= dict.fromkeys(graph["outputs"], len(operators))

    def size(place: int) -> int:
        return prod(graph["tensors"][place]["shape"] or ()) * BYTES[computed[place]]

    live, peak = set(graph["inputs"]), 0
    for step, table in enumerate(operators):
        given = {place for place in table["outputs"] if place in computed}
        if names[table["opcode_index"]] in VIEWS:
            live -= {place for place in table["inputs"] if last.get(place) == step}
        live |= given
        peak = max(peak, sum(size(place) for place in live))
        live = {place for place in live if last.get(place, step) > step}
    return peak

"""What an ONNX operator may be set to, and the rule for the shape that it gives."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from mnist_edge.structure import onnx_shapes as shapes
from mnist_edge.structure import onnx_windows as windows
from mnist_edge.structure.parts import shown
from mnist_edge.structure.tensors import MOST_RANK, MOST_STEPS, Wrong, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_edge.structure.onnx_tensors import Taken
    from mnist_edge.structure.tensors import Shape


INTEGER = frozenset(
    [
        "allowzero",
        "axis",
        "blocksize",
        "ceil_mode",
        "end",
        "group",
        "keepdims",
        "noop_with_empty_axes",
        "num_outputs",
        "start",
        "to",
        "transA",
        "transB",
        "value_int",
    ]
)
INTEGERS = frozenset(
    [
        "axes",
        "dilations",
        "ends",
        "kernel_shape",
        "output_padding",
        "output_shape",
        "pads",
        "perm",
        "shape",
        "starts",
        "strides",
        "value_ints",
    ]
)
SIZES = frozenset({"blocksize", "dilations", "group", "kernel_shape", "num_outputs", "strides"})


def shape_given(name: str, taken: Taken) -> Shape | None:
    """Check a node of ONNX's own operators and return the shape of its first output.

    Returns:
        None where it is not known: only running tells it, or there is no rule for it.

    Raises:
        Wrong: a runtime would end the process over it.
    """
    _check_settings(taken.settings)
    rule = RULES.get(name)
    shape = None if rule is None else rule(taken)
    if shape is not None and (len(shape) > MOST_RANK or min(shape, default=1) < 0):
        raise Wrong(f"gives {said(shape)}")
    return shape


def _check_settings(settings: dict[str, Any]) -> None:
    """Refuse a setting of another type, a number that is none, and sizes that no image has."""
    for name, value in settings.items():
        if name in INTEGER and not isinstance(value, int):
            raise Wrong(f"has {name} that is no integer")
        if name in INTEGERS and not (
            isinstance(value, list) and all(isinstance(number, int) for number in value)
        ):
            raise Wrong(f"has {name} that are no integers")
        if isinstance(value, float) and not isfinite(value):
            raise Wrong(f"has {shown(name)} {value}")
    for name in SIZES & settings.keys():  # some runtimes divide by them
        sizes = settings[name] if name in INTEGERS else [settings[name]]
        if not all(1 <= size <= MOST_STEPS for size in sizes):
            raise Wrong(f"has {name} {said(sizes)}; wanted 1..{MOST_STEPS}")


def _table() -> dict[str, Callable[[Taken], Shape | None]]:
    one = (
        "Abs BatchNormalization Cast Ceil Clip Cos DequantizeLinear Dropout Elu Erf Exp Floor "
        "Gelu HardSigmoid HardSwish Identity InstanceNormalization LRN LayerNormalization "
        "LeakyRelu Log LogSoftmax Mish Neg Not QuantizeLinear Reciprocal Relu Round Selu Sigmoid "
        "Sign Sin Softmax Softplus Softsign Sqrt Tanh ThresholdedRelu"
    )
    many = (
        "Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mul Or PRelu Pow "
    )
    many += "Sub Sum Where"
    reduced_by = "L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare"
    rules = dict.fromkeys(one.split(), shapes.as_is) | dict.fromkeys(many.split(), shapes.together)
    rules |= {f"Reduce{name}": shapes.reduced for name in reduced_by.split()}
    rules |= dict.fromkeys(("AveragePool", "MaxPool", "LpPool"), windows.pooled)
    rules |= dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), windows.pooled_whole)
    return rules | {
        "Conv": windows.convolved,
        "ConvTranspose": windows.convolved_back,
        "MatMul": windows.multiplied,
        "Gemm": windows.dense,
        "Reshape": shapes.reshaped,
        "Flatten": shapes.flattened,
        "Transpose": shapes.turned,
        "Squeeze": shapes.squeezed,
        "Unsqueeze": shapes.unsqueezed,
        "Concat": shapes.joined,
        "Pad": shapes.padded,
        "Resize": shapes.resized,
        "Upsample": shapes.resized,
        "Tile": shapes.tiled,
        "Expand": shapes.spread,
        "ConstantOfShape": shapes.filled,
        "Slice": shapes.cut,
        "Shape": shapes.measured,
        "Range": shapes.counted,
        "Gather": shapes.gathered,
    }


RULES = _table()

"""What each TensorFlow Lite operator must be given, and the rule for the shape it then gives."""

from __future__ import annotations

from math import isfinite, prod
from typing import TYPE_CHECKING, Any, NamedTuple

from mnist_edge.structure import tflite_shapes as shapes
from mnist_edge.structure import tflite_windows as windows
from mnist_edge.structure.parts import shown
from mnist_edge.structure.tensors import MOST_DIMENSIONS, Shape, Wrong, said

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mnist_edge.structure.tflite_tensors import Tensor


ACTIVATIONS = range(6)
# By operator: which inputs' scales make its factor, their power, and the factor that is too much;
# LiteRT 2.3 and tflite-runtime 2.14 abort beyond.
RESCALED: dict[str, tuple[tuple[int, ...], int, int | None]] = {
    "ADD": ((0, 1), 1, None),
    "SUB": ((0, 1), 1, None),
    "SQUARED_DIFFERENCE": ((0, 1), 2, 1 << 12),
    "MUL": ((0, 1), 1, 256),
    "CONV_2D": ((0, 1), 1, 256),
    "DEPTHWISE_CONV_2D": ((0, 1), 1, 256),
    "TRANSPOSE_CONV": ((1, 2), 1, 256),
    "FULLY_CONNECTED": ((0, 1), 1, 256),
}
NEED_SCALES = frozenset({"int8", "uint8", "int16"})
MANY = 1 << 15


class Row(NamedTuple):
    """What an operator takes.

    Attributes:
        rule: gives the shape of each output, or None where only running it tells.
        needs: how many inputs must be there.
        takes: how many there can be, the optional ones included.
        settings: number of its table of settings; 0 where it has none or nobody reads them.
        must: whether the settings have to be there.
        scaled: whether integers must have a scale.
        alike: place of the input whose type comes out; None where another may.
        blank: whether an optional input may be there as a blank. tflite-runtime 2.14 and LiteRT
            2.3 crash over a blank shape of a RESHAPE.
    """

    rule: Callable[[dict[str, Any], Sequence[Tensor]], Shape | None]
    needs: int
    takes: int
    settings: int = 0
    must: bool = False
    scaled: bool = True
    alike: int | None = 0
    blank: bool = False


def shape_given(
    name: str, table: dict[str, Any], taken: Sequence[Tensor | None], given: Sequence[Tensor]
) -> Shape | None:
    """Check one operator and return the shape of each of its outputs.

    Args:
        name: as in `tflite_schema.OPERATORS`. One without a rule is only checked for having
            its inputs and outputs.
        table: the operator as the file has it.
        taken: its inputs; None for one that is left out.
        given: its outputs, as the file has them.

    Returns:
        None where only running it tells the shape.

    Raises:
        Wrong: a runtime would end the process over it.
    """
    row = ROWS.get(name)
    needs = row.needs if row else len(taken)
    inputs = [tensor for tensor in taken[:needs] if tensor is not None]
    if len(inputs) < needs or not given or (row and len(taken) > row.takes):
        raise Wrong(
            f"has {len(taken) - taken.count(None)} inputs and {len(given)} outputs; "
            f"wanted {needs} and 1 or more"
        )
    if row is None:
        return None
    if None in taken and not row.blank:
        raise Wrong("has a blank in place of an input")
    inputs += [tensor for tensor in taken[needs:] if tensor is not None]
    settings = _settings(row, table)
    for tensor in (*inputs, *given) if row.scaled else ():
        if tensor.dtype in NEED_SCALES and not tensor.scales:
            raise Wrong(f"works on {tensor.dtype} without a scale ({shown(tensor.name)})")
    _check_rescaling(name, inputs, given[0])
    for tensor in given if row.alike is not None else ():
        if tensor.dtype != inputs[row.alike or 0].dtype:
            raise Wrong(f"gives {tensor.dtype} for {inputs[row.alike or 0].dtype}")
    shape = row.rule(settings, inputs)
    if shape is not None and (len(shape) > MOST_DIMENSIONS or min(shape, default=1) < 0):
        raise Wrong(f"gives {said(shape)}")
    return shape


def _check_rescaling(name: str, inputs: Sequence[Tensor], given: Tensor) -> None:
    """Refuse scales so far apart that a kernel's fixed-point factor would leave its range."""
    if given.dtype not in NEED_SCALES or not given.scales or name not in RESCALED:
        return
    places, power, most = RESCALED[name]
    scales = [inputs[place].top_scale for place in places]
    if most is None:  # sums are taken with 20 bits more than int8 has, 15 more than int16 has
        factor, most = 2 * max(scales), 1 << (15 if given.dtype == "int16" else 20)
    else:
        factor = prod(scales) if power == 1 else max(scales) ** power
    if factor >= most * given.scales[0]:
        raise Wrong(f"rescales by {factor / given.scales[0]:.3g}; wanted below {most}")


def _settings(row: Row, table: dict[str, Any]) -> dict[str, Any]:
    """Return what an operator is set to, by name."""
    kind, settings = table["builtin_options_type"], table["builtin_options"]
    if settings is None and row.must:
        raise Wrong("has no settings")
    if settings is not None and row.settings and kind != row.settings:
        raise Wrong(f"has settings of kind {kind}; wanted {row.settings}")
    found: dict[str, Any] = settings or {}
    if found.get("fused_activation_function", 0) not in ACTIVATIONS:
        raise Wrong(f"ends in activation {found['fused_activation_function']}")
    for name, value in found.items():
        if isinstance(value, float) and not isfinite(value):
            raise Wrong(f"has {name} {value}")
    return found


def _table() -> dict[str, Row]:
    one = (
        "ABS CEIL COS ELU EXP FLOOR HARD_SWISH LOG LOG_SOFTMAX LOGICAL_NOT LOGISTIC NEG RELU "
        "RELU6 RELU_0_TO_1 RELU_N1_TO_1 ROUND RSQRT SIGN SIN SQRT SQUARE TANH ZEROS_LIKE"
    )
    two = "FLOOR_DIV FLOOR_MOD LOGICAL_AND LOGICAL_OR MAXIMUM MINIMUM POW PRELU SQUARED_DIFFERENCE"
    compared = "EQUAL GREATER GREATER_EQUAL LESS LESS_EQUAL NOT_EQUAL"
    reduced = "MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD"
    pooled = "AVERAGE_POOL_2D MAX_POOL_2D L2_POOL_2D"
    rows = {name: Row(shapes.as_is, 1, 1) for name in one.split()}
    rows |= {name: Row(shapes.together, 2, 2) for name in two.split()}
    rows |= {name: Row(shapes.together, 2, 2, alike=None) for name in compared.split()}
    rows |= {name: Row(shapes.reduced, 2, 2, 27) for name in reduced.split()}
    rows |= {name: Row(windows.pooled, 1, 1, 5, must=True) for name in pooled.split()}
    return rows | {
        "ADD": Row(shapes.together, 2, 2, 11),
        "SUB": Row(shapes.together, 2, 2, 28),
        "MUL": Row(shapes.together, 2, 2, 21),
        "DIV": Row(shapes.together, 2, 2, 29),
        "SELECT_V2": Row(shapes.together, 3, 3, alike=1),
        "SOFTMAX": Row(shapes.as_is, 1, 1, 9),
        # Its slope is 0 without settings, over which tflite-runtime 2.14 has fallen.
        "LEAKY_RELU": Row(shapes.as_is, 1, 1, 75, must=True),
        "GELU": Row(shapes.as_is, 1, 1, 116),
        "L2_NORMALIZATION": Row(shapes.as_is, 1, 1, 12),
        "LOCAL_RESPONSE_NORMALIZATION": Row(shapes.as_is, 1, 1, 13),
        "QUANTIZE": Row(shapes.as_is, 1, 1, alike=None),
        "DEQUANTIZE": Row(shapes.as_is, 1, 1, alike=None),
        "CAST": Row(shapes.as_is, 1, 1, scaled=False, alike=None),
        "CONV_2D": Row(windows.convolved, 2, 3, 1, must=True, blank=True),
        # The bias may not be left out: LiteRT 2.3 and tflite-runtime 2.14 crash without.
        "DEPTHWISE_CONV_2D": Row(windows.convolved_by_channel, 3, 3, 2, must=True),
        "TRANSPOSE_CONV": Row(windows.convolved_back, 3, 4, 49, must=True, alike=2, blank=True),
        "FULLY_CONNECTED": Row(windows.dense, 2, 3, 8, blank=True),
        "BATCH_MATMUL": Row(windows.multiplied, 2, 2, 101),
        "CONCATENATION": Row(shapes.joined, 1, MANY, 10, must=True),
        "PACK": Row(shapes.packed, 1, MANY, 59, must=True, scaled=False),
        "UNPACK": Row(shapes.unpacked, 1, 1, 64, must=True, scaled=False),
        "SPLIT": Row(shapes.parted, 2, 2, 35, must=True, scaled=False, alike=1),
        "RESHAPE": Row(shapes.reshaped, 1, 2, 17, scaled=False),
        "SQUEEZE": Row(shapes.squeezed, 1, 1, 30, scaled=False),
        "EXPAND_DIMS": Row(shapes.expanded, 2, 2, scaled=False),
        "PAD": Row(shapes.padded, 2, 2),
        "PADV2": Row(shapes.padded, 3, 3),
        "MIRROR_PAD": Row(shapes.mirrored, 2, 2, 77, must=True),
        "RESIZE_BILINEAR": Row(shapes.resized, 2, 2, 15),
        "RESIZE_NEAREST_NEIGHBOR": Row(shapes.resized, 2, 2, 74),
        "TRANSPOSE": Row(shapes.turned, 2, 2, scaled=False),
        "TILE": Row(shapes.tiled, 2, 2, scaled=False),
        "BROADCAST_TO": Row(shapes.spread, 2, 2, scaled=False),
        "FILL": Row(shapes.filled, 2, 2, scaled=False, alike=1),
        "STRIDED_SLICE": Row(shapes.cut, 4, 4, 32, must=True, scaled=False),
        "SLICE": Row(shapes.sliced, 3, 3, scaled=False),
        "SPACE_TO_DEPTH": Row(shapes.blocks_to_depth, 1, 1, 19, must=True),
        "DEPTH_TO_SPACE": Row(shapes.depth_to_blocks, 1, 1, 94, must=True),
        "SHAPE": Row(shapes.measured, 1, 1, 55, scaled=False, alike=None),
    }


ROWS = _table()

"""What can be exported: each format with each quantization that it has, and their options.

`VALID` is the whole truth: the command line is checked against it before anything heavy is
loaded, and README's table is printed from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from mnist_edge.errors import SettingError
from mnist_edge.export.ranges import METHODS, check_percentile

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMATS = ("tflite", "onnx")
QUANTIZED = ("float16", "dynamic", "int8", "int16x8")


@dataclass(frozen=True, slots=True)
class Target:
    """One model to write.

    Attributes:
        format: `tflite` or `onnx`.
        quantization: as the manifest has it.
        io: dtype of the input and of the output.
        granularity: of weights' scales: `per-channel` or `per-tensor`; empty where none are
            quantized.
        method: how calibration images become ranges, one of `ranges.METHODS`; empty where there
            are none.
        percentile: for that method.
        count: calibration images to use; None for all that there are.
        float_layers: names of operators' outputs, in the float file, that stay float.
    """

    format: str
    quantization: str
    io: str = "float32"
    granularity: str = ""
    method: str = ""
    percentile: float | None = None
    count: int | None = None
    float_layers: tuple[str, ...] = ()

    def file(self, name: str) -> str:
        """Return the name of the file, which tells all of it but the defaults.

        `edge-int8.tflite`, `edge-int8-uint8_io-per_tensor-entropy.tflite`.
        """
        row = VALID[self.format, self.quantization]
        words = [name, self.quantization]
        if self.io != row.io[0]:
            words.append(f"{self.io}_io")
        if self.granularity != (row.granularity or ("",))[0]:
            words.append(self.granularity.replace("-", "_"))
        if self.method != (row.method or ("",))[0]:
            words.append(self.method)
        return f"{'-'.join(words)}.{self.format}"

    def plain(self) -> Target:
        """Return the same with the defaults of granularity and method."""
        row = VALID[self.format, self.quantization]
        granularity, method = ((each or ("",))[0] for each in (row.granularity, row.method))
        return replace(self, granularity=granularity, method=method, percentile=None)

    @property
    def calibrated(self) -> bool:
        """Whether sample images decide the ranges of activations."""
        return bool(self.method)

    @property
    def c_array(self) -> bool:
        """Whether it can be written as C source for microcontrollers."""
        return (self.format, self.quantization, self.io) == ("tflite", "int8", "int8")

    def options(self) -> dict[str, Any]:
        """Return what a manifest says of how the model was made; {} for float32."""
        found: dict[str, Any] = {
            "io": self.io,
            "granularity": self.granularity,
            "method": self.method,
        }
        if self.quantization == "float32":
            return {}
        if self.method == "percentile":
            found["percentile"] = self.percentile
        return {key: value for key, value in found.items() if value}


@dataclass(frozen=True, slots=True)
class Row:
    """What one quantization of one format lets one choose; the first of each is the default."""

    about: str
    io: tuple[str, ...] = ("float32",)
    granularity: tuple[str, ...] = ()
    method: tuple[str, ...] = ()


CHANNELS = ("per-channel", "per-tensor")
CALIBRATED = METHODS
VALID = {
    ("tflite", "float32"): Row("as trained"),
    ("onnx", "float32"): Row("as trained"),
    ("tflite", "float16"): Row("weights as half floats, unpacked when opened"),
    ("tflite", "dynamic"): Row("int8 weights; activations quantized for each image"),
    ("onnx", "dynamic"): Row("8-bit weights; activations quantized for each image"),
    ("tflite", "int8"): Row(
        "integers throughout", ("int8", "uint8", "float32"), CHANNELS, CALIBRATED
    ),
    ("onnx", "int8"): Row(
        "QDQ: integers where the runtime has them", ("float32",), CHANNELS, CALIBRATED
    ),
    ("tflite", "int16x8"): Row(
        "int16 activations, int8 weights", ("int16", "float32"), ("per-channel",), ("minmax",)
    ),
}
DTYPES = tuple(dict.fromkeys(dtype for row in VALID.values() for dtype in row.io))
OPTIONS = ("io", "granularity", "method")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user asks for; an empty option means the default of each row.

    Attributes:
        quantizations: beside float32, any of QUANTIZED.
        formats: any of FORMATS.
        io: dtypes of input and output.
        granularity: per-channel, per-tensor.
        method: of calibration.
        percentile: for that method.
    """

    quantizations: Sequence[str] = ()
    formats: Sequence[str] = FORMATS
    io: Sequence[str] = ()
    granularity: Sequence[str] = ()
    method: Sequence[str] = ()
    percentile: float | None = None


def targets(wanted: Wanted) -> tuple[Target, ...]:
    """Return float32 in each format, and every valid combination of what is wanted.

    Raises:
        SettingError: an option that does not exist, or that nothing wanted has.
    """
    _check(wanted)
    found = []
    for (form, quantization), row in VALID.items():
        if form not in wanted.formats or quantization not in ("float32", *wanted.quantizations):
            continue
        found += [
            Target(
                form,
                quantization,
                io,
                granularity,
                method,
                wanted.percentile if method == "percentile" else None,
            )
            for io, granularity, method in product(
                *(_chosen(getattr(wanted, name), getattr(row, name)) for name in OPTIONS)
            )
        ]
    return tuple(found)


def _chosen(asked: Sequence[str], there: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is asked for of what a row has; its default where that is nothing."""
    return tuple(each for each in there if each in asked) or there[:1] or ("",)


def _check(wanted: Wanted) -> None:
    for each in wanted.formats:
        _known("format", each, FORMATS)
    if not wanted.formats:
        raise SettingError(f"no format is left; wanted {' or '.join(FORMATS)}")
    for each in wanted.quantizations:
        _known("quantization", each, QUANTIZED)
        having = [form for form, quantization in VALID if quantization == each]
        if not set(having) & set(wanted.formats):
            raise SettingError(
                f"{' and '.join(wanted.formats)} has no {each}: add --format {having[0]}"
            )
    for name in OPTIONS:
        _check_option(wanted, name)
    if wanted.percentile is not None and "percentile" not in wanted.method:
        raise SettingError("percentile is set, but the method is another: add --method percentile")
    if wanted.percentile is not None:
        check_percentile(wanted.percentile)


def _check_option(wanted: Wanted, name: str) -> None:
    """Make sure that each value of an option is one that something wanted has."""
    for each in getattr(wanted, name):
        every = tuple(dict.fromkeys(one for row in VALID.values() for one in getattr(row, name)))
        _known(name, each, every)
        having = [key for key, row in VALID.items() if each in getattr(row, name)]
        if any(
            form in wanted.formats and quantization in ("float32", *wanted.quantizations)
            for form, quantization in having
        ):
            continue
        shown = " and ".join(f"{quantization} {form}" for form, quantization in having)
        form, quantization = having[0]
        asked = quantization in wanted.quantizations
        remedy = f"--format {form}" if asked else f"--{quantization}"
        raise SettingError(
            f"{name} {each} is for {shown} alone, which was not asked for: add {remedy}"
        )


def _known(what: str, given: str, known: Sequence[str]) -> None:
    if given not in known:
        raise SettingError(f"{what} {given!r} is none; wanted {', '.join(known)}")

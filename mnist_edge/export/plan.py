"""What can be exported: each format with each quantization that it has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """One model to write.

    Attributes:
        format: `tflite` or `onnx`.
        quantization: as the manifest has it.
    """

    format: str
    quantization: str

    def file(self, recipe: str) -> str:
        """Return the name of the file, which tells all of it: `edge-int8.tflite`."""
        return f"{recipe}-{self.quantization}.{self.format}"

    @property
    def calibrated(self) -> bool:
        """Whether sample images decide the ranges of activations."""
        return self.quantization in ("int8", "int16x8")


FLOAT = (Target("tflite", "float32"), Target("onnx", "float32"))
ADDED = {
    "float16": (Target("tflite", "float16"),),
    "dynamic": (Target("tflite", "dynamic"),),
    "int8": (Target("tflite", "int8"), Target("onnx", "int8")),
    "int16x8": (Target("tflite", "int16x8"),),
}


def targets(quantizations: tuple[str, ...]) -> tuple[Target, ...]:
    """Return float32 in both formats, and what each of `quantizations` (keys of ADDED) adds."""
    return FLOAT + tuple(
        target for name in ADDED if name in quantizations for target in ADDED[name]
    )

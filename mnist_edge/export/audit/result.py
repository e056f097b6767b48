"""What the audit of one quantized model says."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnist_edge.invariants import Finding


@dataclass(frozen=True)
class LayerAudit:
    """One layer of a quantized model against the same layer in float.

    Attributes:
        name: of the layer, as the Keras model has it.
        tensor: what holds its output in the float file.
        snr_db: of its output as deployed, the errors of all layers before it included; None where
            nothing differs.
        cosine: of the angle between its float and its quantized output.
        max_error: greatest difference between them, in the output's own units.
        range_used: share of the integers spanned on these images; None for a float tensor.
        saturated: share of float values that the integers cannot stand for; None as before.
        weights_snr_db: of its weights; None where it has none, or they are as in float.
        added: noise over signal in the network's answer (its logits; of the softmax, in what it
            gives) when this layer alone is quantized; 0 where it adds nothing.
        added_db: the same as a signal-to-noise ratio; None where it adds nothing.
        share: `added` as a share of what all layers add.
    """

    name: str
    tensor: str
    snr_db: float | None
    cosine: float
    max_error: float
    range_used: float | None
    saturated: float | None
    weights_snr_db: float | None
    added: float
    added_db: float | None
    share: float


@dataclass(frozen=True)
class Audit:
    """A quantized model, layer by layer against float.

    Attributes:
        format: `tflite` or `onnx`.
        quantization: as the manifest has it.
        images: how many were run.
        layers: in order of computation.
        worst: name of the layer that adds most; None where no layer adds anything.
        reason: why it does, in words.
        integer_operators: how many compute in integers; of ONNX, after ONNX Runtime fused them.
        float_operators: how many compute in float.
        islands: runs of float operators among integer ones, each the names of its layers, or of
            the kind of operator where no layer is known.
        inserted: conversions between float and integers or between scales inside the network.
        findings: on the output, over all images.
    """

    format: str
    quantization: str
    images: int
    layers: tuple[LayerAudit, ...]
    worst: str | None
    reason: str
    integer_operators: int
    float_operators: int
    islands: tuple[tuple[str, ...], ...]
    inserted: int
    findings: tuple[Finding, ...]

    def __bool__(self) -> bool:
        """Whether the output is what a classifier's must be."""
        return all(self.findings)

    def layer(self, name: str) -> LayerAudit:
        """Return the layer called `name`."""
        return next(layer for layer in self.layers if layer.name == name)

    def explain(self) -> str:
        """Say in a sentence which layer adds most of the error, how much, and why."""
        if self.worst is None:
            return "no layer adds any error"
        layer = self.layer(self.worst)
        noun = "most" if layer.share > 1 / 2 else "the largest part"
        return (
            f"{self.worst} adds {noun} of the error ({100 * layer.share:.0f} %): quantized alone "
            f"it leaves {layer.added_db:.1f} dB in the answer; {self.reason}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the audit as JSON has it."""
        return {**asdict(self), "explanation": self.explain(), "holds": bool(self)}

"""The audit of each quantized model, layer by layer, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mnist_edge.report.audit_table import audit_lines, cells

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mnist_edge.report.page.material import Material

HEADS = (
    ("Error added", "%"), ("SNR", "dB"), ("Cosine", ""), ("Max error", ""), ("Range used", "%"),
    ("Saturated", "%"), ("Weights", "dB"),
)  # fmt: skip
MEANING = (
    "Error added: share of the error in the logits, each layer quantized alone. The rest is of the "
    "layer's output with all layers quantized. Range used: share of the integers in use. "
    "Saturated: values that they cannot stand for. Weights: their signal-to-noise ratio."
)


class Layer(NamedTuple):
    """A layer: its name, the share of the error that it adds, 0..1, its figures as text."""

    name: str
    share: float
    cells: tuple[str, ...]
    worst: bool


class Audited(NamedTuple):
    """A quantized model: what is to be said of it, and its layers in order of computation."""

    file: str
    lines: tuple[str, ...]
    holds: bool
    layers: tuple[Layer, ...]


def audited(material: Material) -> list[Audited]:
    """Return each model of the audit; nothing where there is none."""
    models = material.audit["models"] if material.audit else []
    return [_of_model(model) for model in models]


def _of_model(model: Mapping[str, Any]) -> Audited:
    worst = model.get("worst")
    layers = tuple(
        Layer(
            each["name"],
            min(1.0, max(0.0, each["share"])),
            tuple(cell.strip("* ") for cell in cells(each, each["name"] == worst)),
            each["name"] == worst,
        )
        for each in model["layers"]
    )
    holds = all(each["holds"] for each in model["findings"])
    lines = (line.removeprefix(f"{model['file']}: ") for line in audit_lines(model))
    begun = (f"O{line[1:]}" if line.startswith("output over") else line for line in lines)
    return Audited(model["file"], tuple(f"{line}." for line in begun), holds, layers)

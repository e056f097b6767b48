"""The audit of quantized models for the terminal: both families in one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_edge.report.layout import Column, Row, cut, lay_out

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.text import Text

COLUMNS = (
    Column(("Layer", ""), left=True),
    Column(("", ""), left=True),
    Column(("Added", "%")),
    Column(("SNR", "dB"), rank=1),
    Column(("Cosine", ""), rank=5),
    Column(("Max", "error"), rank=6),
    Column(("Range", "%"), rank=3),
    Column(("Sat.", "%"), rank=2),
    Column(("Weights", "dB"), rank=4),
)
LONGEST = 22  # characters of a layer's name


def groups(models: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Join the models that differ in format alone: `edge-int8` of both families."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for model in models:
        found.setdefault(Path(model["file"]).stem, []).append(model)
    return found


def audit_table(models: Sequence[Mapping[str, Any]], width: int = 80) -> Text:
    """Return one table of models that differ in format alone; all its columns fit 80.

    Args:
        models: as `export.audit.document` has them.
        width: of the terminal; what tells least is left out where it is narrow.
    """
    rows = []
    for name in in_order(models):
        first = True
        for model in models:
            for layer in model["layers"]:
                if layer["name"] == name:
                    worst = name == model.get("worst")
                    head = (cut(name, LONGEST) if first else "", model["format"])
                    style = "bold red" if worst else ""
                    rows.append(Row((*head, *cells(layer, worst)), style))
                    first = False
    return lay_out(COLUMNS, rows, width)


def audit_lines(model: Mapping[str, Any]) -> list[str]:
    """Return what is to be said of a model in words: the culprit, islands, broken invariants."""
    integer, floating = model["integer_operators"], model["float_operators"]
    lines = [f"{model['file']}: {model['explanation']}"]
    if model["quantization"] in ("int8", "int16x8"):
        runs = "; ".join(", ".join(island) for island in model["islands"])
        lines.append(
            f"{integer} operators in integers, {floating} in float"
            f"{f' ({runs})' if runs else ''}, {model['inserted']} conversions between"
        )
    broken = [finding for finding in model["findings"] if not finding["holds"]]
    lines += [f"BROKEN: {finding['name']}: {finding['detail']}" for finding in broken]
    if not broken:
        names = ", ".join(finding["name"] for finding in model["findings"])
        lines.append(f"output over {model['images']} images: {names}")
    return lines


def in_order(models: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the layers of all models in order of computation; one model's own after its like."""
    order: list[str] = []
    for model in models:
        place = 0
        for layer in model["layers"]:
            if layer["name"] in order:
                place = order.index(layer["name"]) + 1
            else:
                order.insert(place, layer["name"])
                place += 1
    return order


def cells(layer: Mapping[str, Any], worst: bool) -> list[str]:
    """Return the figures of a layer as text, in the order of COLUMNS; *: it adds most error.

    What a file of an audit does not say is empty.
    """
    return [
        f"{100 * layer['share']:.1f}{'*' if worst else ' '}",
        _number(layer.get("snr_db"), 1, "exact" if "snr_db" in layer else ""),
        f"{layer['cosine']:.5f}",
        f"{layer['max_error']:.2g}",
        _number(layer.get("range_used"), 0, "", 100),
        _number(layer.get("saturated"), 2, "", 100),
        _number(layer.get("weights_snr_db"), 1, ""),
    ]


def _number(value: float | None, digits: int, absent: str, factor: int = 1) -> str:
    return absent if value is None else f"{factor * value:.{digits}f}"

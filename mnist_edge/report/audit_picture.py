"""The picture of an audit: signal-to-noise ratio by layer, every quantized model, both families."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnist_edge.report.audit_table import groups, in_order
from mnist_edge.report.style import COLOURS, new_figure, png

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MARKS = {"tflite": ("o", "-", 4, "full"), "onnx": ("s", "--", 7, "none")}  # both seen where equal
MOST_DB = 100  # more is drawn there: nothing that anyone would notice
WIDTHS = (9.0, 24.0)  # inches, least and most
PANELS = (
    ("added_db", "Layer alone quantized:\nSNR of the logits, dB (at most 100)"),
    ("snr_db", "All layers quantized:\nSNR of the layer's output, dB (at most 100)"),
)


def save_audit_picture(path: Any, document: Mapping[str, Any]) -> None:
    """Write the picture of an audit document as PNG.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OutputError: the file cannot be written.
    """
    from mnist_edge.atomic import write_file

    write_file(path, png(audit_picture(document)))


def audit_picture(document: Mapping[str, Any]) -> Any:
    """Draw the signal-to-noise ratios of an audit document; the worst layers are ringed."""
    models: Sequence[Mapping[str, Any]] = document["models"]
    layers, stems = in_order(models), list(groups(models))
    width = min(WIDTHS[1], max(WIDTHS[0], 0.32 * len(layers) + 3))
    figure = new_figure(width, 8)
    panels = figure.subplots(len(PANELS), 1, sharex=True)
    for axes, (key, label) in zip(panels, PANELS, strict=True):
        for place, stem in enumerate(stems):
            for model in groups(models)[stem]:
                _draw(axes, model, key, layers, COLOURS[place % len(COLOURS)])
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
    panels[0].set_title(_title(document), fontsize=10)
    handles, files = panels[0].get_legend_handles_labels()
    figure.legend(handles, files, fontsize=8, ncols=3, loc="outside upper center")
    panels[-1].set_xticks(
        range(len(layers)),
        layers,
        rotation=90 if len(layers) > 12 else 40,
        ha="center" if len(layers) > 12 else "right",
        fontsize=8,
    )
    panels[-1].set_xlabel("Layer, in order of computation")
    return figure


def _draw(
    axes: Any, model: Mapping[str, Any], key: str, layers: Sequence[str], colour: str
) -> None:
    mark, line, size, fill = MARKS[model["format"]]
    points = [
        (layers.index(layer["name"]), min(MOST_DB, layer[key]))
        for layer in model["layers"]
        if layer[key] is not None
    ]
    axes.plot(
        [place for place, _ in points],
        [decibels for _, decibels in points],
        color=colour,
        marker=mark,
        markersize=size,
        fillstyle=fill,
        linestyle=line,
        linewidth=1.2,
        label=model["file"],
    )
    worst = [point for point in points if layers[point[0]] == model["worst"]]
    if key == "added_db" and worst:
        axes.plot(*worst[0], marker="o", markersize=14, fillstyle="none", color=colour)


def _title(document: Mapping[str, Any]) -> str:
    name = document.get("bundle", "")
    return f"{name}: quantized against float, layer by layer (ring: adds most error)".lstrip(": ")

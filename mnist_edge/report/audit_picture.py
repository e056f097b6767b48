"""The picture of an audit: signal-to-noise ratio by layer, every quantized model, both families."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnist_edge.report.audit_table import groups, in_order
from mnist_edge.report.style import COLOURS, headline, in_style, new_figure, png

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# A mark for each file; that of ONNX is larger and hollow, so that both are seen where equal.
LINES = {"tflite": ("oD^v", "-", 4, "full"), "onnx": ("sPXd", "--", 7, "none")}
MOST_DB = 80  # more is drawn there: nothing that anyone would notice
SLANTED = 24  # layers whose names have room side by side
WIDTHS = (9.0, 24.0)  # inches, least and most
PANELS = (
    ("added_db", "One layer alone quantized: signal-to-noise ratio of the logits"),
    ("snr_db", "All layers quantized: signal-to-noise ratio of each layer's output"),
)


def save_audit_picture(path: Any, document: Mapping[str, Any]) -> None:
    """Write the picture of an audit document as PNG.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OutputError: the file cannot be written.
    """
    from mnist_edge.atomic import write_file

    write_file(path, png(audit_picture(document)))


@in_style
def audit_picture(document: Mapping[str, Any]) -> Any:
    """Draw the signal-to-noise ratios of an audit document; the worst layers are ringed."""
    models: Sequence[Mapping[str, Any]] = document["models"]
    layers, stems = in_order(models), list(groups(models))
    width = min(WIDTHS[1], max(WIDTHS[0], 0.32 * len(layers) + 3))
    figure = new_figure(width, 8)
    panels = figure.subplots(len(PANELS), 1, sharex=True)
    for axes, (key, title) in zip(panels, PANELS, strict=True):
        for place, stem in enumerate(stems):
            for model in groups(models)[stem]:
                _draw(axes, model, key, layers, place)
        axes.set_title(title)
        axes.set_ylabel(f"dB (at most {MOST_DB})")
        axes.grid()
    name = document.get("bundle", "")
    headline(figure, f"{name}: quantized against float, layer by layer".lstrip(": "))
    handles, files = panels[0].get_legend_handles_labels()
    figure.legend(handles, files, ncols=3, loc="outside lower left")
    panels[-1].set_xticks(
        range(len(layers)),
        layers,
        rotation=90 if len(layers) > SLANTED else 40,
        ha="center" if len(layers) > SLANTED else "right",
        rotation_mode="default" if len(layers) > SLANTED else "anchor",
    )
    panels[-1].set_xlabel("Layers in order of computation; a ring: the one that adds most error")
    return figure


def _draw(axes: Any, model: Mapping[str, Any], key: str, layers: Sequence[str], place: int) -> None:
    marks, line, size, fill = LINES[model["format"]]
    colour, mark = COLOURS[place % len(COLOURS)], marks[place % len(marks)]
    points = [
        (layers.index(layer["name"]), min(MOST_DB, layer[key]))
        for layer in model["layers"]
        if layer[key] is not None
    ]
    axes.plot(
        [column for column, _ in points],
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

"""The images whose decision changed: what each shows, and what was said of it before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnist_edge.errors import InputError
from mnist_edge.report.bench_cells import names
from mnist_edge.report.images_of import check_count, check_images, draw_image
from mnist_edge.report.layout import cut
from mnist_edge.report.style import (
    BLUE,
    GREEN,
    RED,
    TEXT,
    TINY,
    caption,
    headline,
    in_style,
    new_figure,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

KINDS = {"to_wrong": ("became wrong", RED), "to_right": ("became right", GREEN),
         "other": ("wrong both ways", BLUE)}  # fmt: skip
COLUMNS = 8
MOST = 16  # images that are shown of models that changed alike
MOST_GROUPS = 6
TALLEST = 2.0  # height of an image over its width: more is drawn smaller
LONGEST = 14  # characters of a label
NAMED, LONGEST_NAME = 3, 36  # rows of the record that a title names, and characters of each


@in_style
def flips(record: Mapping[str, Any], images: NDArray[np.uint8], most: int = MOST) -> Any:
    """Draw the images whose decision changed, those that became wrong first.

    Models whose decisions changed alike share their images.

    Args:
        record: of a bench.
        images: that it is of, uint8 [N,H,W] or [N,H,W,C], in order.
        most: images shown of each; how many there are is told.

    Returns:
        A matplotlib Figure; None where no decision changed, or the record does not say which.

    Raises:
        InputError: they are not the images of the record.
        MissingExtraError: matplotlib is not installed.
    """
    check_count(record, images)
    groups = _groups(record)
    if not groups:
        return None
    check_images(record, images)
    shown = dict(list(groups.items())[:MOST_GROUPS])
    rows = [-(-min(most, len(each)) // COLUMNS) for each in shown]
    height = 0.5 + 1.3 * min(TALLEST, images.shape[1] / images.shape[2])
    heights = [0.5 + height * count for count in rows]
    figure = new_figure(COLUMNS * 1.35, sum(heights) + 0.8)
    left_out = len(groups) - len(shown)
    headline(
        figure,
        "Decisions that are not the reference's"
        + (f" (and {left_out} more models that changed otherwise)" if left_out else ""),
    )
    kinds = [kind for kind in KINDS if any(flip[0] == kind for found in shown for flip in found)]
    unlabelled = all(flip[2] is None for found in shown for flip in found)
    figure.legend(
        handles=[_patch("decision changed" if unlabelled else KINDS[kind][0], KINDS[kind][1])
                 for kind in kinds],
        loc="outside lower left", ncols=len(kinds),
    )  # fmt: skip
    parts = figure.subfigures(len(shown), 1, height_ratios=heights, squeeze=False)[:, 0]
    labels = record.get("labels") or []
    for part, count, (found, where) in zip(parts, rows, shown.items(), strict=True):
        part.suptitle(
            _title(where, found, most), fontsize=TEXT, fontweight="normal", x=0.01, ha="left"
        )
        grid = part.subplots(count, COLUMNS, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for axes, flip in zip(grid.flat, found[:most], strict=False):
            _draw(axes, images, flip, labels)
    return figure


def _patch(words: str, colour: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(color=colour, label=words)


def _groups(record: Mapping[str, Any]) -> dict[tuple[Any, ...], list[str]]:
    """Return the flips, (kind, index, truth, reference, model) each, with who made them."""
    found: dict[tuple[Any, ...], list[str]] = {}
    for row, name in zip(record["results"], names(record["results"]), strict=True):
        given = (row["parity"] or {}).get("flips") or {}
        key = tuple((kind, *flip) for kind in KINDS for flip in given.get(kind) or ())
        if key:
            found.setdefault(key, []).append(f"{name} on {row['runtime']}")
    return {key: list(dict.fromkeys(where)) for key, where in found.items()}


def _title(where: Sequence[str], found: Sequence[tuple[Any, ...]], most: int) -> str:
    counts = [
        f"{count:,} {words}"
        for kind, (words, _) in KINDS.items()
        if (count := sum(flip[0] == kind for flip in found))
    ]
    if all(flip[2] is None for flip in found):
        counts = [f"{len(found):,} decisions changed"]
    shown = f"; the first {most}" if len(found) > most else ""
    more = f" and {len(where) - NAMED} more" if len(where) > NAMED else ""
    named = "; ".join(cut(each, LONGEST_NAME) for each in where[:NAMED])
    return f"{named}{more}: {', '.join(counts)}{shown}"


def _draw(
    axes: Any, images: NDArray[np.uint8], flip: tuple[Any, ...], labels: Sequence[str]
) -> None:
    kind, index, truth, reference, model = flip
    if index >= len(images):
        raise InputError(f"the record speaks of image {index}, and there are {len(images):,}")
    axes.set_axis_on()
    draw_image(axes, images[index])
    before, after = _label(labels, reference), _label(labels, model)
    short = len(before) + len(after) < LONGEST
    lines = [f"{before} → {after}"] if short else [before, f"→ {after}"]
    if truth is not None:
        lines.append(f"true: {_label(labels, truth)}")
    caption(axes, "\n".join([f"image {index}", *lines]), KINDS[kind][1], TINY)


def _label(labels: Sequence[str], index: int) -> str:
    return cut(labels[index], LONGEST) if index < len(labels) else str(index)

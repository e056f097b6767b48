"""Putting labels beside points so that none covers another, a point or the edge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

# Directions to try, the most usual first; then the same further off.
SIDES = (
    (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1), (1, 2), (1, -2), (-1, 2),
    (-1, -2),
)  # fmt: skip
DISTANCES = (6, 14, 24, 36, 50, 66, 84, 104, 126, 150)  # points, from a mark's edge
LEADER = 14  # from here on a line shows which point is meant


def place_labels(
    axes: Any,
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    radii: Sequence[float],
    fontsize: float = 8,
) -> list[Any]:
    """Write a text beside each point of `axes`; to be called last, for it fixes the layout.

    Points that lie upon each other and have the same text share it.

    Args:
        axes: of matplotlib, with all that is to be in it.
        points: in the units of its axes.
        texts: what to write beside each.
        radii: of each point's mark, in typographic points.
        fontsize: of the texts.

    Returns:
        The annotations that were made, in order.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = axes.figure
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    figure.set_layout_engine("none")  # what is measured below stays where it is
    renderer, scale = canvas.get_renderer(), figure.dpi / 72
    inside = axes.get_window_extent(renderer)
    marks = []
    for (x, y), radius in zip(axes.transData.transform(points), radii, strict=True):
        reach = radius * scale
        marks.append((x - reach, y - reach, x + reach, y + reach))
    taken, found = list(marks), []
    written: list[tuple[str, tuple[float, ...]]] = []
    for point, text, mark in zip(points, texts, marks, strict=True):
        if any(text == other and _common(mark, at) > 0 for other, at in written):
            continue
        written.append((text, mark))
        note = axes.annotate(
            text,
            point,
            (0, 0),
            textcoords="offset points",
            fontsize=fontsize,
            zorder=5,
            bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.5},
        )
        size = note.get_window_extent(renderer)
        width, height = size.width + 4, size.height + 2
        box, distance = _free(mark, (width, height), taken, inside, scale)
        centre = axes.transData.transform(point)
        note.set_position(((box[0] + 2 - centre[0]) / scale, (box[1] + 1 - centre[1]) / scale))
        if distance >= LEADER:
            _lead(axes, centre, box)
        taken.append(box)
        found.append(note)
    return found


def _free(
    mark: tuple[float, ...],
    size: tuple[float, float],
    taken: Sequence[tuple[float, ...]],
    inside: Any,
    scale: float,
) -> tuple[tuple[float, float, float, float], float]:
    """Return the nearest box beside a mark that is free, or the one that covers least."""
    best, least = None, float("inf")
    for distance in DISTANCES:
        for across, up in SIDES:
            box = _box(mark, size, across, up, distance * scale)
            covered = sum(_common(box, other) for other in taken)
            covered += size[0] * size[1] - _common(box, inside.extents)
            if covered < 1:
                return box, distance
            if covered < least:
                best, least = (box, distance), covered
    assert best is not None  # noqa: S101 - there are sides and distances
    return best


def _box(
    mark: tuple[float, ...], size: tuple[float, float], across: int, up: int, gap: float
) -> tuple[float, float, float, float]:
    (left, bottom, right, top), (width, height) = mark, size
    x = (
        right + gap
        if across > 0
        else left - gap - width
        if across < 0
        else (left + right - width) / 2
    )
    middle = (bottom + top - height) / 2
    steps = max((top - bottom) / 2, gap)
    y = middle + up * steps if across else top + gap if up > 0 else bottom - gap - height
    return x, y, x + width, y + height


def _common(one: Any, other: Any) -> float:
    """Return the area that two boxes (left, bottom, right, top) have in common."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, float(width)) * max(0.0, float(height))


def _lead(axes: Any, centre: Any, box: tuple[float, float, float, float]) -> None:
    """Draw a thin line from a point to the nearest place of a label's box."""
    ends = [
        (min(max(centre[0], box[0]), box[2]), min(max(centre[1], box[1]), box[3])),
        tuple(centre),
    ]
    (x0, y0), (x1, y1) = axes.transData.inverted().transform(ends)
    axes.plot([x0, x1], [y0, y1], color="grey", linewidth=0.5, zorder=1, scalex=False, scaley=False)

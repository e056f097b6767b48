"""Putting labels beside points so that none covers another, a point or the edge."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    Box = tuple[float, ...]  # left, bottom, right, top, in pixels

# Directions to try, the most usual first; then the same further off.
SIDES = (
    (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1), (1, 2), (1, -2), (-1, 2),
    (-1, -2),
)  # fmt: skip
DISTANCES = (6, 14, 24, 36, 50, 66, 84, 104, 126, 150)  # points, from a mark's edge
LEADER = 14  # from here on a line shows which point is meant
CLEAR = 2.5  # times the gap to its own mark that a label without a line is from any other
STEPS = 50  # points of such a line that are looked at


def place_labels(
    axes: Any,
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    radii: Sequence[float],
    fontsize: float = 8,
) -> list[Any]:
    """Write a text beside each point of `axes`; to be called last, for it fixes the layout.

    A text that is not nearest to its own point by far has a thin line to it.

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
    marks: list[Box] = []
    for (x, y), radius in zip(axes.transData.transform(points), radii, strict=True):
        reach = radius * scale
        marks.append((x - reach, y - reach, x + reach, y + reach))
    taken, found = list(marks), []
    written: list[tuple[str, Box]] = []
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
        others = [
            other
            for other, its in zip(marks, texts, strict=True)
            if not (its == text and _common(mark, other) > 0)
        ]
        box, led = _free(
            mark, (size.width + 4, size.height + 2), taken, others, inside.extents, scale
        )
        centre = axes.transData.transform(point)
        note.set_position(((box[0] + 2 - centre[0]) / scale, (box[1] + 1 - centre[1]) / scale))
        taken.append(box)
        if led:
            _lead(axes, mark, box)
            taken += [(x - 1, y - 1, x + 1, y + 1) for x, y in _leader(mark, box)]
        found.append(note)
    return found


def _free(
    mark: Box,
    size: tuple[float, float],
    taken: Sequence[Box],
    others: Sequence[Box],
    inside: Box,
    scale: float,
) -> tuple[Box, bool]:
    """Return where a label goes, and whether a line must show which mark it is of.

    That is the nearest free box that is nearest to its own mark by far; or else the nearest free
    one that touches no other mark, with a line; or else the one that covers least, with a line.

    Args:
        mark: what it is of.
        size: width and height of the label.
        taken: what it may not cover.
        others: marks that it may not be taken to be of.
        inside: what it may not leave.
        scale: pixels in a typographic point.
    """
    free, best, least = [], None, float("inf")
    for distance in DISTANCES:
        for across, up in SIDES:
            box = _box(mark, size, across, up, distance * scale)
            covered = sum(_common(box, other) for other in taken)
            covered += size[0] * size[1] - _common(box, inside)
            if covered < 1:
                near = min((_gap(box, other) for other in others), default=float("inf"))
                if distance < LEADER and near > CLEAR * max(_gap(box, mark), DISTANCES[0] * scale):
                    return box, False
                free.append((box, near))
            elif covered < least:
                best, least = box, covered
    apart = [box for box, near in free if near > DISTANCES[0] * scale]
    every = [*apart, *(box for box, _near in free), best]
    crossed = [each for each in taken if each != mark]
    straight = (box for box in apart if not _crosses(_leader(mark, box), crossed))
    found = next(straight, every[0])
    assert found is not None  # noqa: S101 - there are sides and distances
    return found, True


def _box(mark: Box, size: tuple[float, float], across: int, up: int, gap: float) -> Box:
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


def _common(one: Box, other: Box) -> float:
    """Return the area that two boxes have in common."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, float(width)) * max(0.0, float(height))


def _gap(one: Box, other: Box) -> float:
    """Return the distance between two boxes; 0 where they touch."""
    across = max(one[0] - other[2], other[0] - one[2], 0.0)
    up = max(one[1] - other[3], other[1] - one[3], 0.0)
    return math.hypot(across, up)


def _leader(mark: Box, box: Box) -> list[tuple[float, float]]:
    """Return points along the line from a mark's centre to the nearest place of a label's box."""
    x0, y0 = (mark[0] + mark[2]) / 2, (mark[1] + mark[3]) / 2
    x1, y1 = min(max(x0, box[0]), box[2]), min(max(y0, box[1]), box[3])
    parts = [step / STEPS for step in range(STEPS)]
    return [(x0 + (x1 - x0) * part, y0 + (y1 - y0) * part) for part in parts]


def _crosses(line: Sequence[tuple[float, float]], boxes: Sequence[Box]) -> bool:
    return any(_common((x, y, x + 1, y + 1), box) for x, y in line for box in boxes)


def _lead(axes: Any, mark: Box, box: Box) -> None:
    """Draw a thin line from the centre of a mark to the nearest place of a label's box."""
    ends = axes.transData.inverted().transform([_leader(mark, box)[0], _leader(mark, box)[-1]])
    (x0, y0), (x1, y1) = ends
    axes.plot(
        [x0, x1], [y0, y1], color="black", linewidth=0.6, zorder=4, scalex=False, scaley=False
    )

"""The charts of a page, each a function from a record to a matplotlib Figure.

Each is drawn twice: for a wide page, and for a phone, where panels stand below each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnist_edge.report.bench_cells import microseconds, names
from mnist_edge.report.bench_pictures import cumulative, logarithmic
from mnist_edge.report.curves import CLOSE, draw_curves
from mnist_edge.report.layout import cut
from mnist_edge.report.placing import place_labels
from mnist_edge.report.style import FAINT, INK, TEXT, look, new_figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Record = Mapping[str, Any]
    History = Sequence[Mapping[str, float]]

WIDE, NARROW = 8.4, 3.9  # inches
MARK = 6.5  # diameter of a mark, in typographic points
LONGEST = 26  # characters of a name


def tradeoff(record: Record, *, narrow: bool = False) -> Any:
    """Draw accuracy (or agreement, without labels) over time, and over size.

    Args:
        record: of a bench.
        narrow: for a phone.

    Returns:
        A matplotlib Figure; None where no row has either.
    """
    every = zip(record["results"], names(record["results"]), strict=True)
    ran = [(row, name) for row, name in every if row["status"] == "ok"]
    labelled = any(row["parity"]["accuracy"] is not None for row, _ in ran)
    key = "accuracy" if labelled else "agreement"
    shown = [(row, cut(name, LONGEST)) for row, name in ran if row["parity"][key] is not None]
    if not shown:
        return None
    figure, (left, right) = _panels(narrow, 3.3)
    _scatter(left, shown, key, [row["latency"]["predict_us"]["p50"] for row, _ in shown])
    _scatter(right, shown, key, [row["bytes"] / 1000 for row, _ in shown])
    left.set_xlabel("µs from image to label, p50 (logarithmic)")
    right.set_xlabel("kB of the file (logarithmic)")
    left.set_title(f"{key.capitalize()} in %, by time")
    right.set_title(f"{key.capitalize()} in %, by size")
    for axes in (left, right):
        low, high = axes.get_ylim()
        axes.set_ylim(low - 0.15 * (high - low), high + 0.15 * (high - low))
    runtimes = dict.fromkeys(row["runtime"] for row, _ in shown)
    for runtime in runtimes:
        colour, mark = look(runtime)
        left.plot([], [], linestyle="", color=colour, marker=mark, markersize=MARK, label=runtime)
    figure.legend(loc="outside lower left", ncols=2 if narrow else 5, handletextpad=0.2)
    for axes, value in ((left, None), (right, "bytes")):
        _label(axes, shown, key, value)
    return figure


def _scatter(
    axes: Any, shown: Sequence[tuple[Any, str]], key: str, across: Sequence[float]
) -> None:
    for x, (row, _name) in zip(across, shown, strict=True):
        colour, mark = look(row["runtime"])
        share, ends = row["parity"][key], row["parity"]["accuracy_ci95"]
        if key == "accuracy" and ends is not None:
            axes.plot([x, x], [100 * each for each in ends], color=colour, linewidth=1, alpha=0.6)
        axes.plot(
            x, 100 * share, color=colour, marker=mark, markersize=MARK, alpha=0.9, zorder=3
        )  # fmt: skip
    logarithmic(axes, across, least=2.2)
    axes.grid(visible=True)


def _label(axes: Any, shown: Sequence[tuple[Any, str]], key: str, by: str | None) -> None:
    points = [
        (
            row[by] / 1000 if by else row["latency"]["predict_us"]["p50"],
            100 * row["parity"][key],
        )
        for row, _ in shown
    ]
    texts = [name for _row, name in shown]
    for note in place_labels(axes, points, texts, [MARK / 2] * len(points), fontsize=TEXT):
        note.set_bbox(None)


def curves(history: History, *, narrow: bool = False) -> Any:
    """Draw loss and accuracy of training and validation over the epochs.

    Args:
        history: a row for each epoch, with shares 0..1.
        narrow: for a phone.
    """
    figure, (loss, accuracy) = _panels(narrow, 2.9)
    draw_curves(loss, accuracy, history, close=2 * CLOSE)
    figure.legend(*loss.get_legend_handles_labels(), loc="outside lower left", ncols=2)
    return figure


def latencies(record: Record, *, narrow: bool = False) -> Any:
    """Draw where the times of each row lie: median, the middle half, and up to p99 and the slowest.

    Args:
        record: of a bench.
        narrow: for a phone: names stand above their lines.

    Returns:
        A matplotlib Figure; None where no row was timed.
    """
    every = zip(record["results"], names(record["results"]), strict=True)
    ran = [(row, cut(name, LONGEST)) for row, name in every if row["status"] == "ok"]
    if not ran:
        return None
    step = 0.62 if narrow else 0.5
    figure = new_figure(NARROW if narrow else WIDE, 0.95 + step * len(ran))
    axes = figure.add_subplot()
    times: list[float] = []
    for place, (row, name) in enumerate(reversed(ran)):
        colour, mark = look(row["runtime"])
        for key, height, weight in (("predict_us", 0.0, 1.0), ("invoke_us", -0.22, 0.5)):
            found = row["latency"][key]
            low, quarter, middle, three, most = _quantiles(found)
            times += [low, found["max"]]
            y = place + height
            axes.plot([low, most], [y, y], color=colour, linewidth=1.2 * weight, alpha=0.7)
            axes.plot([most, found["max"]], [y, y], color=colour, linewidth=0.6, linestyle=":")
            axes.plot(
                [quarter, three], [y, y], color=colour, linewidth=7 * weight,
                solid_capstyle="butt", alpha=0.55,
            )  # fmt: skip
            if key == "predict_us":
                axes.plot(middle, y, marker=mark, color=colour, markersize=MARK, zorder=4)
        image = row["latency"]["predict_us"]
        middles = f"{microseconds(image['p50'])} / {microseconds(image['p99'])}"
        if narrow:
            said = f"{name}, {row['runtime']}: {middles}"
            axes.text(
                0, place + 0.22, said, fontsize=TEXT, va="bottom", color=INK,
                transform=axes.get_yaxis_transform(),
            )  # fmt: skip
        else:
            axes.text(
                1.03, place - 0.08, middles, fontsize=TEXT, va="center", color=FAINT,
                transform=axes.get_yaxis_transform(),
            )  # fmt: skip
    logarithmic(axes, times, fewer=narrow)
    axes.set_ylim(-0.5, len(ran) - 0.25)
    if narrow:
        axes.set_yticks([])
    else:
        axes.set_yticks(
            range(len(ran)), [f"{name}\n{row['runtime']}" for row, name in reversed(ran)]
        )
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.set_xlabel("µs (logarithmic)")
    if narrow:
        axes.set_title("µs: p50 / p99", fontsize=TEXT, color=FAINT, fontweight="normal")
    else:
        axes.text(
            1.03, 1, "p50 / p99", fontsize=TEXT, va="center", color=FAINT, transform=axes.transAxes
        )
    return figure


def _quantiles(timing: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the least, the quartiles and p99 of a timing; what is not known is its median."""
    known = dict(zip(*cumulative(timing), strict=True))
    return tuple(known.get(level, timing["p50"]) for level in (0, 25, 50, 75, 99))


def _panels(narrow: bool, height: float) -> tuple[Any, Any]:
    """Return a figure with two panels, beside each other or below."""
    if narrow:
        figure = new_figure(NARROW, 1.75 * height)
        return figure, figure.subplots(2, 1)
    figure = new_figure(WIDE, height)
    return figure, figure.subplots(1, 2)

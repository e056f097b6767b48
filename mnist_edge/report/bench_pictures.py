"""Pictures of a bench record, each a function from the record to a matplotlib Figure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mnist_edge.atomic import write_file
from mnist_edge.report.bench_cells import microseconds, names
from mnist_edge.report.bench_words import machine
from mnist_edge.report.flips_picture import flips
from mnist_edge.report.layout import cut
from mnist_edge.report.placing import place_labels
from mnist_edge.report.stress_picture import stress_picture
from mnist_edge.report.style import (
    BLUE,
    INK,
    ORANGE,
    RED,
    SMALL,
    headline,
    in_style,
    look,
    new_figure,
    png,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mnist_edge.data import Split

    Record = Mapping[str, Any]
    Row = Mapping[str, Any]

POINTS_A_KB = 1.6  # area of a mark, in typographic points squared, for each kB
AREAS = (20.0, 2500.0)
KNOWN = (50, 90, 99, 100)  # percentiles that a record of revision 1 has
LONGEST = 40  # characters of a name
# Ticks of each power of ten, by how many times the shortest time the longest is.
STEPS = ((8.0, (1, 2, 3, 4, 5, 6, 8)), (3000.0, (1, 2, 5)), (math.inf, (1,)))


def save_bench_pictures(folder: Path, record: Record, split: Split) -> list[Path]:
    """Write accuracy against latency, distributions, flips and stress as PNG; return their paths.

    There is no picture of flips where no decision changed, or the record does not name the images,
    none of accuracy where neither labels nor a reference tell any, and none of stress where models
    were not put under any.

    Args:
        folder: where to.
        record: of a bench.
        split: the images that it is of, in order.

    Raises:
        InputError: other images than the record's.
        MissingExtraError: matplotlib is not installed.
        OutputError: the folder cannot be written to.
    """
    figures = {
        "bench-accuracy.png": accuracy_against_latency(record),
        "bench-latency.png": distributions(record),
        "bench-flips.png": flips(record, split.images),
        "bench-stress.png": stress_picture(record, split),
    }
    paths = []
    for name, figure in figures.items():
        if figure is None:
            (folder / name).unlink(missing_ok=True)  # of an earlier record
        else:
            write_file(folder / name, png(figure))
            paths.append(folder / name)
    return paths


@in_style
def accuracy_against_latency(record: Record) -> Any:
    """Draw accuracy (or agreement, without labels) over time from image to label.

    The area of a mark is the size of the file; bars are Wilson intervals. Returns None where
    nothing is known of the decisions of any row.
    """
    every = zip(record["results"], _names(record), strict=True)
    ran = [(row, name) for row, name in every if row["status"] == "ok"]
    labelled = any(row["parity"]["accuracy"] is not None for row, _ in ran)
    key = "accuracy" if labelled else "agreement"
    shown = [(row, name) for row, name in ran if row["parity"][key] is not None]
    if not shown:
        return None
    figure = new_figure(9.6, 5.6 + 0.12 * max(0, len(shown) - 10))
    axes = figure.add_subplot()
    looks = {row["runtime"]: look(row["runtime"]) for row, _ in shown}
    points, texts, radii = [], [], []
    for row, name in shown:
        (colour, mark), parity = looks[row["runtime"]], row["parity"]
        point = (row["latency"]["predict_us"]["p50"], 100 * parity[key])
        area = min(AREAS[1], max(AREAS[0], POINTS_A_KB * row["bytes"] / 1000))
        axes.scatter(
            *point, s=area, color=colour, alpha=0.55, marker=mark, linewidths=0, zorder=3
        )  # fmt: skip
        interval = parity["accuracy_ci95"] if key == "accuracy" else None
        if interval is not None:
            low, high = (100 * end for end in interval)
            bars = [[max(0.0, point[1] - low)], [max(0.0, high - point[1])]]
            axes.errorbar(*point, yerr=bars, color=colour, capsize=2, linewidth=0.8, zorder=2)
        points.append(point)
        texts.append(f"{name}, {row['bytes'] / 1000:,.0f} kB")
        radii.append(math.sqrt(area) / 2)
    for runtime, (colour, mark) in looks.items():
        axes.scatter([], [], s=40, color=colour, marker=mark, label=runtime)
    logarithmic(axes, [x for x, _ in points])
    low, high = axes.get_ylim()
    axes.set_ylim(low - 0.08 * (high - low), high + 0.08 * (high - low))
    axes.set_xlabel("Image in, label out: µs, p50 (logarithmic)")
    axes.set_ylabel(
        "Accuracy, % (bars: 95 % Wilson interval)" if labelled
        else "Agreement with the reference, % (no labels)"
    )  # fmt: skip
    axes.grid()
    figure.legend(loc="outside lower left", ncols=min(6, len(looks)))
    _titles(figure, axes, record, "Area: size of the file")
    place_labels(axes, points, texts, radii)
    return figure


@in_style
def distributions(record: Record) -> Any:
    """Draw how the times of each row are distributed, cumulatively, with p50 and p99 marked."""
    results = record["results"]
    figure = new_figure(9.6, 1.8 + 0.55 * len(results))
    axes = figure.add_subplot()
    every = []
    for place, row in enumerate(reversed(results)):
        if row["status"] != "ok":
            axes.text(
                0.01, place + 0.4, cut(f"failed: {row['error']}", 100), color=RED, fontsize=SMALL,
                va="center", transform=axes.get_yaxis_transform(),
            )  # fmt: skip
            continue
        for key, colour, line in (("invoke_us", ORANGE, "--"), ("predict_us", BLUE, "-")):
            timing = row["latency"][key]
            levels, times = cumulative(timing)
            every += times
            heights = [place + 0.8 * level / 100 for level in levels]
            marker = "" if timing.get("quantiles") else "o"
            axes.plot(
                times, heights, color=colour, linestyle=line, linewidth=1.2, marker=marker,
                markersize=3,
            )  # fmt: skip
            if key == "predict_us":
                usual = sum(level <= 99 for level in levels)
                axes.fill_between(
                    times[:usual], place, heights[:usual], color=colour, alpha=0.15, linewidth=0
                )
                axes.plot(times[-1], heights[-1], color=colour, marker="|", markersize=7)
                for level in (50, 99):
                    x, y = timing[f"p{level}"], place + 0.8 * level / 100
                    axes.plot([x, x], [place, y], color=colour, linewidth=0.8)
        image = row["latency"]["predict_us"]
        axes.text(
            1.01, place + 0.35, f"{microseconds(image['p50'])} / {microseconds(image['p99'])}",
            fontsize=SMALL, va="center", transform=axes.get_yaxis_transform(),
        )  # fmt: skip
    logarithmic(axes, every)
    axes.text(1.01, len(results) + 0.02, "p50 / p99", fontsize=SMALL, va="center",
              transform=axes.get_yaxis_transform())  # fmt: skip
    axes.set_ylim(-0.1, len(results) + 0.05)
    axes.set_yticks(
        [place + 0.35 for place in range(len(results))],
        [f"{name}\n{row['runtime']}" for row, name in zip(results, _names(record), strict=True)][
            ::-1
        ],
        fontsize=SMALL,
    )
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.set_xlabel("µs (logarithmic); each line ends at the slowest call")
    axes.plot([], [], color=BLUE, label="image in, label out; upright: p50 and p99")
    axes.plot([], [], color=ORANGE, linestyle="--", label="call of the runtime")
    figure.legend(loc="outside lower left", ncols=2)
    _titles(figure, axes, record, "Share of calls that took no longer, 0 to 100 % in each row")
    return figure


def cumulative(timing: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """Return percentiles, 0..100, and the times in µs that they are at."""
    quantiles = timing.get("quantiles")
    if quantiles:
        return [float(level) for level in range(101)], list(quantiles)
    return list(map(float, KNOWN)), [timing["p50"], timing["p90"], timing["p99"], timing["max"]]


def logarithmic(
    axes: Any, times: Sequence[float], least: float = 1.25, *, fewer: bool = False
) -> None:
    """Have 1, 2, 5, 10, 20, ... as ticks, as plain numbers, with room beside the marks.

    Args:
        axes: of matplotlib.
        times: what is drawn along x.
        least: times that the axis goes on beyond the marks, at the least.
        fewer: of the ticks, for a picture that is not wide.
    """
    from matplotlib.ticker import FixedLocator, NullLocator

    axes.set_xscale("log")
    if not times:
        return
    low, high = min(times), max(times)
    room = max(least, (high / low) ** 0.08, 2 * math.sqrt(low / high))
    axes.set_xlim(low / room, high * room)
    if fewer:
        steps: tuple[float, ...] = (1, 2, 5) if high / low < 30 else (1,)
    else:
        steps = next(steps for widest, steps in STEPS if high / low < widest)
    lowest, highest = math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1
    ticks = [step * 10.0**power for power in range(lowest, highest) for step in steps]
    shown = [tick for tick in ticks if low / room <= tick <= high * room]
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([f"{tick:,.10g}" for tick in shown])


def _titles(figure: Any, axes: Any, record: Record, what: str) -> None:
    dataset = record["dataset"]
    headline(
        figure, f"{dataset['samples']:,} test images of {dataset['name']}, on {machine(record)}"
    )
    verdict = "Timings: VALID" if record["valid"] else "Timings: INVALID, a first look"
    axes.set_title(verdict, color=INK if record["valid"] else RED, fontweight="bold")
    axes.set_title(what, loc="right")


def _names(record: Record) -> list[str]:
    several = len({row["threads"] for row in record["results"]}) > 1
    return [
        cut(name, LONGEST) + (f" ×{row['threads']}" if several else "")
        for row, name in zip(record["results"], names(record["results"]), strict=True)
    ]

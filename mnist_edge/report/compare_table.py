"""A comparison of two bench records: for the terminal, and in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_edge.bench.pairs import STARTS, TIMINGS
from mnist_edge.bench.ratios import percent
from mnist_edge.report.bench_cells import microseconds, milliseconds
from mnist_edge.report.layout import Column, Row, fold, lay_out, markdown

if TYPE_CHECKING:
    from rich.text import Text

    from mnist_edge.bench.compare import Comparison
    from mnist_edge.bench.pairs import Pair
    from mnist_edge.bench.ratios import Ratio

WORDS = {
    "invoke_us": "call µs", "predict_us": "image µs", "import_ms": "import ms",
    "load_ms": "load ms", "first_ms": "first ms",
}  # fmt: skip
SAID = {"no difference shown": "not shown", "no interval": "not known"}
OVER = "over limit"
STYLES = {"slower": "red", "faster": "green", OVER: "red"}
COLUMNS = (
    Column(("Model", "on runtime"), left=True),
    Column(("Time", ""), left=True),
    Column(("Old", "")),
    Column(("New", "")),
    Column(("Change", "%")),
    Column(("95 % interval", "%"), spare=1),
    Column(("Difference", ""), left=True),
)


def compare_output(found: Comparison, width: int = 80, *, wide: bool = False) -> list[Text | str]:
    """Return all that is to be printed of a comparison, in order.

    Args:
        found: the comparison.
        width: of the terminal.
        wide: show every time of starting up, and not only those that differ.
    """
    limit = found.max_regression
    rows = [row for pair in found.pairs for row in _rows(pair, limit, wide)]
    said = {row.cells[-1] for row in rows if len(row.cells) == len(COLUMNS)}
    words = filter(None, (_legend(said, limit), *_changes(found)))
    lines = [line for each in words for line in fold(each, width)]
    return [lay_out(COLUMNS, rows, width), "", *lines, "", *_after(found, width)]


def _legend(said: set[str], limit: float) -> str:
    """Explain the words that a table has, and no others."""
    found = []
    if said:
        found.append("Call: set, run and get in the runtime, p50. Image: image in, label out, p50.")
    if "not shown" in said:
        found.append("Not shown: the interval has 0 in it.")
    if said & {"not shown", "slower", "faster"}:
        found.append(
            "An interval holds what varies between launches and rounds of these two runs; what "
            "varies from day to day it cannot."
        )
    if "not known" in said:
        found.append("Not known: too few launches for an interval; the change itself is judged.")
    if OVER in said:
        found.append(f"Over limit: beyond {limit:+g} %, by the change itself, without an interval.")
    return " ".join(found)


def compare_markdown(found: Comparison) -> str:
    """Return a comparison as Markdown: verdict, table, what else changed and what to mind."""
    columns = (
        Column(("Model", ""), left=True),
        Column(("Runtime", ""), left=True),
        *(Column((WORDS[key].capitalize(), "")) for key in TIMINGS),
    )
    rows = []
    for pair in found.pairs:
        cells = [_markdown_cell(key, pair.ratios.get(key), found.max_regression) for key in TIMINGS]
        rows.append(
            Row((f"`{_name(pair)}`", _runtime(pair), *(cells if pair.ratios else [_why(pair)])))
        )
    passed = "no regression" if found else "REGRESSED"
    return "\n".join(
        [
            f"**{passed.capitalize() if found else passed}** (limit {found.max_regression:+g} %). "
            "Ratios of p50 as percent, with 95 % intervals; without one the ratio is judged.",
            "",
            *markdown(columns, rows),
            "",
            *(f"- {line}" for line in (*found.regressions(), *_changes(found), *_notes(found))),
        ]
    )


def _word(key: str, each: Ratio, limit: float) -> str:
    """Return what is said of a time: without an interval nothing, unless it is beyond the limit."""
    if each.interval is None and key in TIMINGS and each.exceeds(limit):
        return OVER
    return SAID.get(each.verdict, each.verdict)


def _rows(pair: Pair, limit: float, wide: bool) -> list[Row]:
    if not pair.ratios:
        return [Row((_name(pair), _why(pair)), "red"), Row((f" on {_runtime(pair)}", ""))]
    keys = [key for key in TIMINGS if key in pair.ratios]
    keys += [
        key for key in STARTS if key in pair.ratios and (wide or pair.ratios[key].verdict in STYLES)
    ]
    names = [_name(pair), f" on {_runtime(pair)}", *[""] * len(keys)]
    said = [_word(key, pair.ratios[key], limit) for key in keys]
    return [
        Row((name, WORDS[key], *_cells(key, pair.ratios[key]), word), STYLES.get(word, ""))
        for name, key, word in zip(names, keys, said, strict=False)
    ]


def _cells(key: str, each: Ratio) -> tuple[str, ...]:
    time = milliseconds if key in STARTS else microseconds
    interval = "none"
    if each.interval is not None:
        low, high = (100 * (end - 1) for end in each.interval)
        interval = f"{low:+.1f} to {high:+.1f}"
    return time(each.old), time(each.new), f"{100 * (each.value - 1):+.1f}", interval


def _markdown_cell(key: str, each: Ratio | None, limit: float) -> str:
    if each is None:
        return ""
    word = _word(key, each, limit)
    text = f"{microseconds(each.old)} → {microseconds(each.new)}, {percent(each)}"
    return f"**{text}, {word}**" if word in STYLES else text


def _name(pair: Pair) -> str:
    return f"{pair.key.bundle}/{pair.key.model}" if pair.key.bundle else pair.key.model


def _runtime(pair: Pair) -> str:
    many = pair.key.threads > 1
    return f"{pair.key.runtime}, {pair.key.threads} threads" if many else pair.key.runtime


def _why(pair: Pair) -> str:
    if pair.error is None:
        return f"runs now; it failed before: {pair.error_before}"
    return f"failed{'' if pair.error_before is None else ', as before'}: {pair.error}"


def _changes(found: Comparison) -> list[str]:
    """Say what changed but time, a line for all rows that changed alike."""
    said: dict[str, list[str]] = {}
    for pair in found.pairs:
        parts = []
        for word, points in (
            ("accuracy", pair.accuracy_points), ("agreement", pair.agreement_points)
        ):  # fmt: skip
            if points is not None and abs(points) > 1e-9:
                parts.append(f"{word} {points:+.2f} points")
        if pair.bytes_change:
            before = pair.bytes_now - pair.bytes_change
            parts.append(f"size {before:,} to {pair.bytes_now:,} bytes")
        before_version, now = pair.runtime_versions
        if before_version is not None and now is not None and before_version != now:
            parts.append(f"{pair.key.runtime} {before_version} to {now}")
        if parts:
            said.setdefault(", ".join(parts), []).append(f"{_name(pair)} on {_runtime(pair)}")
    if said:
        return [f"{'; '.join(names)}: {what}" for what, names in said.items()]
    known = any(pair.accuracy_points is not None for pair in found.pairs)
    return [f"{'Accuracy, agreement and size' if known else 'Size'}: no change."]


def _notes(found: Comparison) -> list[str]:
    lines = [f"compared all the same: {each}" for each in found.differences]
    lines += [
        f"only in OLD, as NEW was of other runtimes or threads: {each}" for each in found.only_old
    ]
    lines += [f"only in NEW: {each}" for each in found.only_new]
    return lines + list(found.notes)


def _after(found: Comparison, width: int) -> list[str]:
    notes, regressions = _notes(found), found.regressions()
    lines = ["Mind:", *(f"- {each}" for each in notes)] if notes else []
    lines += ["REGRESSED:" if regressions else f"No regression beyond {found.max_regression:+g} %."]
    lines += [f"- {each}" for each in regressions]
    return [line for each in lines for line in fold(each, width)]

"""The models of a bundle beside their float ones: from the bench record, else the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mnist_edge.bench.pairs import by_launch
from mnist_edge.bench.ratios import ratio
from mnist_edge.report import bench_cells as cells
from mnist_edge.report.layout import Column, Row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mnist_edge.report.page.material import Material

    Figures = Mapping[str, Any]

ABOUT = 1.005  # times: what differs less is as large, or as fast


class ModelRow(NamedTuple):
    """What the table tells of one model on one runtime, as text; empty where it is not known.

    Attributes:
        name: shortest that tells it apart.
        runtime: and how many threads, where there are several.
        size: of the file, kB.
        smaller: than the float32 file of its format, such as 3.6 times.
        accuracy: on the test images, with its interval, percent.
        change: of accuracy against the reference, points.
        change_ci: 95 % interval of it.
        agreement: with the reference, percent.
        flips: decisions that became wrong and right.
        p50: from image to label, µs.
        p99: of the same.
        faster: than the float32 file of its format on the same runtime.
        faster_ci: 95 % interval of it.
        failed: why there are no numbers.
        gate: what falls below its gate.
    """

    name: str
    runtime: str
    size: str = ""
    smaller: str = ""
    accuracy: str = ""
    change: str = ""
    change_ci: str = ""
    agreement: str = ""
    flips: str = ""
    p50: str = ""
    p99: str = ""
    faster: str = ""
    faster_ci: str = ""
    failed: str = ""
    gate: str = ""


COLUMNS = {
    "size": ("Size", "kB"), "smaller": ("Smaller", "than float32"), "accuracy": ("Accuracy", "%"),
    "change": ("Change", "points"), "agreement": ("Agrees", "%"),
    "flips": ("Flips", "wrong/right"), "p50": ("Image", "µs, p50"), "p99": ("Image", "µs, p99"),
    "faster": ("Faster", "than float32"),
}  # fmt: skip


def model_rows(material: Material) -> list[ModelRow]:
    """Return a row for each result of the bench, or without one for each model of the manifest."""
    if material.record is None:
        return [_of_manifest(material, entry) for entry in material.bundle.models]
    results = material.record["results"]
    several = len({row["threads"] for row in results}) > 1
    found = []
    for row, name in zip(results, cells.names(results), strict=True):
        runtime = row["runtime"] + (f" ×{row['threads']}" if several else "")
        if row["status"] != "ok":
            found.append(ModelRow(name, runtime, cells.kilobytes(row), failed=row["error"] or ""))
            continue
        image = row["latency"]["predict_us"]
        found.append(
            ModelRow(
                name,
                runtime,
                **_sizes_and_decisions(row, _float_of(row, results)),
                p50=cells.microseconds(image["p50"]),
                p99=cells.microseconds(image["p99"]),
                gate="; ".join(row["gate_failures"]),
                **_faster(row, _float_of(row, results)),
            )
        )
    return found


def shown(rows: list[ModelRow]) -> list[str]:
    """Return the columns in which some row has something."""
    return [key for key in COLUMNS if any(getattr(row, key) for row in rows)]


def as_table(rows: list[ModelRow]) -> tuple[list[Column], list[Row]]:
    """Return the rows as `layout` has tables."""
    keys = shown(rows)
    columns = [*cells.NAMES, *(Column(COLUMNS[key]) for key in keys)]
    return columns, [
        Row((f"`{row.name}`", row.runtime, f"failed: {row.failed}"))
        if row.failed
        else Row((f"`{row.name}`", row.runtime, *(_with_interval(row, key) for key in keys)))
        for row in rows
    ]


def _with_interval(row: ModelRow, key: str) -> str:
    value, interval = getattr(row, key), getattr(row, f"{key}_ci", "")
    return f"{value} ({interval})" if interval else value


def best_row(material: Material, kinds: tuple[str, ...]) -> Figures | None:
    """Return the fastest result of the record that ran and is quantized in one of some ways."""
    results = material.record["results"] if material.record else []
    ran = [row for row in results if row["status"] == "ok" and row["quantization"] in kinds]
    return min(ran, key=lambda row: float(row["latency"]["predict_us"]["p50"]), default=None)


def float_beside(material: Material, row: Figures) -> Figures | None:
    """Return the float32 result of the same format, runtime and threads, if there is one."""
    return _float_of(row, material.record["results"] if material.record else [])


def speedup(row: Figures, other: Figures) -> tuple[float, tuple[float, float] | None]:
    """Return how many times as fast a row is as another from image to label, and its interval."""
    old, new = (each["latency"]["predict_us"] for each in (row, other))
    found = ratio(old["p50"], new["p50"], by_launch(old), by_launch(new))
    return found.value, found.interval


def _float_of(row: Figures, results: list[Figures]) -> Figures | None:
    if row["quantization"] == "float32":
        return None
    for other in results:
        same = all(other[key] == row[key] for key in ("format", "runtime", "threads", "bundle"))
        if same and other["status"] == "ok" and other["quantization"] == "float32":
            return other
    return None


def _of_manifest(material: Material, entry: Any) -> ModelRow:
    name = cells.short_name({"model": entry.file, "quantization": entry.quantization})
    beside = [
        {"bytes": each.bytes}
        for each in material.bundle.models
        if (each.format, each.quantization) == (entry.format, "float32") and each != entry
    ]
    usual = {"accuracy": None, "accuracy_ci95": None, "agreement": None, "flips_to_wrong": None,
             "flips_to_right": None}  # fmt: skip
    row = {"bytes": entry.bytes, "quantization": entry.quantization,
           "parity": {**usual, **entry.parity}}  # fmt: skip
    if entry.format == "keras" and not entry.parity:
        row["parity"]["accuracy"] = material.training.get("test_accuracy")
    quantized = entry.quantization != "float32"
    found = _sizes_and_decisions(row, beside[0] if quantized and beside else None)
    return ModelRow(name, entry.parity.get("runtime", ""), **found)


def _sizes_and_decisions(row: Figures, beside: Figures | None) -> dict[str, str]:
    parity = row["parity"]
    found = {
        "size": cells.kilobytes(row),
        "smaller": "" if beside is None else times(beside["bytes"] / row["bytes"]),
        "accuracy": cells.accuracy(row),
        "agreement": cells.agreement(row),
    }
    wrong, right = parity["flips_to_wrong"], parity["flips_to_right"]
    if wrong is not None and right is not None:
        found["flips"] = f"{wrong}/{right}"
    drop = parity.get("drop")
    if drop is not None:
        found["change"] = points(-drop)
        ends = parity.get("drop_ci95")
        found["change_ci"] = f"{points(-ends[1])} to {points(-ends[0])}" if ends else ""
    return found


def _faster(row: Figures, beside: Figures | None) -> dict[str, str]:
    if beside is None:
        return {}
    value, interval = speedup(row, beside)
    ends = f"{interval[0]:.2f} to {interval[1]:.2f}" if interval else ""
    return {"faster": f"{value:.2f}×", "faster_ci": ends}


def times(value: float) -> str:
    """Return how many times, with the sign for it."""
    return f"{value:.1f}×" if value >= 1 / ABOUT else f"{value:.2f}×"


def points(value: float) -> str:
    """Return percentage points with their sign, and a true minus."""
    text = f"{value + 0.0:+.2f}"
    return "0.00" if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")

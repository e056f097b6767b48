"""A bench record as CSV: one row a result, units in the names, always the same columns."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from mnist_edge.report.bench_cells import best_batch, judged

if TYPE_CHECKING:
    from collections.abc import Mapping

    Row = Mapping[str, Any]

OF_RECORD = ("created", "version", "valid")
OF_MACHINE = ("board", "processor", "architecture", "cores", "governor", "python")
OF_ROW = (
    "bundle", "model", "format", "quantization", "runtime", "runtime_version", "threads", "status",
    "error", "bytes", "reference",
)  # fmt: skip
OF_PARITY = (
    "samples", "accuracy", "accuracy_low", "accuracy_high", "reference_accuracy", "drop_points",
    "drop_low_points", "drop_high_points", "agreement", "flips_to_wrong", "flips_to_right",
    "mcnemar_p", "max_abs_diff", "mean_abs_diff", "calibration_error",
    "reference_calibration_error", "worst_class", "worst_class_change_points",
)  # fmt: skip
PARTS = ("p50", "p90", "p99", "p99_9", "max", "mad")  # of a timing, in µs
TIMINGS = {"invoke": "invoke_us", "predict": "predict_us"}
OF_LATENCY = (
    *(f"{name}_{part}_us" for name in TIMINGS for part in PARTS),
    *(f"{name}_{part}" for name in TIMINGS for part in ("calls", "p50_spread")),
    "import_ms", "load_ms", "first_ms", "images_per_s", "best_batch_size",
    "best_batch_images_per_s",
)  # fmt: skip
OF_MEMORY = ("rss_mb", "peak_mb")
COLUMNS = (
    *OF_RECORD, "dataset", *OF_MACHINE, *OF_ROW, *OF_PARITY, "judged", "gate_failures", *OF_LATENCY,
    *OF_MEMORY,
)  # fmt: skip


def bench_csv(record: Mapping[str, Any]) -> str:
    """Return a record as CSV with a head line; what is not known is empty. Shares are 0..1."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    head = {key: record.get(key) for key in OF_RECORD} | {"dataset": record["dataset"]["name"]}
    head |= {key: record["machine"].get(key) for key in OF_MACHINE}
    for row in record["results"]:
        found = head | {key: row.get(key) for key in OF_ROW}
        found["judged"] = judged(row)
        found["gate_failures"] = "; ".join(row["gate_failures"])
        if row["status"] == "ok":
            found |= _parity(row["parity"]) | _latency(row["latency"])
            found |= {key: row["memory"].get(key) for key in OF_MEMORY}
        writer.writerow(found)
    return text.getvalue()


def _parity(parity: Row) -> dict[str, Any]:
    interval, drop = (parity.get(key) or (None, None) for key in ("accuracy_ci95", "drop_ci95"))
    worst = parity.get("worst_class") or {}
    return {key: parity.get(key) for key in OF_PARITY} | {
        "accuracy_low": interval[0],
        "accuracy_high": interval[1],
        "drop_points": parity.get("drop"),
        "drop_low_points": drop[0],
        "drop_high_points": drop[1],
        "worst_class": worst.get("label"),
        "worst_class_change_points": worst.get("change"),
    }


def _latency(latency: Row) -> dict[str, Any]:
    found = {key: latency.get(key) for key in OF_LATENCY}
    for name, key in TIMINGS.items():
        timing = latency[key]
        found |= {f"{name}_{part}_us": timing.get(part.replace("_", ".")) for part in PARTS}
        found |= {f"{name}_calls": timing["n"], f"{name}_p50_spread": timing["p50_spread"]}
    best = best_batch(latency) or {}
    return found | {
        "best_batch_size": best.get("size"),
        "best_batch_images_per_s": best.get("images_per_s"),
    }

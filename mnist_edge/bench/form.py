"""The form of a bench record, as far as those who read one rely on it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from mnist_edge.errors import InputError

# A form is one of these words, [form] for a list, (form, form) for a list of so many, or a dict of
# forms by key. A key that ends in `?` may be absent, and its value may be None.
NUMBER, COUNT, POSITIVE, SHARE, TEXT, TRUTH, ANY = (
    "a number", "a whole number, 0 or more", "a number above 0", "a number, 0 to 1", "text",
    "true or false", "anything",
)  # fmt: skip


class Maybe(NamedTuple):
    """A form, or None."""

    form: Any


class Several(NamedTuple):
    """A list of a form, or one of it alone."""

    form: Any


_TIMING = {
    "p50": POSITIVE, "p90": POSITIVE, "p99": POSITIVE, "max": POSITIVE, "n": COUNT,
    "p50_spread": NUMBER, "p99.9?": POSITIVE, "mad?": NUMBER,
    "rounds?": [(COUNT, POSITIVE, COUNT)], "quantiles?": (POSITIVE,) * 101,
}  # fmt: skip
_FLIPS = [(COUNT, Maybe(COUNT), COUNT, COUNT)]
_PARITY = {
    "samples": COUNT, "accuracy": Maybe(SHARE), "accuracy_ci95": Maybe((SHARE, SHARE)),
    "reference_accuracy": Maybe(SHARE), "agreement": Maybe(SHARE),
    "flips_to_wrong": Maybe(COUNT), "flips_to_right": Maybe(COUNT), "mcnemar_p": Maybe(SHARE),
    "max_abs_diff": Maybe(NUMBER), "mean_abs_diff?": NUMBER, "per_class?": [Maybe(SHARE)],
    "drop?": NUMBER, "drop_ci95?": (NUMBER, NUMBER), "reference_per_class?": [Maybe(SHARE)],
    "class_change?": [Maybe(NUMBER)],
    "worst_class?": {"index": COUNT, "label": TEXT, "change": NUMBER},
    "calibration_error?": NUMBER, "reference_calibration_error?": NUMBER,
    "flips?": {"to_wrong": _FLIPS, "to_right": _FLIPS, "other": _FLIPS},
    "invariants?": [TEXT],
}  # fmt: skip
_LATENCY = {
    "invoke_us": _TIMING, "predict_us": _TIMING, "import_ms": NUMBER, "load_ms": NUMBER,
    "first_ms": NUMBER, "images_per_s": NUMBER,
    "launches?": [{"import_ms": NUMBER, "load_ms": NUMBER, "first_ms": NUMBER}],
    "batches?": [{"size": COUNT, "p50_us": POSITIVE, "images_per_s": NUMBER}],
    "sustained?": [
        {"minute": COUNT, "p50": POSITIVE, "p95": POSITIVE, "n": COUNT,
         "temperature_c?": NUMBER, "mhz?": NUMBER, "seconds?": NUMBER}
    ],
}  # fmt: skip
_SCORE = {"accuracy": SHARE, "accuracy_ci95": (SHARE, SHARE), "calibration_error": SHARE}
_STRESS = {
    "clean": _SCORE,
    "corruptions": [{
        "name": TEXT, "unit": TEXT, "levels": [{"amount": NUMBER, **_SCORE}],
        "mean_accuracy": SHARE,
    }],
    "mean_accuracy": SHARE, "mean_calibration_error": SHARE,
    "worst": {"name": TEXT, "unit": TEXT, "amount": NUMBER, "accuracy": SHARE},
    "non_digits": {
        "thresholds": [SHARE], "digits_below": [SHARE],
        "sets": [{
            "name": TEXT, "samples": COUNT, "below?": [SHARE], "auroc?": SHARE, "missing?": TEXT,
        }],
    },
}  # fmt: skip
_GATE = {"max_drop": NUMBER, "min_agreement": NUMBER, "max_class_drop?": NUMBER}
_ROW = {
    "model": TEXT, "bundle": Maybe(TEXT), "reference": Maybe(TEXT), "format": TEXT,
    "quantization": TEXT, "runtime": TEXT, "runtime_version?": TEXT, "threads": COUNT,
    "status": TEXT, "error": Maybe(TEXT), "bytes": COUNT,
    "parity": Maybe(_PARITY), "gate?": _GATE, "gate_failures": [TEXT],
    "gate_notes?": [TEXT],
    "latency": Maybe(_LATENCY), "memory": Maybe({"rss_mb?": NUMBER, "peak_mb?": NUMBER}),
    "stress?": _STRESS,
}  # fmt: skip
_SETTINGS = {
    "runtimes?": [TEXT], "threads?": Several(COUNT), "max_drop?": NUMBER,
    "min_agreement?": NUMBER, "max_class_drop?": NUMBER,
}  # fmt: skip
RECORD = {
    "schema": COUNT, "revision?": COUNT, "created?": TEXT, "version?": TEXT,
    "machine": {
        "system?": TEXT, "architecture?": TEXT, "processor?": TEXT, "cores?": COUNT,
        "memory_mb?": NUMBER, "governor?": TEXT, "python?": TEXT, "board?": TEXT,
    },
    "dataset": {
        "name": TEXT, "sha256?": TEXT, "split?": TEXT, "samples": COUNT, "images_sha256?": TEXT,
    },
    "reference?": TEXT, "labels?": [TEXT], "settings": _SETTINGS, "valid": TRUTH,
    "invalid_reasons": [TEXT], "unchecked?": [TEXT],
    "checks?": [{"name": TEXT, "status": TEXT, "value?": ANY, "reason?": TEXT, "remedy?": TEXT}],
    "results": [_ROW],
}  # fmt: skip


def check(value: Any, form: Any = RECORD, where: str = "the record") -> None:
    """Make sure that a document from JSON has a form.

    Args:
        value: the document, or a part of it.
        form: what it is to be.
        where: the part is, for the message.

    Raises:
        InputError: it has not: the first place that differs is named.
    """
    if isinstance(form, Maybe):
        if value is not None:
            check(value, form.form, where)
    elif isinstance(form, Several):
        check(value if isinstance(value, list) else [value], [form.form], where)
    elif isinstance(form, dict):
        _check_dict(value, form, where)
    elif isinstance(form, (list, tuple)):
        _check_list(value, form, where)
    elif not _is(value, form):
        shown = repr(value)
        raise InputError(f"{where} is {shown[:40]}{'...' * (len(shown) > 40)}; wanted {form}")


def _check_dict(value: Any, form: dict[str, Any], where: str) -> None:
    if not isinstance(value, dict):
        raise InputError(f"{where} is a {type(value).__name__}; wanted an object with names")
    for name, each in form.items():
        key = name.removesuffix("?")
        if key not in value and key == name:
            raise InputError(f"{where} has no {key!r}")
        if value.get(key) is not None or key == name:
            check(value[key], each, f"{key!r} of {where}")


def _check_list(value: Any, form: Any, where: str) -> None:
    if not isinstance(value, list):
        raise InputError(f"{where} is a {type(value).__name__}; wanted a list")
    if isinstance(form, tuple) and len(value) != len(form):
        raise InputError(f"{where} has {len(value)} items; wanted {len(form)}")
    forms = form if isinstance(form, tuple) else form * len(value)
    for place, (each, item) in enumerate(zip(forms, value, strict=True)):
        check(item, each, f"item {place} of {where}")


def _is(value: Any, form: str) -> bool:
    if form in (TEXT, TRUTH):
        return isinstance(value, str if form == TEXT else bool)
    if form == ANY:
        return True
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    if not (abs(value) < 1e300 and math.isfinite(value)):
        return False
    if form == COUNT:
        return isinstance(value, int) and value >= 0
    return {NUMBER: True, POSITIVE: value > 0, SHARE: 0 <= value <= 1}[form]

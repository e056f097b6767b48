"""Bench records that were never measured: of any size, the same on every machine."""

import copy
import hashlib
import json
import random
from pathlib import Path

import numpy as np

OLD = Path(__file__).parent / "bench" / "revision_1.json"
FIRST = OLD.with_name("revision_1_first.json")  # the first that this repository had, two rows of it
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def timing(middle, seed=0, launches=5, rounds=4, calls=500, between=0.01, within=0.005):
    """A timing whose p50 is about `middle` µs and differs by launch and by round."""
    random = np.random.default_rng([seed, int(1000 * middle)])
    found, times = [], []
    for launch in range(launches):
        pace = middle * np.exp(between * random.standard_normal())
        for _ in range(rounds):
            each = pace * np.exp(within * random.standard_normal())
            samples = each * (1 + random.gamma(0.5, 0.06, calls) - 0.014)
            samples[random.random(calls) < 0.002] *= 6
            found.append([launch, round(float(np.median(samples)), 3), calls])
            times.append(samples)
    every = np.concatenate(times)
    quantiles = [round(float(each), 3) for each in np.percentile(every, range(101))]
    p999 = round(float(np.percentile(every, 99.9)), 3) if len(every) >= 1000 else None
    middles = [each[1] for each in found]
    return {
        "p50": quantiles[50], "p90": quantiles[90], "p99": quantiles[99], "p99.9": p999,
        "max": quantiles[100], "mad": round(float(np.median(abs(every - quantiles[50]))), 3),
        "n": len(every), "p50_spread": round(max(middles) / min(middles), 3),
        "rounds": found, "quantiles": quantiles,
    }  # fmt: skip


def latency(call, image, seed=0, **changed):
    random = np.random.default_rng(seed)
    launches = [
        {
            "import_ms": round(80 + random.gamma(2, 3), 2),
            "load_ms": round(2 + random.gamma(2, 0.1), 2),
            "first_ms": round(0.2 + random.gamma(2, 0.02), 3),
        }
        for _ in range(5)
    ]
    batches = [
        {"size": size, "p50_us": round(image * size**0.9, 2),
         "images_per_s": round(1e6 / image * size**0.1, 1)}
        for size in SIZES
    ]  # fmt: skip
    return {
        "invoke_us": timing(call, seed, **changed),
        "predict_us": timing(image, seed + 1, **changed),
        **{key: float(np.median([each[key] for each in launches])) for key in launches[0]},
        "launches": launches,
        "images_per_s": batches[-1]["images_per_s"],
        "batches": batches,
        "sustained": None,
    }


def parity(accuracy=0.9961, to_wrong=(), to_right=(), other=(), samples=10_000, labelled=True):
    """What a model with these flips, [index, truth, reference, model] each, would be told of."""
    flips = len(to_wrong) + len(to_right) + len(other)
    found = {
        "samples": samples, "accuracy": accuracy,
        "accuracy_ci95": [accuracy - 0.0014, accuracy + 0.0011],
        "reference_accuracy": accuracy + (len(to_wrong) - len(to_right)) / samples,
        "agreement": 1 - flips / samples,
        "flips_to_wrong": len(to_wrong), "flips_to_right": len(to_right),
        "mcnemar_p": 1.0, "max_abs_diff": 0.0123, "mean_abs_diff": 1e-5,
        "per_class": [accuracy] * 10,
        "drop": 100 * (len(to_wrong) - len(to_right)) / samples, "drop_ci95": [-0.02, 0.03],
        "reference_per_class": [accuracy] * 10, "class_change": [0.0] * 10,
        "worst_class": {"index": 7, "label": "7", "change": -0.1} if to_wrong else None,
        "calibration_error": 0.0012, "reference_calibration_error": 0.0011,
        "flips": {"to_wrong": list(to_wrong), "to_right": list(to_right), "other": list(other)},
        "invariants": [],
    }  # fmt: skip
    if not labelled:
        known = ("samples", "agreement", "max_abs_diff", "mean_abs_diff", "invariants")
        changed = [[index, None, *rest] for index, _, *rest in (*to_wrong, *to_right, *other)]
        found = {key: found[key] if key in known else None for key in found}
        found["flips"] = {"to_wrong": [], "to_right": [], "other": changed}
    return found


KINDS = (
    ("noise", "levels", (25, 50, 75)), ("blur", "px", (0.5, 1, 1.5)),
    ("thin strokes", "px a side", (0.25, 0.5, 0.75)),
    ("thick strokes", "px a side", (0.5, 0.75, 1)), ("low contrast", "% left", (50, 30, 15)),
    ("shift", "px", (2, 4, 6)), ("rotation", "°", (10, 20, 30)), ("smaller", "%", (85, 70, 55)),
    ("larger", "%", (115, 130, 145)),
)  # fmt: skip


def score(accuracy):
    interval = [max(0, accuracy - 0.004), min(1, accuracy + 0.003)]
    return {"accuracy": accuracy, "accuracy_ci95": interval, "calibration_error": 0.03}


def stress(accuracy=0.99, missing=None):
    """What --stress would tell of a model that loses 0.06 with each severity of each kind."""
    levels = [score(round(accuracy - 0.06 * step, 4)) for step in range(3)]
    kinds = [
        {"name": name, "unit": unit, "mean_accuracy": levels[1]["accuracy"],
         "levels": [{"amount": each, **level} for each, level in zip(amounts, levels, strict=True)]}
        for name, unit, amounts in KINDS
    ]  # fmt: skip
    found = {"samples": 1000, "below": [0.1, 0.4, 0.6], "auroc": 0.93, "missing": None}
    lost = {"samples": 0, "below": None, "auroc": None, "missing": missing}
    sets = [{"name": "uniform noise", **found}, {"name": "letters", **found},
            {"name": "fashion items", **(lost if missing else found)}]  # fmt: skip
    worst = {"name": "noise", "unit": "levels", "amount": 75, "accuracy": levels[2]["accuracy"]}
    return {
        "clean": score(0.9961), "corruptions": kinds, "mean_accuracy": levels[1]["accuracy"],
        "mean_calibration_error": 0.03, "worst": worst,
        "non_digits": {
            "thresholds": [0.5, 0.9, 0.99], "digits_below": [0.0005, 0.0109, 0.0365], "sets": sets
        },
    }  # fmt: skip


def row(model="edge-int8.tflite", runtime="litert", call=7.3, image=7.7, **changed):
    stem, _, form = model.rpartition(".")
    named = stem.rpartition("-")[2]
    return {
        "model": model, "bundle": "artifacts/edge", "reference": "edge.keras", "format": form,
        "quantization": named if "-" in stem else "float32", "runtime": runtime,
        "runtime_version": "2.3.0", "threads": 1, "status": "ok", "error": None, "bytes": 42_760,
        "parity": parity(), "gate": {"max_drop": 0.1, "min_agreement": 99.8, "max_class_drop": 1.0},
        "gate_failures": [], "latency": latency(call, image),
        "memory": {"rss_mb": 41.2, "peak_mb": 42.0}, "stress": None, **changed,
    }  # fmt: skip


def failed(error="the process ended with signal 11: Segmentation fault", **changed):
    nothing = {"parity": None, "latency": None, "memory": None, "stress": None}
    return {**row(**changed), **nothing, "status": "failed", "error": error}


FLIPS = {
    "to_wrong": [[582, 8, 8, 2]],
    "to_right": [[321, 2, 7, 2], [4176, 2, 7, 2]],
    "other": [[9, 5, 3, 6]],
}


def seven():
    """The rows of a bundle as `export --int8` makes it."""
    changed = parity(0.9962, **FLIPS)
    return [
        row("edge.keras", "keras", 319, 353, bytes=196_987),
        row("edge-float32.tflite", "litert", 14.4, 15.8, bytes=138_528),
        row("edge-float32.tflite", "tensorflow-lite", 14.6, 15.9, bytes=138_528),
        row("edge-float32.onnx", "onnxruntime", 20.2, 22.5, bytes=136_845),
        row("edge-int8.tflite", "litert", 7.3, 7.7, parity=changed),
        row("edge-int8.tflite", "tensorflow-lite", 7.3, 7.6, parity=changed),
        row("edge-int8.onnx", "onnxruntime", 18.4, 20.9, parity=changed, bytes=50_827),
    ]


def record(results=None, **changed):
    """A record of revision 3."""
    return {
        "schema": 1, "revision": 3, "created": "2026-11-22T13:00:00Z", "version": "0.1.0",
        "machine": {
            "system": "Linux", "architecture": "x86_64", "processor": "AMD EPYC", "cores": 2,
            "memory_mb": 24105, "governor": None, "python": "3.11.7", "board": None,
        },
        "dataset": {
            "name": "mnist", "sha256": "06b0", "split": "test", "samples": 10_000,
            "images_sha256": "7fa1",
        },
        "reference": "edge.keras", "labels": [str(digit) for digit in range(10)],
        "settings": {
            "runtimes": [], "threads": [1], "seconds": 1.0, "samples": 1000, "patience": 10.0,
            "launches": 5, "rounds": 4, "batches": list(SIZES), "sustained_minutes": 0,
            "stress": False, "max_drop": None, "min_agreement": None, "max_class_drop": None,
            "seed": 0,
        },
        "valid": True, "invalid_reasons": [],
        "unchecked": ["governor: /sys has no cpufreq here", "temperature: no thermal zone here"],
        "checks": [
            {"name": "governor", "status": "unknown", "value": None, "reason": None,
             "remedy": None}
        ],
        "results": seven() if results is None else results, **changed,
    }  # fmt: skip


WHOLE = object()


def host(name, found=WHOLE, status="ok", error=None):
    """What `bench --host` tells of a board."""
    return {
        "host": name, "status": status, "error": error,
        "record": record() if found is WHOLE else found, "verify": [], "seconds": {"bench": 9.0},
        "board": "Raspberry Pi 5", "notes": [],
    }  # fmt: skip


def hosts(found, desk=None):
    """What `bench --host --out` writes."""
    return {"schema": 1, "desk": desk, "hosts": found}


def stressed(found=None, **changed):
    """The same record as --stress would have it."""
    found = copy.deepcopy(record() if found is None else found)
    found["settings"]["stress"] = True
    for place, each in enumerate(found["results"]):
        if each["status"] == "ok":
            each["stress"] = stress(0.99 - 0.01 * place, **changed)
    return found


def revision_2(found=None):
    """A record as it was before --stress."""
    found = copy.deepcopy(record() if found is None else found)
    found["revision"] = 2
    del found["settings"]["stress"]
    for each in found["results"]:
        del each["stress"]
    return found


def scaled(found, factor, *keys):
    """The same record with times of `keys` multiplied, or of both timings."""
    found = copy.deepcopy(found)
    for each in found["results"]:
        for key in keys or ("invoke_us", "predict_us"):
            if each["latency"]:
                times = each["latency"][key]
                for name in ("p50", "p90", "p99", "max"):
                    times[name] *= factor
                times["rounds"] = [[launch, p50 * factor, n] for launch, p50, n in times["rounds"]]
    return found


def of_images(images, **changed):
    """A record of these images, uint8 [N,...]."""
    found = record(**changed)
    digest = hashlib.sha256(images.tobytes()).hexdigest()
    found["dataset"] |= {"samples": len(images), "images_sha256": digest}
    return found


def old():
    """A record of revision 1, as it was measured once."""
    return json.loads(OLD.read_text(encoding="utf-8"))


def places(value, path=()):
    """Every place in a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in items:
        yield (*path, key)
        if isinstance(each, (dict, list)):
            yield from places(each, (*path, key))


def damaged(document, seed):
    """The document with one place gone or of another type."""
    chance = random.Random(seed)
    document = copy.deepcopy(document)
    every = [path for path in places(document) if not {"quantiles", "rounds"} & set(path[:-1])]
    *parents, last = chance.choice(every)
    place = document
    for key in parents:
        place = place[key]
    if chance.random() < 0.3:
        del place[last]
    else:
        place[last] = chance.choice([None, "text", -1, 0, [], {}, True, 1e308, [[]], "\x1b[31m"])
    return document

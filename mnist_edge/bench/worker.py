"""One model in one runtime in a process of its own: its memory is its own, and so is a crash.

    python -m mnist_edge.bench.worker JOB.json

The job names a model, a runtime, threads, an .npz of images and where to put the answers.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np

from mnist_edge.backends import known_runtimes
from mnist_edge.bench.latency import measure, summary
from mnist_edge.bench.process import answer
from mnist_edge.classifier import Classifier

TIMED_IMAGES = 200  # different ones, taken in turn
TIMED_VALUES = 1 << 23  # of them together: fewer where they are large, 8 at least


def work(job: dict[str, Any]) -> dict[str, Any]:
    """Do a job; return what was measured. Probabilities go into the .npy that the job names."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    row = next(row for row in known_runtimes() if row.name == job["runtime"])
    began = perf_counter_ns()
    importlib.import_module(row.module)
    imported = perf_counter_ns()
    classifier = Classifier.open(job["model"], runtime=job["runtime"], threads=job["threads"])
    loaded = perf_counter_ns()
    classifier.predict(np.zeros(classifier.backend.image_shape, np.uint8))
    answered = perf_counter_ns()
    memory = _memory()
    images = np.load(job["images"])
    probabilities = classifier.probabilities(images)  # warms the batch path up, too
    np.save(job["probabilities"], probabilities)
    began_batch = perf_counter_ns()
    classifier.probabilities(images)
    batch_seconds = (perf_counter_ns() - began_batch) / 1e9
    size = int(np.prod(classifier.backend.image_shape))
    timed = list(images[: min(TIMED_IMAGES, max(8, TIMED_VALUES // size))])
    raw = [classifier.backend.encode(image) for image in timed]
    limits = (job["seconds"], job["samples"], job["patience"])
    invoke = measure(classifier.backend.invoke, raw, *limits)
    predict = measure(lambda image: classifier.predict(image).label, timed, *limits)
    return {
        "runtime_version": row.version,
        "latency": {
            "invoke_us": summary(invoke),
            "predict_us": summary(predict),
            "load_ms": (loaded - imported) / 1e6,
            "first_ms": (answered - loaded) / 1e6,
            "import_ms": (imported - began) / 1e6,
            "images_per_s": len(images) / batch_seconds,
        },
        "memory": memory,
    }


def _memory() -> dict[str, float | None]:
    """Return resident and peak memory of this process in MB (2**20); None where unknown."""
    found: dict[str, float | None] = {"rss_mb": None, "peak_mb": None}
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return found
    for line in lines:
        key, _, value = line.partition(":")
        if key in ("VmRSS", "VmHWM"):
            found["rss_mb" if key == "VmRSS" else "peak_mb"] = round(
                int(value.split()[0]) / 1024, 1
            )
    return found


if __name__ == "__main__":
    answer(work)

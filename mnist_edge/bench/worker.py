"""One model in one runtime in a process of its own: its memory is its own, and so is a crash.

    python -m mnist_edge.bench.worker FD

Jobs come as lines of JSON (see process.Companion); `do` names one of JOBS.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from time import perf_counter_ns, process_time
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.backends import known_runtimes
from mnist_edge.backends.litert import MODULES
from mnist_edge.bench.latency import measure
from mnist_edge.bench.process import serve
from mnist_edge.classifier import Classifier
from mnist_edge.digest import sha256_hex

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

TIMED_IMAGES = 200  # different ones, taken in turn
TIMED_VALUES = 1 << 23  # of them together: fewer where they are large, 8 at least


class Worker:
    """A model that is open, and what is asked of it."""

    classifier: Classifier
    images: NDArray[np.uint8]
    _used_s = 0.0

    def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        """Do one job.

        Its answer has `cpu_s`, the processor seconds that this process has used since it was
        started, and `waiting_s`, how many of them since the answer before.
        """
        waiting_s = process_time() - self._used_s
        found = JOBS[job["do"]](self, job)
        self._used_s = process_time()
        return {**found, "cpu_s": self._used_s, "waiting_s": waiting_s}

    def open(self, job: dict[str, Any]) -> dict[str, Any]:
        """Import the job's `runtime`, open its `model` with its `threads`, answer once."""
        row = next(row for row in known_runtimes() if row.name == job["runtime"])
        began = perf_counter_ns()
        importlib.import_module(MODULES.get(row.name, row.module))
        imported = perf_counter_ns()
        self.classifier = Classifier.open(
            job["model"], runtime=job["runtime"], threads=job["threads"]
        )
        loaded = perf_counter_ns()
        self.classifier.predict(np.zeros(self.classifier.backend.image_shape, np.uint8))
        answered = perf_counter_ns()
        return {
            "import_ms": (imported - began) / 1e6,
            "load_ms": (loaded - imported) / 1e6,
            "first_ms": (answered - loaded) / 1e6,
            "memory": memory(),
            "runtime_version": row.version,
            "threads": self.classifier.backend.threads,
        }

    def classify(self, job: dict[str, Any]) -> dict[str, Any]:
        """Classify all of the job's `images` (.npy); write `probabilities` (.npy)."""
        images = np.load(job["images"], mmap_mode="r")
        np.save(job["probabilities"], self.classifier.probabilities(images))
        return {}

    def answer(self, job: dict[str, Any]) -> dict[str, Any]:
        """Classify all of the job's `images` (.npy), and once more to time it."""
        self.classify(job)  # warms the batch path up, too
        images = np.load(job["images"], mmap_mode="r")
        began = perf_counter_ns()
        self.classifier.probabilities(images)
        return {"images_per_s": len(images) / ((perf_counter_ns() - began) / 1e9)}

    def prepare(self, job: dict[str, Any]) -> dict[str, Any]:
        """Read as many of the job's `images` (.npy) as its turns and batches will need."""
        images = np.load(job["images"], mmap_mode="r")
        size = int(np.prod(images.shape[1:]))
        few = min(TIMED_IMAGES, max(8, TIMED_VALUES // size))
        self.images = np.array(images[: max(few, *job["batches"])])
        self._timed = list(self.images[:few])
        self._raw = [self.classifier.backend.encode(image) for image in self._timed]
        return {"inputs": sha256_hex(b"".join(image.tobytes() for image in self._timed))}

    def turn(self, job: dict[str, Any]) -> dict[str, Any]:
        """Time `invoke`, the bare call, or `predict`, image in and label out, as `what` says."""
        limits = (job["seconds"], job["least"], job["patience"])
        if job["what"] == "invoke":
            return {"times": measure(self.classifier.backend.invoke, self._raw, *limits)}
        return {"times": measure(self._label, self._timed, *limits)}

    def _label(self, image: NDArray[np.uint8]) -> str | None:
        return self.classifier.predict(image).label

    def batch(self, job: dict[str, Any]) -> dict[str, Any]:
        """Time batches of `size` images; fewer are taken again and again."""
        images = np.resize(self.images, (job["size"], *self.images.shape[1:]))
        limits = (job["seconds"], 1, job["seconds"])
        return {"times": measure(self.classifier.probabilities, [images], *limits, warm=1)}


def memory() -> dict[str, float | None]:
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


JOBS: dict[str, Callable[[Worker, dict[str, Any]], dict[str, Any]]] = {
    "open": Worker.open,
    "classify": Worker.classify,
    "answer": Worker.answer,
    "prepare": Worker.prepare,
    "turn": Worker.turn,
    "batch": Worker.batch,
}

if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    serve(Worker())

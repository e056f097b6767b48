"""One classifier for long: many threads, many predictions, the same answers, no more memory.

    python tools/soak.py [--seconds 60] [--predictions 1000000] [--json FILE]

- threads: 8 threads on one Classifier for the given time; every answer, of single images and of
  batches, is compared bit by bit with what one thread was told before.
- memory: resident memory after 10,000 predictions and at the end, single images with a batch of
  1 to 200 after each hundredth; it may grow by 1 %. The first reading waits for 20 s: some ten
  seconds after it was imported, ONNX Runtime 1.31 takes 0.7 MB for a thread of its own, once,
  whether it is used or not.

Each of the shipped models is tried on its runtime in a process of its own. Exit code 1 where one
does not hold.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np

from mnist_edge import Classifier
from mnist_edge.bundle import read_bundle
from mnist_edge.classifier import SHIPPED
from mnist_edge.machine import describe

THREADS = 8
IMAGES = 500
FIRST = 10_000  # predictions before memory is read for the first time
SETTLED_S = 20.0
GROWTH = 1.01
RUNTIMES = {"tflite": "litert", "onnx": "onnxruntime"}
ONE = "import sys; from tools.soak import one; one(*sys.argv[1:])"


def pictures() -> np.ndarray:
    """Return the golden images and noise, uint8 [IMAGES,28,28]."""
    with np.load(SHIPPED / "golden.npz") as golden:
        real = golden["images"]
    noise = np.random.default_rng(0).integers(0, 256, (IMAGES - len(real), 28, 28))
    return np.concatenate([real, noise.astype(np.uint8)])


def together(classifier: Classifier, seconds: float) -> dict[str, Any]:
    """Compare the answers of THREADS threads with those of one."""
    images = pictures()
    single = [classifier.backend.infer_one(image).tobytes() for image in images]
    many = classifier.probabilities(images).tobytes()
    end = monotonic() + seconds
    counts, wrong = [0] * THREADS, [0] * THREADS
    ready = threading.Barrier(THREADS)

    def work(number: int) -> None:
        random = np.random.default_rng(number)
        ready.wait()
        while monotonic() < end:
            for place in random.permutation(IMAGES):
                answer = classifier.backend.infer_one(images[place]).tobytes()
                wrong[number] += answer != single[place]
            wrong[number] += classifier.probabilities(images).tobytes() != many
            counts[number] += 2 * IMAGES

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    return {"threads": THREADS, "seconds": seconds, "answers": sum(counts), "wrong": sum(wrong)}


def memory(classifier: Classifier, predictions: int, settled: float) -> dict[str, Any]:
    """Return resident memory in MB (2**20) after FIRST predictions and after all.

    The first reading waits until `settled` seconds have passed.
    """
    images = pictures()
    began = monotonic()
    random = np.random.default_rng(0)
    done, first = 0, 0.0
    while done < predictions:
        for image in images[:100]:
            _ = classifier.predict(image).confidence
        size = int(random.integers(1, 201))
        classifier.probabilities(images[:size])
        done += 100 + size
        if not first and done >= FIRST:
            sleep(max(0.0, settled - (monotonic() - began)))
            first = _resident()
    last = _resident()
    return {"predictions": done, "first_mb": first, "last_mb": last, "growth": last / first}


def _resident() -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def one(file: str, runtime: str, seconds: str, predictions: str, settled: str) -> None:
    """Try one model; print the record as JSON."""
    record: dict[str, Any] = {"model": file, "runtime": runtime}
    with Classifier.open(SHIPPED / file, runtime=runtime) as classifier:
        record["memory"] = memory(classifier, int(predictions), float(settled))
        record["threads"] = together(classifier, float(seconds))
    held = record["threads"]["wrong"] == 0 and record["memory"]["growth"] <= GROWTH
    print(json.dumps({**record, "holds": held}))


def main() -> None:
    """Try them all, and say what came."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--predictions", type=int, default=1_000_000)
    parser.add_argument("--settled", type=float, default=SETTLED_S, help="seconds")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    records = []
    for entry in read_bundle(SHIPPED).models:
        runtime = RUNTIMES[entry.format]
        print(f"{entry.file} on {runtime} ...", file=sys.stderr, flush=True)
        command = [sys.executable, "-c", ONE, entry.file, runtime]
        command += [str(chosen.seconds), str(chosen.predictions), str(chosen.settled)]
        ended = subprocess.run(
            command, cwd=Path(__file__).parent.parent, stdout=subprocess.PIPE, text=True
        )
        if ended.returncode:
            sys.exit(f"{entry.file} on {runtime} ended with {ended.returncode}")
        record = json.loads(ended.stdout)
        records.append(record)
        threads, held = record["threads"], record["memory"]
        print(
            f"{entry.file} on {runtime}: {threads['wrong']} of {threads['answers']:,} answers of "
            f"{THREADS} threads in {chosen.seconds:g} s differ; {held['first_mb']:.1f} MB after "
            f"{FIRST:,} predictions, {held['last_mb']:.1f} MB after {held['predictions']:,} "
            f"({100 * (held['growth'] - 1):+.2f} %)"
        )
    found = {"command": "tools/soak.py", "machine": describe(), "results": records}
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if not all(record["holds"] for record in records):
        sys.exit("error: not everything held")


if __name__ == "__main__":
    main()

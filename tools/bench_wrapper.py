"""What the wrapper costs beside the bare runtime, all in one run.

    python tools/bench_wrapper.py [image] [batch] [threads] [start] [keras] [--rounds N] [--json F]

- image: one uint8 image in, label out, against the runtime's own loop (set, invoke, get, argmax on
  an input that is ready).
- keras: the same against Keras.
- batch: 10,000 images by `probabilities`, per image, against one call an image.
- threads: several threads on one classifier; the pool of interpreters against one behind a lock.
- start: a fresh process that imports, opens and answers once, against the same by hand.

The ways are run in turn, shuffled, round after round, so that a machine that drifts drifts for all.
A ratio is the median over the rounds of the ratio within a round; in brackets, the middle 90 % of
the rounds. The networks are those of artifacts/edge.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mnist_edge import Classifier, runtimes
from mnist_edge.bundle import read_bundle
from mnist_edge.machine import describe

BUNDLE = Path(__file__).parent.parent / "artifacts" / "edge"
INT8, FLOAT, ONNX = "edge-int8.tflite", "edge-float32.tflite", "edge-float32.onnx"
CALLS = 200  # a round, for what takes microseconds: less than a slice of the scheduler
MANY = 10_000
FEW = (2000, 50)  # of them one by one; the second for Keras, which takes a millisecond each
SECONDS = 0.5  # a round of threads
PEAK = """
with open("/proc/self/status") as status:
    print(next(line for line in status if line.startswith("VmHWM")).split()[1])
"""
START_BARE = """
import numpy as np
from ai_edge_litert.interpreter import Interpreter
i = Interpreter({path!r})
i.allocate_tensors()
i.set_tensor(i.get_input_details()[0]["index"], np.zeros((1, 28, 28, 1), np.int8))
i.invoke()
print(i.get_tensor(i.get_output_details()[0]["index"]).argmax())
"""
START_OURS = """
import numpy as np
from mnist_edge import Classifier, runtimes
from mnist_edge.bundle import read_bundle
print(Classifier.open(runtime={runtime!r}).predict(np.zeros((28, 28), np.uint8)).label)
"""
START_BARE_ONNX = """
import numpy as np, onnxruntime
o = onnxruntime.SessionOptions()
o.intra_op_num_threads = o.inter_op_num_threads = 1
s = onnxruntime.InferenceSession({path!r}, o, providers=["CPUExecutionProvider"])
print(s.run(None, {{s.get_inputs()[0].name: np.zeros((1, 28, 28, 1), np.float32)}})[0].argmax())
"""

Ways = dict[str, Callable[[], Any]]


def images(count: int) -> np.ndarray:
    """Return the golden images again and again, uint8 [count,28,28]."""
    with np.load(BUNDLE / "golden.npz") as golden:
        return np.resize(golden["images"], (count, 28, 28))


def litert(file: str) -> Any:
    """Return a bare interpreter with one thread."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(BUNDLE / file), num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


def session() -> Any:
    """Return a bare ONNX Runtime session with one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        str(BUNDLE / ONNX), options, providers=["CPUExecutionProvider"]
    )


def bare_litert(file: str, image: np.ndarray) -> Callable[[], Any]:
    """Return the loop that one writes by hand, on an input that is ready."""
    interpreter = litert(file)
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    place, answer = taken["index"], given["index"]
    with Classifier.open(BUNDLE / file, runtime="litert") as classifier:
        raw = classifier.backend.encode(image)

    def run() -> Any:
        interpreter.set_tensor(place, raw)
        interpreter.invoke()
        return interpreter.get_tensor(answer).argmax()

    return run


def one_image() -> tuple[Ways, dict[str, str], int]:
    """Return the ways to classify one image, what each is compared with, and calls a round."""
    image = images(4)[3]
    real = (image / np.float32(255)).reshape(1, 28, 28, 1).astype(np.float32)
    bare = session()
    name = bare.get_inputs()[0].name
    ours = {file: Classifier.open(BUNDLE / file, runtime="litert") for file in (INT8, FLOAT)}
    onnx = Classifier.open(BUNDLE / ONNX, runtime="onnxruntime")
    ways: Ways = {
        "LiteRT int8, bare": bare_litert(INT8, image),
        "LiteRT int8, Classifier.predict": lambda: ours[INT8].predict(image).label,
        "LiteRT float32, bare": bare_litert(FLOAT, image),
        "LiteRT float32, Classifier.predict": lambda: ours[FLOAT].predict(image).label,
        "ONNX Runtime float32, bare": lambda: bare.run(None, {name: real})[0].argmax(),
        "ONNX Runtime float32, Classifier.predict": lambda: onnx.predict(image).label,
    }
    against = {
        "LiteRT int8, Classifier.predict": "LiteRT int8, bare",
        "LiteRT float32, Classifier.predict": "LiteRT float32, bare",
        "ONNX Runtime float32, Classifier.predict": "ONNX Runtime float32, bare",
    }
    return ways, against, CALLS


def beside_keras() -> tuple[Ways, dict[str, str], dict[str, int]]:
    """Return the ways to classify one image at the desk, and images a call."""
    import keras

    image = images(4)[3]
    real = (image / np.float32(255)).reshape(1, 28, 28, 1).astype(np.float32)
    ours = Classifier.open(BUNDLE / INT8, runtime="litert")
    model = keras.saving.load_model(BUNDLE / "edge.keras", compile=False)
    base = "LiteRT int8, Classifier.predict"
    ways: Ways = {
        base: lambda: [ours.predict(image).label for _call in range(CALLS)],
        "Keras, model(image)": lambda: np.asarray(model(real, training=False)).argmax(),
        "Keras, model.predict(image)": lambda: model.predict(real, verbose=0).argmax(),
    }
    others = list(ways)[1:]
    return ways, dict.fromkeys(others, base), {base: CALLS, **dict.fromkeys(others, 1)}


def many_images() -> tuple[Ways, dict[str, str], dict[str, int]]:
    """Return the ways to classify many images, on every runtime here, and images a call."""
    stack = images(MANY)
    ways: Ways = {}
    against = {}
    counts = {}
    for runtime in runtimes():
        for entry in read_bundle(BUNDLE).models:
            if not runtimes((entry.format,)).count(runtime):
                continue
            for threads in dict.fromkeys((1, os.cpu_count() or 1)):
                classifier = Classifier.open(BUNDLE / entry.file, runtime=runtime, threads=threads)
                base, way = (f"{runtime} {entry.file}, {how}" for how in
                             ("one by one", f"threads={threads}"))  # fmt: skip
                if base not in ways:
                    few = stack[: FEW[runtime == "keras"]]
                    ways[base] = lambda few=few, one=classifier: [one.predict(i) for i in few]
                    counts[base] = len(few)
                ways[way] = lambda classifier=classifier: classifier.probabilities(stack)
                against[way], counts[way] = base, MANY
    return ways, against, counts


def timed(ways: Ways, calls: int, rounds: int) -> dict[str, list[float]]:
    """Return seconds a call of each way, a number a round of `calls` calls."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    order = list(ways)
    for name in order:
        ways[name]()
    for _round in track(range(rounds), "timing", console=Console(stderr=True), transient=True):
        random.shuffle(order)
        for name in order:
            call = ways[name]
            began = perf_counter()
            for _call in range(calls):
                call()
            found[name].append((perf_counter() - began) / calls)
    return found


def each_image(found: dict[str, list[float]], counts: dict[str, int]) -> dict[str, list[float]]:
    """Return seconds an image of calls that take several."""
    return {way: [each / counts[way] for each in times] for way, times in found.items()}


def threads(rounds: int) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Return seconds an answer of 1, 2, 4 and 8 threads on one classifier, and behind a lock."""
    image = images(4)[3]
    pool = Classifier.open(BUNDLE / INT8, runtime="litert")
    lock = threading.Lock()

    def locked() -> None:
        with lock:
            pool.predict(image)

    calls = {"behind a lock": locked, "as it is": lambda: pool.predict(image)}
    ways = [(f"{count} threads, {name}", call, count)
            for count in (1, 2, 4, 8) for name, call in calls.items()]  # fmt: skip
    found: dict[str, list[float]] = {name: [] for name, _call, _count in ways}
    against = {f"{count} threads, as it is": f"{count} threads, behind a lock"
               for count in (1, 2, 4, 8)}  # fmt: skip
    for _round in track(range(rounds), "threads", console=Console(stderr=True), transient=True):
        random.shuffle(ways)
        for name, call, count in ways:
            found[name].append(_together(call, count))
    return found, against


def _together(call: Callable[[], Any], count: int) -> float:
    stop = threading.Event()
    answers = [0] * count

    def work(place: int) -> None:
        while not stop.is_set():
            call()
            answers[place] += 1

    workers = [threading.Thread(target=work, args=(place,)) for place in range(count)]
    began = perf_counter()
    for worker in workers:
        worker.start()
    stop.wait(SECONDS)
    stop.set()
    for worker in workers:
        worker.join()
    return (perf_counter() - began) / sum(answers)


def start(rounds: int) -> tuple[dict[str, list[float]], dict[str, list[float]], dict[str, str]]:
    """Return wall seconds and peak MB of fresh processes up to the first answer."""
    codes = {
        "LiteRT by hand": START_BARE.format(path=str(BUNDLE / INT8)),
        "Classifier on LiteRT": START_OURS.format(runtime="litert"),
        "ONNX Runtime by hand": START_BARE_ONNX.format(path=str(BUNDLE / ONNX)),
        "Classifier on ONNX Runtime": START_OURS.format(runtime="onnxruntime"),
    }
    walls: dict[str, list[float]] = {name: [] for name in codes}
    peaks: dict[str, list[float]] = {name: [] for name in codes}
    order = list(codes)
    # as installed: pip compiles what it installs, a checkout is compiled by its first run
    environment = {**os.environ}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    for code in codes.values():
        subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    for _round in track(range(rounds), "starting", console=Console(stderr=True), transient=True):
        random.shuffle(order)
        for name in order:
            began = perf_counter()
            ended = subprocess.run(
                [sys.executable, "-c", codes[name] + PEAK],
                check=True,
                capture_output=True,
                text=True,
                env=environment,
            )
            walls[name].append(perf_counter() - began)
            peaks[name].append(int(ended.stdout.split()[-1]) / 1024)
    against = {
        "Classifier on LiteRT": "LiteRT by hand",
        "Classifier on ONNX Runtime": "ONNX Runtime by hand",
    }
    return walls, peaks, against


def rows(
    found: dict[str, list[float]], against: dict[str, str], factor: float, unit: str
) -> list[dict[str, Any]]:
    """Return a record a way: its median in `unit` and its ratio to what it is held against."""
    records = []
    for name, values in found.items():
        record: dict[str, Any] = {"way": name, "unit": unit, "rounds": len(values)}
        record["median"] = round(float(np.median(values)) * factor, 3)
        record["least"] = round(min(values) * factor, 3)
        if name in against:
            ratios = np.array(values) / np.array(found[against[name]])
            low, middle, high = np.percentile(ratios, [5, 50, 95])
            record["against"] = against[name]
            record["ratio"] = {"median": round(float(middle), 3), "p5": round(float(low), 3),
                               "p95": round(float(high), 3)}  # fmt: skip
        records.append(record)
    return records


def show(title: str, records: list[dict[str, Any]], console: Console) -> None:
    """Print one table of `rows`."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("", overflow="fold")
    for name in (records[0]["unit"], "ratio", "to"):
        table.add_column(name, justify="left" if name == "to" else "right")
    for record in records:
        ratio = record.get("ratio")
        shown = f"{ratio['median']:,.3g} [{ratio['p5']:,.3g}, {ratio['p95']:,.3g}]" if ratio else ""
        table.add_row(record["way"], f"{record['median']:,.4g}", shown, record.get("against", ""))
    console.print(table, "")


def main() -> None:
    """Measure, print, and write the record where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="image|keras|batch|threads|start")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    parts = chosen.parts or ["image", "batch", "threads", "start", "keras"]
    console = Console(width=None if sys.stdout.isatty() else 110)
    record: dict[str, Any] = {"command": " ".join(["tools/bench_wrapper.py", *sys.argv[1:]])}
    record["machine"] = describe()
    if "image" in parts:
        ways, against, calls = one_image()
        found = timed(ways, calls, chosen.rounds or 400)
        record["image"] = rows(found, against, 1e6, "µs")
        show("One image, uint8 in, label out", record["image"], console)
    if "keras" in parts:
        ways, against, counts = beside_keras()
        found = each_image(timed(ways, 1, chosen.rounds or 30), counts)
        record["keras"] = rows(found, against, 1e6, "µs")
        show("One image, beside Keras", record["keras"], console)
    if "batch" in parts:
        ways, against, counts = many_images()
        found = each_image(timed(ways, 1, chosen.rounds or 7), counts)
        record["batch"] = rows(found, against, 1e6, "µs an image")
        show(f"{MANY:,} images", record["batch"], console)
    if "threads" in parts:
        found, against = threads(chosen.rounds or 7)
        record["threads"] = rows(found, against, 1e6, "µs an answer")
        show("Threads on one classifier", record["threads"], console)
    if "start" in parts:
        walls, peaks, against = start(chosen.rounds or 15)
        record["start"] = rows(walls, against, 1e3, "ms")
        record["start_memory"] = rows(peaks, against, 1, "MB")
        show("A fresh process up to its first answer", record["start"], console)
        show("Its peak memory", record["start_memory"], console)
    if chosen.json:
        chosen.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""One peer in a process of its own, kept alive and asked line by line.

    PYTHON tools/peers/worker.py JOB

It runs in the peer's environment: numpy, the peer and this file are all it needs. JOB is JSON with
`file` (a Python file with `open_model(model, how)`), `model`, `how`, `package` (whose version is
told) and `images` (an .npy of uint8 [N,28,28]).

`open_model` returns what can be timed, by name:

- `predict`: takes an image uint8 [28,28], gives its label;
- `bare`: takes what `prepare` makes of an image, and runs the network on it;
- `run`: takes nothing: the runtime's call alone, on an input that was put in place before;
- `own`: takes seconds; the peer's own timing: p50 in microseconds and how many calls it timed;
- `macs`: no call: how many multiply-adds a `run` has, where it is a measure of the machine.

First it says what it has; then each line on stdin is a question, and each line on stdout the
answer, both JSON. What the peer prints goes to stderr. It ends when stdin does.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import sys
from importlib.metadata import version
from time import perf_counter_ns, process_time_ns

import numpy as np

WARM_UP = 0.25  # of the time that is measured: others have had the caches meanwhile
LEAST = 5  # calls a turn
WARM_UP_IMAGES = 3


def main() -> None:
    """Open the model and answer until nobody asks."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # runtimes print where they like
    sys.path.pop(0)  # this folder: nothing in it is to be imported in place of a package
    job = json.loads(sys.argv[1])

    def say(answer: dict) -> None:
        print(json.dumps(answer), file=answers, flush=True)

    try:
        ways = load(job["file"]).open_model(job["model"], job["how"])
    except Exception as error:
        say({"error": first_line(error)})
        return
    images = list(np.load(job["images"]))
    inputs = {"predict": images}
    if "prepare" in ways:
        inputs["bare"] = [ways["prepare"](image) for image in images]
    package = job.get("package")
    say(
        {
            "version": version(package) if package else None,
            "ways": [name for name in ("predict", "bare", "run", "own") if name in ways],
            "macs": ways.get("macs"),
        }
    )
    turns = {name: itertools.cycle(values) for name, values in inputs.items()}
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if asked["ask"] == "labels":
                say(labelled(ways["predict"], images))
            elif asked["way"] == "own":
                p50_us, calls = ways["own"](asked["seconds"])
                say({"p50_us": p50_us, "calls": calls})
            else:
                say(timed(ways[asked["way"]], turns.get(asked["way"]), asked["seconds"]))
        except Exception as error:
            say({"error": first_line(error)})


def load(file: str):
    """Return a Python file as a module."""
    spec = importlib.util.spec_from_file_location("peer", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def labelled(predict, images) -> dict:
    """Return the label of each image, and how many processors were busy with them."""
    for image in images[:WARM_UP_IMAGES]:
        predict(image)
    busy, began = process_time_ns(), perf_counter_ns()
    labels = [int(predict(image)) for image in images]
    busy, took = process_time_ns() - busy, perf_counter_ns() - began
    return {"labels": labels, "processors": busy / took}


def timed(call, inputs, seconds: float) -> dict:
    """Return the median time of a call, warm-up left out.

    Args:
        call: what is timed; it takes the next of `inputs`, or nothing where that is None.
        inputs: without an end.
        seconds: for which calls go on, and until there are LEAST.
    """
    warm, end = int(seconds * WARM_UP * 1e9), int(seconds * 1e9)
    calls_for(call, inputs, warm, 1)
    times = calls_for(call, inputs, end, LEAST)
    return {"p50_us": float(np.median(times)) / 1000, "calls": len(times)}


def calls_for(call, inputs, nanoseconds: int, least: int) -> list[int]:
    """Return the time of each call, in ns."""
    times: list[int] = []
    start = now = perf_counter_ns()
    while now - start < nanoseconds or len(times) < least:
        if inputs is None:
            began = perf_counter_ns()
            call()
            now = perf_counter_ns()
        else:
            item = next(inputs)
            began = perf_counter_ns()
            call(item)
            now = perf_counter_ns()
        times.append(now - began)
    return times


def first_line(error: Exception) -> str:
    """Return what an error says, on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


if __name__ == "__main__":
    main()

"""Bench the same bundle several times: do the medians come again, and is a busy machine found out?

    python tools/repeat_bench.py [BUNDLE] [--runtime NAME ...] [--times N] [--json F]

Full benches, one after the other, then one more while a busy loop runs on every core. The claim:
every p50 of two benches is within 10 %, or one of them says INVALID; and the last says INVALID.
Exit code 1 where the claim does not hold.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parent.parent
WITHIN = 1.10
TIMINGS = ("invoke_us", "predict_us")


def bench(bundle: Path, folder: Path, runtimes: Sequence[str] = ()) -> dict[str, Any]:
    """Run `mnist-edge bench` and return the record, though a model may have failed in it."""
    out = folder / "record.json"
    out.unlink(missing_ok=True)
    command = [sys.executable, "-m", "mnist_edge", "bench", str(bundle), "--out", str(out)]
    command += [word for name in runtimes for word in ("--runtime", name)]
    ended = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    if ended.returncode != 1:  # a model failed or is below its gate: the others were timed
        ended.check_returncode()
    return json.loads(out.read_text(encoding="utf-8"))


@contextmanager
def busy_loops() -> Iterator[None]:
    """Keep every core busy."""
    loop = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(loop) for _core in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for each in busy:
            each.kill()
            each.wait()


def medians(record: dict[str, Any]) -> dict[str, float]:
    """Return every p50 of a record, by what it is of; what failed has none."""
    return {
        f"{row['model']} on {row['runtime']}, {key.removesuffix('_us')}": row["latency"][key]["p50"]
        for row in record["results"]
        if row["status"] == "ok"
        for key in TIMINGS
    }


def apart(first: dict[str, Any], second: dict[str, Any]) -> tuple[float, str]:
    """Return how many times the larger of two medians is the smaller, at worst, and which it is.

    What ran in one of the two only is left out; infinity where nothing ran in both.
    """
    one, other = medians(first), medians(second)
    pairs = [(name, one[name], other[name]) for name in one if name in other]
    ratios = ((max(pair) / min(pair), name) for name, *pair in pairs)
    return max(ratios, default=(math.inf, "nothing ran in both"))


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", nargs="?", type=Path, default=ROOT / "artifacts" / "edge")
    parser.add_argument("--runtime", action="append", default=[])
    parser.add_argument("--times", type=int, default=2)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    err, out = Console(stderr=True), Console(width=None if sys.stdout.isatty() else 100)
    records = []
    with tempfile.TemporaryDirectory() as folder:
        for time in range(chosen.times):
            with err.status(f"bench {time + 1} of {chosen.times}"):
                records.append(bench(chosen.bundle, Path(folder), chosen.runtime))
        with err.status("bench, with a busy loop on every core"), busy_loops():
            busy = bench(chosen.bundle, Path(folder), chosen.runtime)
    table = Table(box=None, pad_edge=False)
    for name in ("p50 in µs", *(str(time + 1) for time in range(chosen.times)), "busy"):
        table.add_column(name, justify="left" if name.startswith("p50") else "right")
    every = [medians(record) for record in (*records, busy)]
    for name in dict.fromkeys(name for each in every for name in each):
        table.add_row(name, *(f"{each[name]:.1f}" if name in each else "failed" for each in every))
    verdicts = ["VALID" if record["valid"] else "INVALID" for record in (*records, busy)]
    table.add_row("", *verdicts)
    out.print(table)
    believed = [record for record in records if record["valid"]]
    worst = max((apart(*pair) for pair in combinations(believed, 2)), default=None)
    for record in records:
        for reason in record["invalid_reasons"]:
            out.print(f"- {reason}", soft_wrap=True)
    out.print("busy:", *busy["invalid_reasons"], sep="\n- ", soft_wrap=True)
    if worst is None:
        out.print("Fewer than two were VALID.")
    else:
        out.print(f"Farthest apart of the VALID: {worst[0]:.3f}-fold, {worst[1]}")
    if chosen.json:
        found = {
            "machine": records[0]["machine"],
            "benches": [
                {
                    "valid": record["valid"],
                    "invalid_reasons": record["invalid_reasons"],
                    "conditions": record["conditions"],
                    "p50_us": p50,
                }
                for record, p50 in zip((*records, busy), every, strict=True)
            ],
            "valid_apart": None if worst is None else round(worst[0], 4),
        }
        chosen.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return int(busy["valid"] or (worst is not None and worst[0] > WITHIN))


if __name__ == "__main__":
    sys.exit(main())

"""The same network and the same images through other runtimes, all in one run; and the limit.

    python tools/bench_peers.py [--only NAME ...] [--rounds N] [--json FILE]

Image in, label out, one thread, a process each. Peers that are not part of this project get an
environment each in .venv-peers/, made the first time (some minutes; 3 GB, and 5 more where pip
brings PyTorch with CUDA). A peer that cannot be installed, or fails, is a row that says why.

First the answers are compared: who labels more than 1 % of the images otherwise than ours is not
compared further. Then the peers are timed in turn, shuffled, round after round, so that a machine
that drifts drifts for all. A ratio is the median over the rounds of the ratio within a round; in
brackets, the middle 90 % of the rounds. Within the same rounds, products of matrices show what one
core can do, and the network's multiply-adds over that are its limit. The networks are those of
artifacts/edge.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import track

from mnist_edge.data import load
from mnist_edge.machine import describe
from tools.arm.steps import StepError
from tools.peers import conversions, environments, record, tables
from tools.peers.contenders import ENVIRONMENTS, OURS, PEAK_PEERS, PEERS, Peer
from tools.peers.process import Gone, Worker
from tools.peers.roofline import roofline
from tools.peers.rounds import timed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mnist_edge.data import Dataset

IMAGES, CALIBRATION = 300, 200
LABELS_S = 120.0  # for all images, one by one
AT_ONCE = 2
ROUNDS = 100


def main() -> int:
    """Do it; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="beside ours; as the table says")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path, metavar="FILE")
    chosen = parser.parse_args()
    names = {peer.name for peer in PEERS}
    if unknown := set(chosen.only or ()) - names:
        wanted = ", ".join(sorted(names))
        print(f"error: {unknown.pop()!r} is no peer; wanted some of {wanted}", file=sys.stderr)
        return 2
    if chosen.rounds < 1:
        print(f"error: --rounds is {chosen.rounds}; wanted 1 or more", file=sys.stderr)
        return 2
    peers = [peer for peer in PEERS if chosen.only is None or peer.name in (OURS, *chosen.only)]
    there = {peer.environment for peer in peers}  # with a few named, nothing else is installed
    peaks = [peer for peer in PEAK_PEERS if peer.environment in there]
    found = measure(peers, peaks, chosen.rounds, load("mnist"))
    found["command"] = " ".join(["tools/bench_peers.py", *sys.argv[1:]])
    tables.show(found, Console(width=None if sys.stdout.isatty() else 80, highlight=False))
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


def measure(peers: list[Peer], peaks: list[Peer], rounds: int, dataset: Dataset) -> dict[str, Any]:
    """Return the record of one run; what a peer does not do is in its row."""
    run = record.Run()
    workers: dict[str, Worker] = {}
    with tempfile.TemporaryDirectory() as folder:
        images, calibration = Path(folder) / "images.npy", Path(folder) / "calibration.npy"
        np.save(images, dataset.test.images[:IMAGES])
        np.save(calibration, dataset.train.images[:CALIBRATION])
        try:
            prepared = prepare([*peers, *peaks], calibration, run.failed)
            workers |= opened(prepared, images, run.failed)
            for peer in peers:
                run.found[peer.key] = record.Found(peer)
            compare(workers, run)
            run.times = timed(workers, progress(range(rounds), "timing"), run.failed)
        finally:
            for worker in workers.values():
                worker.close()
    macs = {peer.key: workers[peer.key].macs or 0 for peer in peaks
            if peer.key in workers and peer.key not in run.failed}  # fmt: skip
    return {
        "command": None,
        "machine": describe(),
        "dataset": {"name": dataset.name, "sha256": dataset.sha256, "split": "test"},
        "images": IMAGES,
        "rounds": rounds,
        "peers": record.rows(run),
        "bare_calls": record.bare_calls(run),
        "roofline": roofline(run.times, macs, conversions.BUNDLE),
        "products_failed": {key: run.failed[key] for key in (peer.key for peer in peaks)
                            if key in run.failed},
    }  # fmt: skip


def prepare(
    peers: list[Peer], calibration: Path, failed: dict[str, str]
) -> list[tuple[Peer, Path | str, Path]]:
    """Return each peer with its Python and its model; those without are told in `failed`."""
    pythons: dict[str, Path | StepError] = {}

    def python(name: str) -> Path:
        if name not in pythons:
            try:
                pythons[name] = environments.make(name, ENVIRONMENTS[name])
            except StepError as error:
                pythons[name] = error
        found = pythons[name]
        if isinstance(found, StepError):
            raise found
        return found

    found: list[tuple[Peer, Path | str, Path]] = []
    for peer in peers:
        try:
            inside = python(peer.environment) if peer.environment else sys.executable
            models = environments.HOME / "models"
            found.append((peer, inside, conversions.find(peer.model, python, calibration, models)))
        except StepError as error:
            failed[peer.key] = reason(str(error))
    return found


def opened(
    prepared: list[tuple[Peer, Path | str, Path]], images: Path, failed: dict[str, str]
) -> dict[str, Worker]:
    """Return the processes of those that come to life; the others are told in `failed`."""
    found: dict[str, Worker] = {}

    def start(row: tuple[Peer, Path | str, Path]) -> None:
        peer, python, model = row
        try:
            found[peer.key] = Worker(peer, python, model, images)
        except Gone as gone:
            failed[peer.key] = str(gone)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _done in progress(pool.map(start, prepared), "opening", len(prepared)):
            pass
    return {peer.key: found[peer.key] for peer, _python, _model in prepared if peer.key in found}


def compare(workers: dict[str, Worker], run: record.Run) -> None:
    """Note each peer's version, and the share of images that it labels as ours does."""
    ours: dict[str, list[int]] = {}
    order = sorted(workers, key=lambda key: workers[key].peer.name != OURS)
    for key in progress(order, "comparing"):
        worker = workers[key]
        found = run.found.get(key)
        if found is None:
            continue
        found.version = worker.version
        if "predict" not in worker.ways:
            continue
        try:
            labels, found.processors = worker.labels(LABELS_S)
        except Gone as gone:
            run.failed[key] = str(gone)
            worker.close()
            continue
        if worker.peer.name == OURS:
            ours[worker.peer.kind] = labels
        if worker.peer.kind in ours:
            found.agreement = float(np.mean(np.equal(labels, ours[worker.peer.kind])))


def reason(text: str) -> str:
    """Return the line in which a program said why it failed: its first error, or its last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines[-1:] or [""])[0][:300]


def progress(items: Iterable[Any], what: str, total: int | None = None) -> Iterable[Any]:
    """Show on stderr how far it is."""
    return track(items, what, total=total, console=Console(stderr=True), transient=True)


if __name__ == "__main__":
    sys.exit(main())

"""How far a network is from what one core can do: its multiply-adds over the core's best."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tools.peers.contenders import FLOAT as FLOAT_FILE
from tools.peers.contenders import INT8, MACHINE, ONNX_FLOAT, ONNX_INT8, OURS
from tools.peers.macs import count
from tools.peers.record import summary

if TYPE_CHECKING:
    from tools.peers.rounds import Times

CPUINFO = Path("/proc/cpuinfo")
# Multiply-adds a cycle where two vector units of 512 bits take one instruction a cycle each, as
# the widest of today's cores have: 16 floats each, or 64 bytes each by VNNI.
WIDEST = {"float32": ("avx512f", 2 * 16), "int8": ("avx512_vnni", 2 * 64)}
ORT = "Classifier, ONNX Runtime"
# Model, whose bare call is held against the limit, and whose predict.
CALLS = (
    (INT8, "int8", OURS, ("LiteRT Interpreter", "run")),
    (FLOAT_FILE, "float32", OURS, ("LiteRT Interpreter", "run")),
    (ONNX_INT8, "int8", ORT, ("ONNX Runtime", "bare")),
    (ONNX_FLOAT, "float32", ORT, ("ONNX Runtime", "bare")),
)


def roofline(times: Times, macs: dict[str, int], bundle: Path) -> dict[str, Any] | None:
    """Return the core's best, and each model against it; None where no product was measured.

    Args:
        times: see `rounds.timed`; of peers and of products of matrices, in the same rounds.
        macs: multiply-adds of a product, by its key; steps of the chain for MACHINE.
        bundle: where the models are.
    """
    clock = f"{MACHINE}, clock"
    ghz = None
    if (clock, "run") in times:
        ghz = macs[clock] / float(np.median(times[clock, "run"])) / 1e3
    products = []
    for key, number in macs.items():
        if key != clock and (key, "run") in times:
            name, _, kind = key.rpartition(", ")
            speeds = number / np.array(times[key, "run"]) / 1e3
            products.append({"product": name, "kind": kind, "gmacs": summary(speeds)})
    best = {
        kind: max((row for row in products if row["kind"] == kind),
                  key=lambda row: row["gmacs"]["median"], default=None)
        for kind in WIDEST
    }  # fmt: skip
    if not products:
        return None
    peaks = {}
    for kind, row in best.items():
        if row is not None:
            each = row["gmacs"]["median"] / ghz if ghz else None
            peaks[kind] = {**row, "macs_a_cycle": each, "widest": widest(kind)}
    models = []
    for file, kind, ours, bare in CALLS:
        if best[kind] is not None and (f"{ours}, {kind}", "bare") in times:
            models.append(_model(times, macs, bundle / file, kind, best[kind], ours, bare))
    return {"clock_ghz": ghz, "products": products, "peaks": peaks, "models": models}


def _model(
    times: Times,
    macs: dict[str, int],
    path: Path,
    kind: str,
    best: dict[str, Any],
    ours: str,
    bare: tuple[str, str],
) -> dict[str, Any]:
    """Return one model's limit, and what share of it each call reaches, within rounds."""
    layers = count(path)
    total = sum(layer.macs for layer in layers)
    key = f"{best['product']}, {kind}"
    limit = np.array(times[key, "run"]) * total / macs[key]  # us, a number a round
    turns = {
        "run": (f"{bare[0]}, {kind}", bare[1]),
        "invoke": (f"{ours}, {kind}", "bare"),
        "predict": (f"{ours}, {kind}", "predict"),
    }
    calls = {
        name: {"us": summary(times[turn]), "share": summary(limit / np.array(times[turn]))}
        for name, turn in turns.items()
        if turn in times
    }
    gmacs = best["gmacs"]["median"]
    return {
        "model": path.name,
        "kind": kind,
        "macs": total,
        "limit_us": summary(limit),
        "calls": calls,
        "layers": [
            {"op": layer.op, "shape": list(layer.shape), "macs": layer.macs,
             "limit_us": layer.macs / gmacs / 1e3}
            for layer in layers
        ],
    }  # fmt: skip


def widest(kind: str) -> int | None:
    """Return the multiply-adds a cycle of a core with this one's instructions; None if unknown."""
    flag, number = WIDEST[kind]
    try:
        flags = CPUINFO.read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return None
    return number if flag in flags else None

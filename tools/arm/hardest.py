"""A bundle whose golden samples are the images that tell runtimes apart.

On most images every runtime gives the same bits. Where the network is hardly sure, one step of
rounding moves a probability most: `verify` of this bundle holds each runtime and processor to the
tolerances that manifests state (mnist_edge/tolerance.py) where they are hardest to keep.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np

from mnist_edge.backends import open_backend
from mnist_edge.bundle import MANIFEST, manifest_text, read_bundle
from mnist_edge.data import load
from tools.arm.steps import call, is_made, set_made, stamp

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "artifacts" / "edge"
HARDEST, ANY, NOISE = 150, 50, 20  # images


def make_hardest(folder: Path) -> Path:
    """Return the bundle of every quantization of artifacts/edge, with such golden samples."""
    sources = [*sorted(ROOT.glob("mnist_edge/export/*.py")), SOURCE / MANIFEST, Path(__file__)]
    sources += [ROOT / "mnist_edge" / "tolerance.py"]
    mark = stamp([path.read_bytes() for path in sources])
    if not is_made(folder, mark):
        shutil.rmtree(folder, ignore_errors=True)
        command = [sys.executable, "-m", "mnist_edge", "export", str(SOURCE), "--all"]
        call([*command, "--out", str(folder)], cwd=ROOT)
        _put_golden(folder)
        set_made(folder, mark)
    return folder


def _put_golden(folder: Path) -> None:
    bundle = read_bundle(folder)
    test = load("mnist").test
    with open_backend(folder / "edge-float32.tflite", "litert") as backend:
        first, second = np.sort(backend.infer(test.images), axis=1)[:, :-3:-1].T
        random = np.random.default_rng(0)
        chosen = np.concatenate(
            [np.argsort(first - second)[:HARDEST], random.choice(len(test), ANY, replace=False)]
        )
        noise = random.integers(0, 256, (NOISE, 28, 28)).astype(np.uint8)
        images = np.concatenate([test.images[chosen], noise])
        arrays = {"images": images, "reference": backend.infer(images)}
    arrays["labels"] = np.concatenate([test.labels[chosen], np.zeros(NOISE, np.uint8)])
    for entry in bundle.models:
        if entry.format != "keras":
            with open_backend(folder / entry.file) as backend:
                arrays[entry.file] = backend.infer(images)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    (folder / bundle.manifest["golden"]["file"]).write_bytes(buffer.getvalue())
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    manifest["golden"] |= {"sha256": digest, "count": len(images)}
    (folder / MANIFEST).write_text(manifest_text(manifest), encoding="utf-8")

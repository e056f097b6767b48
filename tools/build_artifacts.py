"""Make the shipped bundle: train, export, bench, and the part of it that the wheel carries.

    python tools/build_artifacts.py [--resume | --export]

With --resume an interrupted training goes on, and a finished one is not repeated. With --export
the network stays as it is, and is exported and benched anew.
artifacts/edge gets all of it; mnist_edge/shipped/edge gets int8 TFLite and float32 ONNX, which is
what `Classifier.open()` uses on a device.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from pathlib import Path

import numpy as np

from mnist_edge import reference
from mnist_edge.atomic import replacing_folder
from mnist_edge.bundle import MANIFEST, Bundle, checked_bytes, manifest_text, read_bundle

ROOT = Path(__file__).parent.parent
NAME = "edge"
SHIPPED = (f"{NAME}-int8.tflite", f"{NAME}-float32.onnx")


def command(*arguments: str) -> None:
    """Run one mnist-edge command in the repository's root, so that no path of a machine is kept."""
    subprocess.run([sys.executable, "-m", "mnist_edge", *arguments], cwd=ROOT, check=True)


def ship(bundle: Bundle, folder: Path) -> None:
    """Write the models of SHIPPED, their golden samples and a manifest of just these.

    What Keras said of all test images stays behind: the wheel is to be small.
    """
    golden = bundle.manifest["golden"]
    content = checked_bytes(bundle.folder / golden["file"], golden["sha256"])
    with np.load(io.BytesIO(content)) as archive:
        others = {entry.file for entry in bundle.models} - set(SHIPPED)
        arrays = {name: archive[name] for name in archive.files if name not in others}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    entries = [bundle.entry(file) for file in SHIPPED]
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    manifest = {
        **bundle.manifest,
        "models": [entry.as_dict() for entry in entries],
        "golden": {**golden, "sha256": digest},
    }
    manifest.pop(reference.KEY, None)
    with replacing_folder(folder) as fresh:
        for entry in entries:
            (fresh / entry.file).write_bytes(bundle.read_file(entry))
        (fresh / golden["file"]).write_bytes(buffer.getvalue())
        (fresh / MANIFEST).write_text(manifest_text(manifest), encoding="utf-8")


def main() -> None:
    """Make the bundle."""
    run, out = f"artifacts/runs/{NAME}", f"artifacts/{NAME}"
    if "--export" in sys.argv:
        run = out
    else:
        again = "--resume" if "--resume" in sys.argv else "--fresh"
        command("train", "--recipe", NAME, "--out", run, again)
    command("export", run, "--int8", "--out", out)
    devices = ("--runtime", "litert", "--runtime", "onnxruntime")  # Keras is the reference still
    command("bench", out, *devices, "--out", f"{out}/bench.json", "--pictures", out)
    ship(read_bundle(ROOT / out), ROOT / "mnist_edge" / "shipped" / NAME)


if __name__ == "__main__":
    main()

"""Make the shipped bundles: train, export, bench, report, and the part that the wheel carries.

    python -m tools.build_artifacts [--export] [NAME ...]

The network is that of the seed which artifacts/frontier.json names, taught by the same teachers;
what is trained already under artifacts/runs is not repeated. With --export the networks stay as
they are, and are exported and benched anew.
artifacts/<name> gets all of it; mnist_edge/shipped/edge gets int8 TFLite and float32 ONNX, which is
what `Classifier.open()` uses on a device.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
from pathlib import Path

import numpy as np

from mnist_edge import reference
from mnist_edge.atomic import replacing_folder
from mnist_edge.bundle import MANIFEST, Bundle, checked_bytes, manifest_text, read_bundle
from tools.frontier import RECORD
from tools.runs import LEARNERS, ROOT, TAUGHT, command, run_of, teach, train_teachers
from tools.runs import train as train_seed

CARRIED = "edge"  # by the wheel
SHIPPED = (f"{CARRIED}-int8.tflite", f"{CARRIED}-float32.onnx")


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


def build(name: str, run: Path) -> bool:
    """Export a run into artifacts/<name>, bench and report it; return whether it kept its gates."""
    out = f"artifacts/{name}"
    command("export", run, "--int8", "--out", out)
    devices = ("--runtime", "litert", "--runtime", "onnxruntime")  # Keras is the reference
    files = ("--out", f"{out}/bench.json", "--pictures", out)
    kept = command("bench", out, "--stress", *devices, *files, cores=2, may_fail=True)
    command("report", out, cores=2)
    if name == CARRIED:
        ship(read_bundle(ROOT / out), ROOT / "mnist_edge" / "shipped" / name)
    return kept


def main() -> None:
    """Make the bundles named on the command line, or all."""
    names = [word for word in sys.argv[1:] if word != "--export"] or list(LEARNERS)
    if "--export" in sys.argv:
        runs = {name: Path("artifacts") / name for name in names}
    else:
        record = json.loads(RECORD.read_text(encoding="utf-8"))
        if set(names) & set(TAUGHT):
            train_teachers()
        runs = {name: run_of(name, record[name]["shipped"]) for name in names}
        for name, run in runs.items():
            train_seed(name, record[name]["shipped"], run, *teach(name))
    failed = [name for name, run in runs.items() if not build(name, run)]
    if failed:
        sys.exit(f"bench found a gate that was not kept, or a failure: {', '.join(failed)}")


if __name__ == "__main__":
    main()

"""Draw the pictures and the report of the shipped bundles anew, from what they have on record.

    python -m tools.redraw [NAME ...]

For when only the drawing has changed: nothing is trained, exported or timed.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from mnist_edge.bench.record import Record
from mnist_edge.bundle import read_bundle
from mnist_edge.data import Dataset, load
from mnist_edge.reference import read
from mnist_edge.report.audit_picture import save_audit_picture
from mnist_edge.report.bench_pictures import save_bench_pictures
from mnist_edge.report.pictures import save_run_pictures
from mnist_edge.training.card import read_history
from tools.runs import LEARNERS, ROOT, command

if TYPE_CHECKING:
    from pathlib import Path


def redraw(folder: Path, dataset: Dataset) -> None:
    """Write a bundle's pictures anew.

    Args:
        folder: of the bundle.
        dataset: that it was measured on.
    """
    bundle = read_bundle(folder)
    said = read(bundle, dataset.test.images)
    if said is None:
        sys.exit(f"{folder} does not have what Keras said of the test images: export it anew")
    save_run_pictures(folder, read_history(folder), dataset.test, said, dataset.labels)
    save_audit_picture(
        folder / "audit.png", json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    )
    save_bench_pictures(folder, Record.read(folder / "bench.json"), dataset.test)


def main() -> None:
    """Redraw the bundles named on the command line, or all."""
    dataset = load("mnist")
    for name in sys.argv[1:] or LEARNERS:
        redraw(ROOT / "artifacts" / name, dataset)
        command("report", f"artifacts/{name}", cores=2)


if __name__ == "__main__":
    main()

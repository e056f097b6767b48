"""Runs on the board: verify what came, then bench it.

    python -m mnist_edge.bench.on_device JOB.json

The job names bundles or models, an .npz of test images, what the dataset is called, and settings.
`record.json` is written beside it. Each line on standard output that is JSON is a word on what is
being done; numpy and one runtime are all that is needed.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mnist_edge.bench import Settings, run_suite
from mnist_edge.bundle import read_bundle
from mnist_edge.data.labelled import Dataset, Split
from mnist_edge.errors import MnistEdgeError
from mnist_edge.verify import verify

ANSWER = "answer.json"


@dataclass(frozen=True)
class Sent(Dataset):
    """The test part of a dataset that is whole at the desk.

    Attributes:
        identity: the hash of the whole.
    """

    identity: str = ""

    @cached_property
    def sha256(self) -> str:
        """The hash of the whole, as the desk has it."""
        return self.identity


def main(file: Path) -> None:
    """Do the job of a file; write what came of it beside the file."""
    job = json.loads(file.read_text(encoding="utf-8"))
    answer = work(job, file.parent)
    file.with_name(ANSWER).write_text(json.dumps(answer), encoding="utf-8")


def work(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return `status` (`ok` or `failed`), `error`, `verify` (findings) and `record`.

    Args:
        job: see `remote.parcel.job`; its paths are within `folder`.
        folder: where the parcel was unpacked, which is also the current folder.
    """
    answer: dict[str, Any] = {"status": "ok", "error": None, "verify": [], "record": None}
    try:
        dataset = dataset_of(job["dataset"], folder / job["images"])
        for path in map(Path, job["paths"]):
            if path.is_dir():
                say({"step": "verify", "text": f"verifying {path.name}"})
                findings = verify(read_bundle(path))
                answer["verify"] += [
                    {"bundle": str(path), **asdict(found), "holds": bool(found)}
                    for found in findings
                ]
        settings: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in job["settings"].items()
        }
        record = run_suite(
            [Path(path) for path in job["paths"]],
            dataset,
            Settings(**settings),
            lambda text, done, total: say(
                {"step": "bench", "text": text, "done": done, "total": total}
            ),
        )
        answer["record"] = {**record.document, "verify": answer["verify"]}
    except MnistEdgeError as error:
        answer |= {"status": "failed", "error": str(error)}
    return answer


def dataset_of(about: dict[str, Any], file: Path) -> Sent:
    """Return the dataset that the desk has, of which only the test part came."""
    with np.load(file, allow_pickle=False) as arrays:
        images = arrays["images"]
        truth = arrays["truth"] if "truth" in arrays.files else None
    none = Split(images[:0], None if truth is None else truth[:0])
    return Sent(
        about["name"], none, Split(images, truth), tuple(about["labels"]), identity=about["sha256"]
    )


def say(what: dict[str, Any]) -> None:
    """Say what is being done."""
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""What runs on the board, run here."""

import json
import os
import subprocess
import sys

from mnist_edge.bench.on_device import ANSWER, dataset_of

RUN = {"seconds": 0.0, "samples": 5, "patience": 1.0, "launches": 1, "rounds": 1, "batches": [1]}
RUN |= {"runtimes": ["litert"], "threads": [1], "max_drop": 100, "min_agreement": 0}


def work(root, folder, bundle, dataset, spoil=None):
    """Do a job in a process of its own; return the answer and what was said."""
    from mnist_edge.bench.remote.parcel import job, make_parcel

    parcel = make_parcel([bundle.folder / "edge-int8.tflite"], dataset)
    (whole,) = {place.rpartition("/")[0] for place in parcel.paths}
    parcel.paths.clear()
    parcel.paths[whole] = bundle.folder
    for name, content in {**parcel.files, "job.json": job(parcel, RUN)}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    if spoil:
        file = folder / whole / spoil
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    ended = subprocess.run(
        [sys.executable, "-m", "mnist_edge.bench.on_device", "job.json"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(root)}, stdout=subprocess.PIPE,
        timeout=120, check=True,
    )  # fmt: skip
    answer = json.loads((folder / ANSWER).read_text())
    return answer, [json.loads(line) for line in ended.stdout.splitlines()]


def test_it_verifies_benches_and_says_so(root, tmp_path, bundle, dataset):
    answer, said = work(root, tmp_path, bundle, dataset)
    assert (answer["status"], answer["error"]) == ("ok", None)
    assert ("litert", True) in [(each["runtime"], each["holds"]) for each in answer["verify"]]
    record = answer["record"]
    assert record["verify"] == answer["verify"]
    assert record["dataset"]["sha256"] == dataset.sha256
    assert record["dataset"]["samples"] == len(dataset.test)
    assert [row["model"] for row in record["results"]] == ["edge-int8.tflite"]
    assert [each["step"] for each in said][:2] == ["verify", "bench"]


def test_a_damaged_copy_is_an_answer(root, tmp_path, bundle, dataset):
    answer, _said = work(root, tmp_path, bundle, dataset, "edge-int8.tflite")
    assert answer["status"] == "failed"
    assert "it was changed or damaged" in answer["error"]
    assert {each["file"]: each["holds"] for each in answer["verify"]}["edge-int8.tflite"] is False
    assert answer["record"] is None


def test_the_dataset_keeps_its_identity_under_other_names(dataset, tmp_path):
    import numpy as np

    np.savez(tmp_path / "images.npz", images=dataset.test.images)
    about = {"name": "mine", "sha256": "abc", "labels": []}
    found = dataset_of(about, tmp_path / "images.npz")
    assert found.under(("a", "b"), "it").sha256 == "abc"
    assert found.test.truth is None

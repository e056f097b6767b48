"""What we ship is what we say that it is."""

import json
from pathlib import Path

import pytest

from mnist_edge.bundle import read_bundle
from mnist_edge.verify import verify

ARTIFACTS = Path(__file__).parents[1] / "artifacts"
RECORD = json.loads((ARTIFACTS / "frontier.json").read_text(encoding="utf-8"))
BYTES = {"edge": 64_000, "micro": 16_000, "nano": 8_000}  # of the int8 TFLite file, at most
NAMES = sorted(BYTES)


@pytest.mark.parametrize("name", NAMES)
def test_a_bundle_keeps_its_budget(name):
    bundle = read_bundle(ARTIFACTS / name)
    assert bundle.entry(f"{name}-int8.tflite").bytes <= BYTES[name]
    if name == "nano":
        assert bundle.manifest["training"]["parameters"] <= 1000


@pytest.mark.parametrize("name", NAMES)
def test_a_bundle_is_the_seed_that_validation_images_chose(name):
    found, bundle = RECORD[name], read_bundle(ARTIFACTS / name)
    rows = {row["seed"]: row for row in found["seeds"]}
    assert sorted(rows) == list(range(5))
    best = max(row["validation_int8"] for row in rows.values())
    shipped = rows[found["shipped"]]
    assert shipped["validation_int8"] == best
    training = bundle.manifest["training"]
    assert training["seed"] == found["shipped"]
    assert training["parameters"] == shipped["parameters"]
    parity = bundle.entry(f"{name}-int8.tflite").parity
    assert parity["accuracy"] == pytest.approx(shipped["test_int8"], abs=1e-9)
    assert parity["samples"] == 10_000


def test_edge_is_no_slower_than_the_classic_network():
    assert RECORD["edge"]["latency"]["high"] <= 1


@pytest.mark.parametrize("name", NAMES)
def test_a_bundle_runs_here_as_it_did_when_it_was_made(name):
    assert all(verify(read_bundle(ARTIFACTS / name)))


@pytest.mark.parametrize("name", NAMES)
def test_the_report_is_of_these_models_and_this_bench(name):
    text = (ARTIFACTS / name / "report.html").read_text(encoding="utf-8")
    record = json.loads((ARTIFACTS / name / "bench.json").read_text(encoding="utf-8"))
    assert all(entry.sha256 in text for entry in read_bundle(ARTIFACTS / name).models)
    assert record["created"].replace("T", " ").replace("+00:00", " UTC") in text
    assert 'class="lacking"' not in text
    assert "/home/" not in text
    assert str(ARTIFACTS.parent) not in text
    assert len(text.encode()) < 1_000_000


@pytest.mark.parametrize("name", NAMES)
def test_confidence_is_calibrated(name):
    rows = json.loads((ARTIFACTS / name / "bench.json").read_text(encoding="utf-8"))["results"]
    errors = {row["model"]: row["stress"]["clean"]["calibration_error"] for row in rows}
    assert f"{name}-int8.tflite" in errors
    assert max(errors.values()) < 0.01

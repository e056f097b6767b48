"""A bench with stress: every model in its own process, on images of quadrants."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mnist_edge.bench.calibration import calibration_error
from mnist_edge.bench.intervals import wilson
from mnist_edge.bench.record import Record
from mnist_edge.bench.settings import Settings
from mnist_edge.bench.stress import non_digits
from mnist_edge.bench.stress.corruptions import CORRUPTIONS, corrupt
from mnist_edge.bench.stress.measures import auroc, below
from mnist_edge.bench.stress.trial import STEPS
from mnist_edge.bench.suite import run_suite
from mnist_edge.classifier import Classifier
from mnist_edge.data import Split
from mnist_edge.errors import SettingError

SHORT = {
    "seconds": 0.01, "samples": 10, "patience": 1.0, "launches": 1, "rounds": 1, "batches": (1,),
}  # fmt: skip


pytestmark = pytest.mark.usefixtures("no_fashion")


@pytest.fixture
def bench(bundle, dataset):
    def run(*files, say=lambda *_step: None, **settings):
        paths = [bundle.folder / file for file in files]
        chosen = Settings(**{"runtimes": ("litert", "onnxruntime"), **SHORT, **settings})
        return run_suite(paths, dataset, chosen, say)

    return run


@pytest.mark.needs("litert", "onnxruntime")
def test_each_model_has_what_its_own_answers_say(bench, bundle, dataset):
    record = bench("edge-float32.onnx", "edge-int8.tflite", stress=True)
    assert record
    assert record["settings"]["stress"] is True
    assert Record.of(json.loads(json.dumps(record.document)), "it").revision == 3
    for row in record["results"]:
        found = row["stress"]
        with Classifier.open(bundle.folder / row["model"], runtime=row["runtime"]) as model:
            for kind, said in zip(CORRUPTIONS, found["corruptions"], strict=True):
                assert (said["name"], said["unit"]) == (kind.name, kind.unit)
                for amount, level in zip(kind.amounts, said["levels"], strict=True):
                    answer = model.probabilities(corrupt(dataset.test.images, kind, amount))
                    right = answer.argmax(1) == dataset.test.labels
                    assert level == {
                        "amount": amount,
                        "accuracy": right.mean(),
                        "accuracy_ci95": list(wilson(int(right.sum()), len(right))),
                        "calibration_error": calibration_error(answer, right),
                    }
            clean = model.probabilities(dataset.test.images)
            noise = model.probabilities(non_digits.uniform_noise((28, 28)))
            printed = model.probabilities(non_digits.letters())
        for key in ("accuracy", "accuracy_ci95", "calibration_error"):
            assert found["clean"][key] == row["parity"][key]
        strangers = found["non_digits"]
        assert strangers["digits_below"] == below(clean)
        assert strangers["sets"] == [
            {"name": "uniform noise", "missing": None, "samples": 1000, "below": below(noise),
             "auroc": auroc(clean, noise)},
            {"name": "letters", "missing": None, "samples": len(printed), "below": below(printed),
             "auroc": auroc(clean, printed)},
            {"name": "fashion items", "missing": "cannot get fashion-mnist", "samples": 0,
             "below": None, "auroc": None},
        ]  # fmt: skip


@pytest.mark.needs("litert")
def test_without_it_nothing_of_it_is_done(bench, monkeypatch):
    def never(*_given):
        raise AssertionError("images were corrupted")

    monkeypatch.setattr("mnist_edge.bench.stress.trial.corrupt", never)
    steps = []
    record = bench("edge-int8.tflite", runtimes=("litert",), say=lambda *step: steps.append(step))
    assert record["settings"]["stress"] is False
    assert [row["stress"] for row in record["results"]] == [None]
    assert not [text for text, _done, _total in steps if text.startswith("stress")]


@pytest.mark.needs("litert")
def test_its_steps_are_counted(bench):
    steps = []
    bench(
        "edge-int8.tflite",
        runtimes=("litert",),
        stress=True,
        say=lambda *step: steps.append(step),
    )
    told = [text for text, _done, _total in steps if text.startswith("stress: ")]
    assert told == [f"stress: {each.name}" for each in CORRUPTIONS] + [
        "stress: uniform noise", "stress: letters", "stress: fashion items",
    ]  # fmt: skip
    assert len(told) == STEPS
    assert steps[-1][1] == steps[-1][2] - 1


@pytest.mark.needs("litert", "onnxruntime")
def test_a_crash_under_stress_is_a_row_and_not_the_end(bench, crashing):
    crashing("litert", "classify", "os.kill(os.getpid(), 11)", after=4)
    record = bench("edge-float32.onnx", "edge-int8.tflite", stress=True)
    fine, crashed = record["results"]
    assert fine["stress"]["mean_accuracy"] > 0.5
    assert len(fine["stress"]["corruptions"]) == len(CORRUPTIONS)
    assert (crashed["status"], crashed["stress"]) == ("failed", None)
    (said,) = record.failures
    assert "edge-int8.tflite on litert failed: the process ended with signal 11" in said


@pytest.mark.needs("litert")
def test_without_labels_it_is_refused_before_anything_runs(bundle, dataset):
    blind = replace(dataset, test=Split(dataset.test.images, None))
    settings = Settings(runtimes=("litert",), stress=True, **SHORT)
    with pytest.raises(SettingError, match="has no labels, and stress is told by accuracy"):
        run_suite([bundle.folder / "edge-int8.tflite"], blind, settings)


def test_images_of_any_shape_are_put_under_stress(fitted, own_images, tmp_path):
    import keras

    image = keras.Input((12, 10, 3))
    found = keras.layers.Flatten()(keras.layers.Conv2D(4, 3, activation="relu")(image))
    fitted(image, found, 4).save(tmp_path / "own.keras")
    images, labels = own_images(60, (12, 10, 3), 4, 1)
    np.savez(tmp_path / "own.npz", images=images, labels=labels)
    from mnist_edge.data import load

    dataset = load(tmp_path / "own.npz", shape=(12, 10, 3))
    settings = Settings(runtimes=("keras",), stress=True, **SHORT)
    (row,) = run_suite([tmp_path / "own.keras"], dataset, settings)["results"]
    assert row["stress"]["clean"]["accuracy"] > 0.5
    noise, letters, fashion = row["stress"]["non_digits"]["sets"]
    assert noise["samples"] == 1000
    for each in (letters, fashion):
        assert each["missing"] == "they are of 28x28 grey pixels, and the models take [12, 10, 3]"

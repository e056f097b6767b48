import json
import shutil

import numpy as np
import pytest

from mnist_edge.bundle import read_bundle
from mnist_edge.data import load, stratified_split
from mnist_edge.errors import BundleError, DataError, SettingError
from mnist_edge.preprocess import to_unit
from mnist_edge.training.card import finished, read_history
from mnist_edge.training.finetune import finetune
from mnist_edge.training.watch import Watcher


class Stop(Watcher):
    def start(self, recipe, steps, done, epochs):
        raise KeyboardInterrupt


def about(folder):
    return read_bundle(folder).manifest["training"]["quantization_aware"]


def weights(folder):
    import keras

    model = keras.saving.load_model(folder / "edge-qat.keras", compile=False)
    assert not [layer for layer in model.layers if "Normal" in type(layer).__name__]
    assert {type(layer).__module__.split(".")[0] for layer in model.layers} == {"keras"}
    return model.get_weights()


def test_a_run_is_written_that_says_where_it_came_from(tuned, run_folder, dataset, small_recipe):
    run, parent = read_bundle(tuned.folder), read_bundle(run_folder)
    found = about(tuned.folder)
    assert run.name == "edge-qat"
    assert found["parent"] == {
        "name": "edge", "file": "edge.keras", "sha256": parent.models[0].sha256,
    }  # fmt: skip
    assert found["epochs"] == 2
    assert found["learnt_from"] == "labels"
    assert found["best_epoch"] in (9, 10)
    named = [name.rstrip("0123456789").rstrip("_") for name in found["ranges"]]
    assert sorted(named) == [*["conv2d"] * 4, "global_average_pooling2d", "probabilities"]
    assert all(low <= 0 < high for low, high in found["ranges"].values())
    assert found["validation_accuracy"].keys() == {
        "float32", "post_training", "quantization_aware",
    }  # fmt: skip
    assert found["validation_accuracy"] == tuned.validation
    assert found["test_accuracy"] == tuned.test
    history = read_history(tuned.folder)
    assert [row["epoch"] for row in history] == list(range(1, 11))
    assert history[:8] == read_history(run_folder)
    assert finished(tuned.folder, small_recipe, dataset) is None  # train --resume is not misled


def test_the_best_epoch_by_validation_is_kept(tuned):
    shares = {row["epoch"]: row["val_accuracy"] for row in tuned.history[-2:]}
    best = about(tuned.folder)["best_epoch"]
    assert tuned.validation["quantization_aware"] == pytest.approx(shares[best])
    assert shares[best] == max(shares.values())


def test_no_image_that_was_held_out_has_a_say_in_where_ranges_start(
    monkeypatch, tmp_path, dataset, run_folder, small_recipe
):
    class Observed(BaseException):
        pass

    def observe(_model, images):
        raise Observed(images)

    monkeypatch.setattr("mnist_edge.training.finetune.observed", observe)
    with pytest.raises(Observed) as caught:
        finetune(read_bundle(run_folder), dataset, tmp_path / "out")
    images = dataset.train.images
    kept, held = stratified_split(
        dataset.train.labels, small_recipe.validation_share, small_recipe.split_seed
    )
    assert len(held) > 0
    learnt_from = {to_unit(images[place]).tobytes() for place in kept}
    (sample,) = caught.value.args
    assert len(sample) == min(500, len(kept))
    assert {image.tobytes() for image in sample} <= learnt_from


def test_the_same_seed_gives_the_same_weights_and_ranges(tuned, tmp_path, dataset, run_folder):
    run = read_bundle(run_folder)
    again = finetune(run, dataset, tmp_path / "again", epochs=2, learning_rate=1e-3)
    assert again.ranges == tuned.ranges
    pairs = zip(weights(tuned.folder), weights(again.folder), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)


def test_an_interrupted_run_leaves_nothing_and_what_was_there_stays(
    tuned, tmp_path, dataset, run_folder
):
    out = tmp_path / "runs" / "small-qat"
    run = read_bundle(run_folder)
    with pytest.raises(KeyboardInterrupt):
        finetune(run, dataset, out, watcher=Stop())
    assert not out.parent.exists()
    shutil.copytree(tuned.folder, out)

    def fail(*_anything):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finetune(run, dataset, out, epochs=1, draw=fail)
    assert [path.name for path in out.parent.iterdir()] == ["small-qat"]
    assert about(out) == about(tuned.folder)


def of_settings(run_folder, folder, **changes):
    """A copy of a run that was trained with other settings, as its manifest has it."""
    shutil.copytree(run_folder, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["training"]["hyperparameters"] |= changes
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return read_bundle(folder)


def test_without_held_out_images_the_last_epoch_is_kept(tmp_path, dataset, run_folder):
    run = of_settings(run_folder, tmp_path / "all", validation_share=0)
    found = finetune(run, dataset, tmp_path / "out", epochs=1)
    assert about(found.folder)["best_epoch"] == 9
    assert found.validation == {}
    assert found.test["quantization_aware"] > 0.5


def test_the_stem_of_a_run_stays_at_a_mean_of_zero(tmp_path, tuned, dataset, run_folder):
    run = of_settings(run_folder, tmp_path / "held", zero_mean_stem=True)
    found = finetune(run, dataset, tmp_path / "out", epochs=1)
    mean, free = (np.abs(weights(each.folder)[0].mean((0, 1, 2))).max() for each in (found, tuned))
    assert mean < 1e-6 < 1e-3 < free


def without_training(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["training"]["hyperparameters"]
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_what_cannot_be_fine_tuned_is_refused(tuned, tmp_path, dataset, run_folder, quadrants_file):
    run = read_bundle(run_folder)
    with pytest.raises(SettingError, match="epochs is 0; wanted 1 or more"):
        finetune(run, dataset, tmp_path / "out", epochs=0)
    with pytest.raises(SettingError, match="learning_rate is nan; wanted a number above 0"):
        finetune(run, dataset, tmp_path / "out", learning_rate=float("nan"))
    with pytest.raises(SettingError, match="is the run that is fine-tuned: choose another --out"):
        finetune(run, dataset, run_folder)
    with pytest.raises(SettingError, match="is fine-tuned already: name the run that it came from"):
        finetune(read_bundle(tuned.folder), dataset, tmp_path / "out")
    arrays = dict(np.load(quadrants_file))
    arrays["images"] = arrays["images"][::-1]
    np.savez(tmp_path / "other.npz", **arrays)
    with pytest.raises(DataError, match="is not the same data: name the right one with --data"):
        finetune(run, load(tmp_path / "other.npz"), tmp_path / "out")
    shutil.copytree(run_folder, tmp_path / "mute")
    without_training(tmp_path / "mute")
    with pytest.raises(BundleError, match="does not say how it was trained: train it anew"):
        finetune(read_bundle(tmp_path / "mute"), dataset, tmp_path / "out")
    assert not (tmp_path / "out").exists()

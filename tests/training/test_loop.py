import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mnist_edge.backends import open_backend
from mnist_edge.bundle import read_bundle
from mnist_edge.errors import OutputError, SettingError
from mnist_edge.training.card import finished, read_history
from mnist_edge.training.loop import train
from mnist_edge.training.recipe import override
from mnist_edge.training.recipes import find
from mnist_edge.training.watch import Watcher

TINY = override(find("edge"), filters=(2, 2, 2, 4), epochs=3, batch_size=32)
DROPOUT = override(find("dropout"), filters=(2, 3), epochs=3, batch_size=32)


class StopAfter(Watcher):
    def __init__(self, epoch, in_step=None):
        self.at, self.in_step = epoch, in_step

    def epoch(self, row):
        if self.in_step is None and row["epoch"] == self.at:
            raise KeyboardInterrupt

    def step(self, epoch, step, loss, accuracy):
        if self.in_step is not None and epoch == self.at and step >= self.in_step:
            raise KeyboardInterrupt


def weights(folder, recipe):
    import keras

    model = keras.saving.load_model(folder / f"{recipe.name}.keras", compile=False)
    return [weight.numpy() for weight in model.weights]


def same_weights(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def straight(tmp_path_factory, dataset):
    """Both recipes, trained without a stop."""
    folder = tmp_path_factory.mktemp("straight")
    for recipe in (TINY, DROPOUT):
        train(recipe, dataset, folder / recipe.name)
    return folder


@pytest.mark.parametrize("recipe", [TINY, DROPOUT], ids=["edge", "dropout"])
def test_the_same_seed_gives_the_same_weights(straight, tmp_path, dataset, recipe):
    train(recipe, dataset, tmp_path / "again")
    first, again = straight / recipe.name, tmp_path / "again"
    assert same_weights(weights(first, recipe), weights(again, recipe))
    assert (first / "history.csv").read_bytes() == (again / "history.csv").read_bytes()


def test_another_seed_gives_other_weights(straight, tmp_path, dataset):
    train(override(TINY, seed=1), dataset, tmp_path / "other")
    assert not same_weights(weights(straight / "edge", TINY), weights(tmp_path / "other", TINY))


@pytest.mark.parametrize("recipe", [TINY, DROPOUT], ids=["edge", "dropout"])
@pytest.mark.parametrize("stop", [StopAfter(1), StopAfter(2, in_step=8)], ids=["between", "within"])
def test_a_stopped_run_ends_as_an_unstopped_one(straight, tmp_path, dataset, recipe, stop):
    out = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        train(recipe, dataset, out, watcher=stop)
    assert not out.exists()
    with pytest.raises(SettingError, match=r"stopped after epoch 1 of 3: go on with --resume"):
        train(recipe, dataset, out)
    train(recipe, dataset, out, resume=True)
    first = straight / recipe.name
    assert (out / "history.csv").read_bytes() == (first / "history.csv").read_bytes()
    assert same_weights(weights(out, recipe), weights(first, recipe))
    assert [path.name for path in tmp_path.iterdir()] == ["stopped"]


def test_a_killed_run_ends_as_an_unstopped_one(straight, tmp_path, quadrants_file):
    command = [sys.executable, "-m", "mnist_edge", "train", "--recipe", "dropout"]
    command += ["--filters", "2,3", "--epochs", "3", "--batch-size", "32"]
    command += ["--data", str(quadrants_file), "--out", str(tmp_path / "killed")]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for line in running.stderr:
        if line.startswith("epoch 1/3"):
            os.kill(running.pid, signal.SIGKILL)
            break
    running.communicate()
    assert running.returncode == -signal.SIGKILL
    assert not (tmp_path / "killed").exists()
    resumed = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=True)
    assert "going on after epoch" in resumed.stderr
    expected = (straight / "dropout" / "history.csv").read_bytes()
    assert (tmp_path / "killed" / "history.csv").read_bytes() == expected


def test_a_run_of_other_settings_or_data_is_not_gone_on_with(tmp_path, dataset):
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(TINY, dataset, out, watcher=StopAfter(1))
    with pytest.raises(SettingError, match=r"with epochs 3: say the same, or use --fresh"):
        train(override(TINY, epochs=4), dataset, out, resume=True)
    other = type(dataset)("other", dataset.test, dataset.train, dataset.labels)
    with pytest.raises(SettingError, match="another dataset"):
        train(TINY, other, out, resume=True)
    trained = train(override(TINY, epochs=1), dataset, out, fresh=True)
    assert len(trained.history) == 1


def test_a_damaged_state_says_what_to_do(tmp_path, dataset):
    partial = tmp_path / "run.partial"
    partial.mkdir()
    (partial / "state.npz").write_bytes(b"half")
    with pytest.raises(SettingError, match=r"is damaged .*--fresh"):
        train(TINY, dataset, tmp_path / "run", resume=True)


def test_a_folder_of_something_else_is_left_alone(tmp_path, dataset):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="something that is not a run"):
        train(TINY, dataset, tmp_path)
    with pytest.raises(OutputError, match="is a file"):
        train(TINY, dataset, tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_place_that_cannot_be_written_to_is_found_out_before_training(tmp_path, dataset):
    (tmp_path / "file").write_text("")
    seen = []
    watcher = Watcher()
    watcher.start = lambda *_about: seen.append("started")
    with pytest.raises(OutputError, match="choose another place"):
        train(TINY, dataset, tmp_path / "file" / "run", watcher=watcher)
    assert seen == []


def test_a_run_says_how_it_came_about(run_folder, dataset, small_recipe):
    run = read_bundle(run_folder)
    training = run.manifest["training"]
    assert training["recipe"] == "edge"
    assert training["dataset"] == {"name": "quadrants", "sha256": dataset.sha256}
    assert training["split"]["training"] + training["split"]["validation"] == len(dataset.train)
    assert training["split"]["test"] == len(dataset.test)
    assert training["hyperparameters"] == small_recipe.as_dict()
    assert run.labels == dataset.labels
    assert set(run.manifest["versions"]) >= {"python", "keras", "numpy"}
    assert str(Path.home()) not in json.dumps(run.manifest)


def test_the_test_accuracy_is_that_of_the_saved_model(run_folder, dataset):
    with open_backend(run_folder / "edge.keras", "keras") as backend:
        right = backend.infer(dataset.test.images).argmax(1) == dataset.test.labels
    training = read_bundle(run_folder).manifest["training"]
    assert training["test_accuracy"] == right.mean()
    by_class = [right[dataset.test.labels == index].mean() for index in range(4)]
    assert list(training["test_accuracy_per_class"].values()) == by_class


def test_the_saved_model_has_no_optimizer_in_it(run_folder):
    import keras

    model = keras.saving.load_model(run_folder / "edge.keras")
    assert getattr(model, "optimizer", None) is None


def test_history_has_a_row_an_epoch(run_folder, small_recipe):
    history = read_history(run_folder)
    assert [row["epoch"] for row in history] == list(range(1, small_recipe.epochs + 1))
    assert history[-1]["loss"] < history[0]["loss"]
    assert history[-1]["learning_rate"] < 1e-6 < history[0]["learning_rate"]
    assert {"val_loss", "val_accuracy"} <= set(history[0])


def test_a_finished_run_is_known_by_recipe_and_data(run_folder, dataset, small_recipe, tmp_path):
    assert finished(run_folder, small_recipe, dataset).folder == run_folder
    assert finished(run_folder, override(small_recipe, seed=9), dataset) is None
    assert finished(tmp_path, small_recipe, dataset) is None


def test_training_without_validation_leaves_its_columns_empty(tmp_path, dataset):
    recipe = override(TINY, epochs=1, validation_share=0.0)
    trained = train(recipe, dataset, tmp_path / "run")
    assert "val_loss" not in trained.history[0]
    assert ",,," not in (tmp_path / "run" / "history.csv").read_text().splitlines()[0]
    assert read_history(tmp_path / "run")[0].keys() == trained.history[0].keys()


def test_a_loss_that_is_no_number_stops_the_run(tmp_path, dataset):
    recipe = override(DROPOUT, epochs=1, optimizer="sgd", learning_rate=1e30)
    with pytest.raises(SettingError, match=r"the loss became .* lower --learning-rate"):
        train(recipe, dataset, tmp_path / "run")


def test_a_former_run_stays_until_the_new_one_is_whole(straight, tmp_path, dataset):
    out = tmp_path / "run"
    shutil.copytree(straight / "edge", out)
    before = (out / "manifest.json").read_bytes()
    with pytest.raises(KeyboardInterrupt):
        train(override(TINY, seed=5), dataset, out, watcher=StopAfter(1))
    assert (out / "manifest.json").read_bytes() == before

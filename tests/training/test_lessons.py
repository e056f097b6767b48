import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from mnist_edge.bundle import read_bundle
from mnist_edge.errors import BundleError, SettingError
from mnist_edge.preprocess import to_unit
from mnist_edge.training.card import finished
from mnist_edge.training.lessons import Lessons, teachers_of, weights_sha256
from mnist_edge.training.loop import taught_by, train
from mnist_edge.training.watch import Watcher


@pytest.fixture(scope="module")
def learner(small_recipe):
    return replace(small_recipe, augmentation="elastic")


@pytest.fixture(scope="module")
def teachers(run_folder, dataset, learner):
    return teachers_of([run_folder], dataset, learner)


def test_teachers_answer_for_the_very_pixels_that_are_learnt_from(
    tmp_path, teachers, run_folder, dataset, learner
):
    import keras

    images = to_unit(dataset.train.images[:30, :, :, None])
    view = Lessons(tmp_path, teachers, images, learner).view(2)
    assert view.images.shape == (30, 28, 28, 1)
    assert view.images.dtype == np.uint8
    assert (view.images != dataset.train.images[:30, :, :, None]).any((1, 2, 3)).all()
    teacher = keras.saving.load_model(run_folder / "edge.keras", compile=False)
    said = np.asarray(teacher([view.images.astype(np.float32) / 255]))
    np.testing.assert_allclose(view.answers, said, atol=1e-3)  # kept as float16


def test_several_teachers_are_averaged(tmp_path, teachers, dataset, learner):
    images = to_unit(dataset.train.images[:30, :, :, None])
    one = Lessons(tmp_path / "one", teachers, images, learner).view(0)
    twice = Lessons(tmp_path / "two", {**teachers, "again": next(iter(teachers.values()))}, images,
                    learner).view(0)  # fmt: skip
    np.testing.assert_allclose(one.answers, twice.answers, atol=1e-3)
    np.testing.assert_allclose(one.answers.sum(1), 1, atol=5e-3)


def test_a_view_is_made_once_and_views_differ(tmp_path, teachers, dataset, learner):
    images = to_unit(dataset.train.images[:30, :, :, None])
    lessons = Lessons(tmp_path, teachers, images, learner)
    first, second = lessons.view(0), lessons.view(1)
    assert not np.array_equal(first.images, second.images)
    made = {path: path.stat().st_mtime_ns for path in lessons.folder.iterdir()}
    assert len(made) == 2
    # Another seed and other epochs learn from the same views; other changes do not.
    again = Lessons(tmp_path, teachers, images, replace(learner, seed=9, epochs=2))
    assert np.array_equal(again.view(0).images, first.images)
    assert {path: path.stat().st_mtime_ns for path in again.folder.iterdir()} == made
    assert Lessons(tmp_path, teachers, images, replace(learner, bend=2.0)).folder != again.folder
    assert Lessons(tmp_path, teachers, images[:20], learner).folder != again.folder


class Listener(Watcher):
    def __init__(self):
        self.heard = []

    def asked(self, done, images):
        self.heard.append((done, images))


def test_who_waits_for_the_teachers_is_told_how_far_they_are(
    tmp_path, teachers, dataset, learner, monkeypatch
):
    monkeypatch.setattr("mnist_edge.training.lessons.AT_ONCE", 12)
    images = to_unit(dataset.train.images[:30, :, :, None])
    listener = Listener()
    lessons = Lessons(tmp_path, teachers, images, learner, listener)
    lessons.view(0)
    assert listener.heard == [(12, 30), (24, 30), (30, 30)]
    lessons.view(0)  # made already
    assert len(listener.heard) == 3


def test_a_damaged_view_is_named(tmp_path, teachers, dataset, learner):
    lessons = Lessons(tmp_path, teachers, to_unit(dataset.train.images[:9, :, :, None]), learner)
    lessons.view(0)
    (path,) = lessons.folder.iterdir()
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(SettingError, match=r"view-00\.npz is damaged: remove it"):
        lessons.view(0)


@pytest.mark.parametrize("other", [{"split_seed": 7}, {"validation_share": 0.2}])
def test_a_teacher_must_not_know_what_is_held_out(run_folder, dataset, learner, other):
    with pytest.raises(
        SettingError, match=r"has learnt from \d+ of the images that this recipe holds out"
    ):
        teachers_of([run_folder], dataset, replace(learner, **other))


def test_a_teacher_may_have_held_out_more(run_folder, dataset, learner):
    assert teachers_of([run_folder], dataset, replace(learner, validation_share=0.05))
    assert teachers_of([run_folder], dataset, replace(learner, validation_share=0, split_seed=7))


def test_a_teacher_has_learnt_from_the_same_data(run_folder, dataset, learner):
    other = replace(dataset, train=dataset.train.part(np.arange(100)))
    with pytest.raises(SettingError, match="learnt from other data"):
        teachers_of([run_folder], other, learner)


def test_a_folder_that_is_no_run_cannot_teach(tmp_path, run_folder, dataset, learner):
    with pytest.raises(BundleError):
        teachers_of([tmp_path], dataset, learner)
    shutil.copytree(run_folder, tmp_path / "own")
    manifest = json.loads((tmp_path / "own" / "manifest.json").read_text())
    manifest["training"]["source"] = {"file": "my.keras"}
    (tmp_path / "own" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="what it has learnt from is not known here"):
        teachers_of([tmp_path / "own"], dataset, learner)


def test_a_teacher_is_known_by_its_weights(tmp_path, run_folder, teachers):
    import keras

    (digest,) = teachers
    model = keras.saving.load_model(run_folder / "edge.keras", compile=False)
    model.save(tmp_path / "again.keras")
    again = keras.saving.load_model(tmp_path / "again.keras", compile=False)
    assert (tmp_path / "again.keras").read_bytes() != (run_folder / "edge.keras").read_bytes()
    assert weights_sha256(again) == digest
    again.set_weights([2 * weight for weight in again.get_weights()])
    assert weights_sha256(again) != digest


class StopAfter(Watcher):
    def epoch(self, row):
        if row["epoch"] == 1:
            raise KeyboardInterrupt


def test_a_run_says_who_taught_it_and_is_no_other(tmp_path, run_folder, dataset, learner):
    recipe = replace(learner, epochs=2)
    done = train(recipe, dataset, tmp_path / "taught", teachers=[run_folder])
    hyper = read_bundle(done.folder).manifest["training"]["hyperparameters"]
    assert hyper["teachers"] == list(teachers_of([run_folder], dataset, learner))
    assert {path.name for path in (tmp_path / "lessons").rglob("*.npz")} == {
        "view-00.npz", "view-01.npz",
    }  # fmt: skip
    taught, _ = taught_by(recipe, [run_folder], dataset)
    assert finished(done.folder, taught, dataset)
    assert finished(done.folder, recipe, dataset) is None
    with pytest.raises(SettingError, match="the recipe has teachers: name their runs"):
        train(taught, dataset, tmp_path / "again")
    alone = train(recipe, dataset, tmp_path / "alone")
    assert not np.array_equal(alone.probabilities, done.probabilities)
    again = train(recipe, dataset, tmp_path / "again", teachers=[run_folder])
    assert np.array_equal(again.probabilities, done.probabilities)


def test_a_stopped_run_goes_on_with_its_teachers_and_no_others(
    tmp_path, run_folder, dataset, learner
):
    recipe, out = replace(learner, epochs=2), tmp_path / "run"
    straight = train(recipe, dataset, tmp_path / "straight", teachers=[run_folder])
    with pytest.raises(KeyboardInterrupt):
        train(recipe, dataset, out, teachers=[run_folder], watcher=StopAfter())
    with pytest.raises(SettingError, match="teachers"):
        train(recipe, dataset, out, resume=True)
    resumed = train(recipe, dataset, out, resume=True, teachers=[run_folder])
    assert np.array_equal(resumed.probabilities, straight.probabilities)

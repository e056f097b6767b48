import json

import numpy as np
import pytest

from mnist_edge.bench.intervals import paired_drop, wilson
from mnist_edge.bench.stress.corruptions import CORRUPTIONS, corrupt
from mnist_edge.training.networks import build
from mnist_edge.training.recipes import find
from tools import ablation, ablation_steps
from tools.runs import TAUGHT


@pytest.mark.parametrize("name", ablation.STEPS)
def test_each_step_adds_one_thing_and_the_last_is_the_recipe(name):
    trials = ablation.trials(name)
    assert trials[0].before is None
    assert [trial.shipped for trial in trials] == [False] * (len(trials) - 1) + [True]
    for trial in trials[1:]:
        before = trials[trial.before]
        assert not before.step.beside
        then, now = before.recipe.settings(), trial.recipe.settings()
        differing = {key for key in now if now[key] != then[key]}
        assert differing == set(trial.step.changes)
        assert (trial.taught != before.taught) == trial.step.taught
        assert bool(differing) != trial.step.taught
        assert build(trial.recipe, 10).output_shape == (None, 10)
    last, shipped = trials[-1].recipe.settings(), find(name).settings()
    assert {key for key in shipped if last[key] != shipped[key]} == {"calibrate"}
    assert trials[-1].taught == (name in TAUGHT)


def test_a_gain_is_of_paired_decisions():
    trials = ablation.trials("nano")
    first = np.arange(100) >= 10
    right = [first] * (len(trials) - 1) + [np.arange(100) >= 4]
    stressed = [0.5 + place / 100 for place in range(len(trials))]
    found = list(ablation.rows(trials, right, stressed, [{"bytes": 7}] * len(trials)))
    assert [row["stressed"] for row in found] == stressed
    assert "gain_points" not in found[0]
    assert (found[0]["errors"], found[0]["decisions"], found[0]["accuracy"]) == (10, 100, 0.9)
    assert found[0]["accuracy_ci95"] == list(wilson(90, 100))
    assert found[1]["gain_points"]["value"] == 0
    low, high = paired_drop(0, 6, 100)
    assert found[-1]["gain_points"] == pytest.approx(
        {"value": 6.0, "low": -100 * high, "high": -100 * low}
    )
    assert [row["beside"] for row in found] == [trial.step.beside for trial in trials]
    assert found[-1]["bytes"] == 7


def test_stress_is_the_mean_of_all_that_a_bench_does(dataset):
    seen = []

    def says(images):
        """Every answer is right but for images that are 45 % larger."""
        seen.append(images)
        shift = len(seen) == 27
        return np.eye(4)[(dataset.test.labels + shift) % 4]

    assert ablation.under_stress(says, dataset.test) == pytest.approx(26 / 27)
    assert len(seen) == 27
    assert np.array_equal(seen[-1], corrupt(dataset.test.images, CORRUPTIONS[-1], 145))


@pytest.fixture
def stubs(monkeypatch, tmp_path):
    """Nothing is trained: what would be is noted, and right are all images but as many as asked."""
    done = []

    def train(name, place, seed):
        trial = ablation.trials(name)[place]
        if ablation.kept(trial, seed) is None:
            done.append((place, seed))
            right = np.arange(50) >= place
            about = ablation.settings(trial)
            said = {"right": right, "stressed": 0.9 + seed / 100, "cpu_seconds": 10.0 + seed}
            np.savez(trial.answers(seed), **said, settings=about)

    monkeypatch.setattr(ablation, "SEEDS", {"nano": range(2)})
    monkeypatch.setattr(ablation_steps, "RUNS", tmp_path)
    monkeypatch.setattr(ablation, "in_process", train)
    monkeypatch.setattr(ablation, "classic_file", lambda: "classic")
    monkeypatch.setattr(ablation, "cost", lambda trial, spent, classic: {"spent": spent})
    return done


def test_what_is_kept_of_other_settings_is_made_anew(stubs, tmp_path):
    out = tmp_path / "ablation.json"
    ablation.main(jobs=1, only="nano", json_=out)
    count = len(ablation.STEPS["nano"])
    assert stubs == [(place, seed) for seed in range(2) for place in range(count)]
    record = json.loads(out.read_text())
    assert record["seeds"] == {"nano": [0, 1]}
    found = record["recipes"]["nano"]
    assert [row["errors"] for row in found] == [2 * place for place in range(count)]
    assert found[0]["spent"] == [10.0, 11.0]
    assert found[0]["stressed"] == pytest.approx(0.905)
    stubs.clear()
    ablation.main(jobs=1, only="nano", json_=out)
    assert stubs == []
    trial = ablation.trials("nano")[1]
    np.savez(trial.answers(0), right=np.ones(50, bool), cpu_seconds=1.0, settings="{}")
    ablation.main(jobs=1, only="nano", json_=out)
    assert stubs == [(1, 0)]


def test_a_recipe_that_has_no_steps_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="unknown recipe 'micro'; one of edge, nano"):
        ablation.main(only="micro", json_=tmp_path / "ablation.json")
    assert not list(tmp_path.iterdir())

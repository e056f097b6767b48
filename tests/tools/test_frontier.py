import json

import pytest

from tools import frontier, runs


@pytest.fixture
def stubs(monkeypatch, row):
    """What is done in place of training: it is noted."""
    done = []
    monkeypatch.setattr(runs, "train", lambda *words: done.append(("train", *words[:2])))
    monkeypatch.setattr(frontier, "python", lambda code: done.append(code.rpartition("; ")[2]))

    def seed_row(recipe, seed, held):
        done.append(("seed", recipe, seed, len(held)))
        return row(seed, 0.99 + seed / 1000)

    monkeypatch.setattr(frontier, "seed_row", seed_row)
    monkeypatch.setattr(frontier, "classic_file", lambda: "classic")
    monkeypatch.setattr(
        frontier, "latency", lambda file, classic: {"ratio": 0.5, "file": file.parent.name}
    )
    return done


def test_steps_are_taken_in_turn_and_what_was_found_is_kept(stubs, tmp_path):
    out = tmp_path / "frontier.json"
    frontier.main(jobs=2, only="teachers", recipe=None, json_=out)
    assert sorted(stubs) == [("train", "teacher", 0), ("train", "teacher", 1)]
    stubs.clear()
    frontier.main(jobs=3, only="lessons", recipe=["nano", "micro"], json_=out)
    assert sorted(stubs) == [f"make_lessons('micro', 3, {job})" for job in range(3)]
    stubs.clear()
    frontier.main(jobs=2, only="seeds", recipe=["micro"], json_=out)
    assert sorted(stubs) == [("seed", "micro", seed, 5999) for seed in range(5)]
    frontier.main(jobs=2, only="seeds", recipe=["nano"], json_=out)
    frontier.main(jobs=2, only="latency", recipe=["micro"], json_=out)
    found = json.loads(out.read_text())
    assert found["micro"]["shipped"] == found["nano"]["shipped"] == 4
    assert found["micro"]["latency"] == {"ratio": 0.5, "file": "micro-4"}
    assert [each["seed"] for each in found["micro"]["seeds"]] == list(range(5))
    assert found["machine"]["cores"] >= 1


def test_what_is_no_recipe_of_ours_or_no_step_is_refused(stubs, tmp_path):
    for words, said in (
        ({"only": "sleep"}, "unknown step 'sleep'"),
        ({"recipe": ["fast"]}, "unknown recipe 'fast'; one of edge"),
    ):
        given = {"jobs": 1, "only": None, "recipe": None, "json_": tmp_path / "a.json", **words}
        with pytest.raises(SystemExit, match=said):
            frontier.main(**given)
    assert stubs == []


def test_a_time_stays_where_the_same_seed_is_shipped(stubs, tmp_path, capsys):
    out = tmp_path / "frontier.json"
    for step in ("seeds", "latency", "seeds"):
        frontier.main(jobs=2, only=step, recipe=["micro"], json_=out)
    assert json.loads(out.read_text())["micro"]["latency"]["ratio"] == 0.5
    assert "micro: 98.900 % (deviation 0.000)" in capsys.readouterr().out

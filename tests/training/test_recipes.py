import dataclasses

import numpy as np
import pytest

from mnist_edge.errors import SettingError
from mnist_edge.training.logits import plain
from mnist_edge.training.networks import build
from mnist_edge.training.parameters import learnt_parameters
from mnist_edge.training.recipe import CONVOLUTIONS, from_dict, override
from mnist_edge.training.recipes import RECIPES, find, measured


def test_the_classic_networks_stand_as_people_know_them():
    classic = {
        name: (recipe.filters, recipe.dense, recipe.dropout, recipe.epochs, recipe.batch_size)
        for name, recipe in RECIPES.items()
    }
    assert classic["sequential"] == ((32, 64), 128, 0, 5, 32)
    assert classic["dropout"] == ((32, 64), 0, 0.3, 10, 128)
    assert classic["split20"][0] == (32,)
    assert classic["batch128"] == ((32, 64), 128, 0, 12, 128)
    assert find("dropout").one_hot
    assert find("dropout").validation_share == 0.3
    assert find("split20").validation_share == 0.2
    assert find("batch128").one_hot


def test_dense_and_cnn_differ_in_the_network_alone():
    dense, cnn = find("dense").as_dict(), find("cnn").as_dict()
    differing = {key for key in dense if dense[key] != cnn[key]}
    assert differing == {"name", "summary", "network", "filters", "claim"}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("sequential", 225_034),
        ("dropout", 34_826),
        ("split20", 542_230),
        ("batch128", 225_034),
        ("dense", 101_770),
        ("cnn", 225_034),
        ("edge", 54_270),
        ("micro", 10_542),
        ("nano", 988),
        ("fast", 20_354),
        ("teacher", 123_834),
    ],
)
def test_a_recipe_has_the_parameters_it_is_listed_with(name, parameters):
    model = build(find(name), 10)
    model = plain(model) if find(name).normalise_logits else model
    assert learnt_parameters(model) == parameters
    assert measured()[name]["parameters"] == parameters


def test_every_recipe_was_measured_as_it_stands():
    for name, recipe in RECIPES.items():
        found = measured()[name]
        assert (found["epochs"], found["seed"]) == (recipe.epochs, recipe.seed)
        assert 0.9 < found["test_accuracy"] < 1


def test_any_number_of_classes_can_be_learnt():
    assert build(find("edge"), 47).output_shape == (None, 47)


def test_recipes_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        find("edge").epochs = 3


def test_a_recipe_survives_json():
    for recipe in RECIPES.values():
        assert from_dict(recipe.as_dict()) == recipe


def test_an_override_leaves_the_rest():
    changed = override(find("edge"), epochs=3, seed=None, filters=(1, 2, 3, 4))
    assert changed == dataclasses.replace(find("edge"), epochs=3, filters=(1, 2, 3, 4))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epochs": 0}, "epochs is 0; wanted 1 or more"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"validation_share": -0.1}, "validation_share is -0.1"),
        ({"dense": -1}, "dense is -1"),
        ({"seed": -1}, "seed is -1"),
        ({"filters": (1,)}, r"filters is \(1,\); wanted 2 to 7 counts"),
        ({"filters": (1,) * 8}, "wanted 2 to 7 counts"),
        ({"warm_up": 1.0}, "warm_up is 1.0; wanted at least 0 and below 1"),
        ({"weight_decay": -1.0}, "weight_decay is -1.0"),
        ({"strength": float("inf")}, "strength is inf"),
        ({"bend": -0.1}, "bend is -0.1"),
        ({"intensity": 1.1}, "intensity is 1.1; wanted 0 to 1"),
        ({"contrast": -0.1}, "contrast is -0.1; wanted 0 to 1"),
        ({"noise": 1.1}, "noise is 1.1; wanted 0 to 1"),
        ({"filters": (1, 2, 0, 4)}, "filters is"),
        ({"optimizer": "adm"}, "unknown optimizer 'adm': did you mean 'adam'"),
        ({"schedule": "cosin"}, "did you mean 'cosine'"),
        ({"augmentation": "afine"}, "did you mean 'affine'"),
    ],
)
def test_a_value_out_of_range_is_refused(changes, said):
    with pytest.raises(SettingError, match=said):
        override(find("edge"), **changes)


def test_a_network_without_a_convolution_has_no_stem():
    with pytest.raises(SettingError, match="zero_mean_stem is True; wanted False for a network"):
        override(find("dense"), zero_mean_stem=True)
    with pytest.raises(SettingError, match=r"filters is \(\); wanted 2 to 5 counts"):
        override(find("nano"), filters=())


def test_an_unknown_recipe_gets_the_nearest_name():
    with pytest.raises(SettingError, match="did you mean 'sequential'"):
        find("sequental")


def test_seeds_share_a_split_where_the_recipe_says_so():
    labels = np.repeat(np.arange(10), 30)
    one, other = (override(find("edge"), seed=seed).split(labels)[1] for seed in (1, 2))
    assert np.array_equal(one, other)
    apart = [override(find("batch128"), seed=seed).split(labels)[1] for seed in (1, 2)]
    assert not np.array_equal(*apart)


def test_a_manifest_of_before_still_names_its_recipe():
    old = find("cnn").as_dict()
    for key in ("warm_up", "weight_decay", "strength", "bend", "split_seed", "teachers"):
        del old[key]
    assert from_dict(old) == find("cnn")


@pytest.mark.parametrize("network", [name for name in CONVOLUTIONS if name != "dense"])
def test_a_network_can_have_as_many_convolutions_as_it_says_and_no_more(network):
    recipe = dataclasses.replace(find("edge"), network=network)
    for count in CONVOLUTIONS[network]:
        made = build(override(recipe, filters=(2,) * count), 10)
        assert made.output_shape == (None, 10)
    with pytest.raises(SettingError, match="wanted"):
        override(recipe, filters=(2,) * (CONVOLUTIONS[network][1] + 1))

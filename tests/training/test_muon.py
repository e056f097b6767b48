import keras
import numpy as np
import pytest
from keras import layers

from mnist_edge.training.learning import compiled
from mnist_edge.training.loop import train
from mnist_edge.training.muon import MOMENTUM, OTHERS, Muon, mixes, orthogonal
from mnist_edge.training.recipe import override
from mnist_edge.training.recipes import find
from mnist_edge.training.watch import Watcher

SETTINGS = {"optimizer": "muon", "learning_rate": 0.1, "schedule": "constant", "warm_up": 0.0}


@pytest.mark.parametrize("shape", [(9, 8), (8, 10), (432, 48), (12, 12), (3, 1000)])
def test_a_step_is_as_long_in_every_direction(shape):
    # Values from 1 down to 0.01, which is as uneven as gradients are.
    rng = np.random.default_rng(0)
    left, _, right = np.linalg.svd(rng.normal(size=shape), full_matrices=False)
    values = np.geomspace(1, 0.01, min(shape))
    found = np.array(orthogonal((left * values @ right * 1e-4).astype(np.float32)))
    inner = left.T @ found @ right.T
    # Its singular vectors are those of the matrix, its values near 1.
    np.testing.assert_allclose(inner, np.diag(np.diag(inner)), atol=1e-3)
    assert 0.6 < np.diag(inner).min() < np.diag(inner).max() < 1.25


def test_no_gradient_is_no_step():
    assert not np.array(orthogonal(np.zeros((4, 6), np.float32))).any()


def network():
    """One kernel of each kind, and what else there is."""
    image = keras.Input((8, 8, 1))
    x = layers.Conv2D(6, 3, use_bias=False, name="conv")(image)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = layers.Flatten()(x)
    return keras.Model(image, layers.Dense(4, name="dense")(x))


def test_it_is_for_kernels_that_map_channels_to_channels():
    mixed = {each.path for each in network().trainable_variables if mixes(each)}
    assert mixed == {"conv/kernel", "dense/kernel"}


def steps(optimizer, count=3):
    """What some steps of gradients that are drawn make of the network, and the gradients."""
    keras.utils.set_random_seed(0)
    model, rng = network(), np.random.default_rng(0)
    variables = model.trainable_variables
    before = [np.array(each) for each in variables]
    optimizer.build(variables)
    given = [[rng.normal(size=each.shape).astype(np.float32) for each in before] for _ in range(3)]
    for gradients in given[:count]:
        optimizer.apply(gradients, variables)
    names = [each.path for each in variables]
    changes = [np.array(each) - then for each, then in zip(variables, before, strict=True)]
    return dict(zip(names, changes, strict=True)), dict(
        zip(names, zip(*given, strict=True), strict=True)
    )


def test_the_rest_learns_as_adamw_has_it():
    found, _ = steps(Muon(0.1, weight_decay=0.0))
    wanted, _ = steps(keras.optimizers.AdamW(0.1 * OTHERS, weight_decay=0.0))
    for name in set(found) - {"conv/kernel", "dense/kernel"}:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("name", "rows"), [("conv/kernel", 9), ("dense/kernel", 96)])
def test_a_kernel_goes_against_its_gradient_with_nesterov_momentum(name, rows):
    found, gradients = steps(Muon(0.1, weight_decay=0.0), count=2)
    moment, wanted = 0.0, 0.0
    for gradient in gradients[name][:2]:
        moment = MOMENTUM * moment + gradient
        matrix = (gradient + MOMENTUM * moment).reshape(rows, -1)
        columns = matrix.shape[1]
        step = np.array(orthogonal(matrix.astype(np.float32)))
        wanted = wanted - 0.1 * step * max(1, rows / columns) ** 0.5
    np.testing.assert_allclose(found[name].reshape(rows, -1), wanted, atol=1e-4)


def test_weight_decay_spares_biases_and_normalisations():
    recipe = override(find("nano"), **SETTINGS, weight_decay=0.5, zero_mean_stem=False)
    model = compiled(recipe, 10, 5)
    variables = model.trainable_variables
    before = {each.path: np.array(each) for each in variables}
    model.optimizer.apply([np.zeros(each.shape, np.float32) for each in variables], variables)
    decayed = {each.path for each in variables if each.path.endswith("kernel")}
    assert 0 < len(decayed) < len(variables)
    for each in variables:
        share = 1 - 0.1 * 0.5 if each.path in decayed else 1
        np.testing.assert_allclose(np.array(each), share * before[each.path], rtol=1e-5)


def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(tmp_path, dataset):
    recipe = override(find("nano"), **SETTINGS, epochs=3)
    straight = train(recipe, dataset, tmp_path / "straight")
    watcher = Watcher()

    def stop(_row):
        raise KeyboardInterrupt

    watcher.epoch = stop
    with pytest.raises(KeyboardInterrupt):
        train(recipe, dataset, tmp_path / "stopped", watcher=watcher)
    resumed = train(recipe, dataset, tmp_path / "stopped", resume=True)
    assert len(resumed.history) == 3
    assert resumed.history == straight.history
    assert (resumed.probabilities == straight.probabilities).all()

import keras
import numpy as np
import pytest

from mnist_edge.training.learning import compiled
from mnist_edge.training.networks import build
from mnist_edge.training.recipe import override
from mnist_edge.training.recipes import find
from mnist_edge.training.stem import hold_stem, zero_mean


def test_each_filter_loses_its_own_mean():
    kernel = np.arange(36, dtype=np.float32).reshape(3, 3, 1, 4) ** 2
    found = np.array(zero_mean(kernel))
    np.testing.assert_allclose(found.mean((0, 1, 2)), 0, atol=1e-4)
    # What tells its places apart stays.
    np.testing.assert_allclose(np.diff(found, axis=0), np.diff(kernel, axis=0), rtol=1e-6)


@pytest.mark.parametrize("held", [True, False])
def test_a_stem_that_learnt_so_sees_no_ground(dataset, held):
    keras.utils.set_random_seed(0)
    model = compiled(override(find("nano"), zero_mean_stem=held), len(dataset.labels), 4)
    images = dataset.train.images[..., None].astype(np.float32) / 255 * 0.5
    before = np.array(model.layers[1].kernel)
    model.fit(images, dataset.train.labels, batch_size=64, verbose=0)
    assert np.abs(np.array(model.layers[1].kernel) - before).max() > 0.01
    seen = keras.Model(model.input, model.layers[1].output)
    darker, brighter = (seen.predict(images[:50] + ground, verbose=0) for ground in (0.0, 0.5))
    assert darker.std() > 0.01
    assert (np.abs(brighter - darker).max() < 1e-5) == held


def test_only_the_first_convolution_is_held():
    model = build(find("edge"), 10)
    hold_stem(model)
    held = [each.path for each in model.trainable_variables if each.constraint is not None]
    assert held == [model.layers[1].kernel.path]


def test_nothing_of_it_is_written():
    model = build(find("edge"), 10)
    hold_stem(model)
    assert "zero_mean" not in model.to_json()

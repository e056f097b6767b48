import keras
import numpy as np
import pytest

from mnist_edge.data import stratified_split
from mnist_edge.training.further import train_further
from mnist_edge.training.networks import build
from mnist_edge.training.watch import Watcher


@pytest.mark.parametrize(("right", "best"), [((0.9, 0.5), 9), ((0.5, 0.9), 10)])
def test_the_epoch_that_says_most_rightly_is_kept(dataset, small_recipe, right, best):
    """What is judged is what `says` says, not what Keras measures."""
    keras.utils.set_random_seed(0)
    labels = dataset.train.labels[
        stratified_split(
            dataset.train.labels, small_recipe.validation_share, small_recipe.split_seed
        )[1]
    ]
    seen = []

    def says(model, inputs):
        assert inputs.shape == (len(labels), 28, 28, 1)
        said = np.eye(4, dtype=np.float32)[labels]
        wrong = round((1 - right[len(seen)]) * len(labels))
        said[:wrong] = np.roll(said[:wrong], 1, axis=1)
        seen.append(model.get_weights())
        return said

    model = build(small_recipe, 4)
    found = train_further(
        model,
        small_recipe,
        dataset,
        epochs=2,
        learning_rate=1e-3,
        says=says,
        watcher=Watcher(),
    )
    assert found.best == best
    assert [row["epoch"] for row in found.history] == [9, 10]
    assert not np.array_equal(seen[0][0], seen[1][0])
    assert all(map(np.array_equal, model.get_weights(), seen[best - 9]))

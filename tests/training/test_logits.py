import keras
import numpy as np
import pytest

from mnist_edge.backends import open_backend
from mnist_edge.bundle import read_bundle
from mnist_edge.training.learning import compiled
from mnist_edge.training.logits import DENSE, NORMALISATION, SOFTMAX, plain
from mnist_edge.training.loop import train
from mnist_edge.training.networks import build
from mnist_edge.training.parameters import learnt_parameters
from mnist_edge.training.recipe import override
from mnist_edge.training.recipes import find

NORMALISED = override(find("fast"), normalise_logits=True)


@pytest.fixture(scope="module", params=[{}, {"dense": 8, "dropout": 0.2}], ids=["bare", "hidden"])
def learnt(request, dataset):
    """A network of normalised logits whose statistics are no longer those of the start."""
    keras.utils.set_random_seed(0)
    model = compiled(override(NORMALISED, **request.param), len(dataset.labels), 4)
    images = dataset.train.images[..., None].astype(np.float32) / 255
    model.fit(images, dataset.train.labels, batch_size=32, epochs=4, verbose=0)
    return model, images


def test_the_plain_model_says_the_same(learnt):
    model, images = learnt
    wanted = model.predict(images, verbose=0)
    assert wanted.std(0).min() > 0.02  # it tells them apart
    np.testing.assert_allclose(plain(model).predict(images, verbose=0), wanted, atol=1e-5)


def test_the_plain_model_is_built_as_one_that_never_had_a_normalisation(learnt, request):
    model, _ = learnt
    changes = request.node.callspec.params["learnt"]
    other = build(override(NORMALISED, normalise_logits=False, **changes), model.output_shape[-1])
    made = plain(model)
    assert {DENSE, NORMALISATION} <= {layer.name for layer in model.layers}
    assert [type(layer) for layer in made.layers] == [type(layer) for layer in other.layers]
    assert learnt_parameters(made) == learnt_parameters(other)
    assert made.layers[-1].name == other.layers[-1].name == SOFTMAX


def test_the_plain_model_is_what_a_run_leaves(tmp_path, dataset):
    recipe = override(NORMALISED, epochs=2, learning_rate=0.02)
    run = train(recipe, dataset, tmp_path / "run")
    saved = keras.models.load_model(run.folder / "fast.keras", compile=False)
    assert not any(layer.name == NORMALISATION for layer in saved.layers)
    with open_backend(run.folder / "fast.keras", "keras") as backend:
        said = backend.infer(dataset.test.images)
    np.testing.assert_allclose(run.probabilities, said, atol=1e-5)
    training = read_bundle(run.folder).manifest["training"]
    assert training["parameters"] == learnt_parameters(saved)
    assert training["hyperparameters"]["normalise_logits"] is True

import pytest


@pytest.fixture(scope="session")
def sabotaged(run_folder):
    """A network that says what the run's does, but quantizes badly.

    One channel after its first convolution is a thousand times as large as it was, and the next
    convolution takes a thousandth of it.
    """
    import keras

    model = keras.saving.load_model(run_folder / "edge.keras", compile=False)
    normalised, after = model.get_layer(index=2), model.get_layer(index=4)
    gamma, beta, *statistics = normalised.get_weights()
    gamma[0] *= 1000
    beta[0] *= 1000
    normalised.set_weights([gamma, beta, *statistics])
    (kernel,) = after.get_weights()
    kernel[:, :, 0] /= 1000
    after.set_weights([kernel])
    return model

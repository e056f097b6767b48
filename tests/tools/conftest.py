import pytest


@pytest.fixture
def row():
    """Makes what a seed of a small network reaches: `row(seed, validation)`."""

    def make(seed, validation, loss=0.1, test=0.99):
        return {
            "seed": seed,
            "parameters": 979,
            "bytes": 7000 + seed,
            "validation_int8": validation,
            "validation_loss_int8": loss,
            "test_float": test,
            "test_int8": test - 0.001,
            "seconds": 100.0 + seed,
        }

    return make

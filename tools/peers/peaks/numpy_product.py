"""A float32 matrix product by numpy's own library."""

import numpy as np

SIDE = 256


def open_model(model, how):
    random = np.random.default_rng(0)
    first, second = random.standard_normal((2, SIDE, SIDE)).astype(np.float32)
    product = np.empty((SIDE, SIDE), np.float32)
    return {"run": lambda: np.matmul(first, second, out=product), "macs": SIDE**3}

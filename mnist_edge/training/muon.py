"""Muon: a kernel learns equally fast in every direction, however small the gradient is there."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

MOMENTUM = 0.95
OTHERS = 0.25  # the learning rate of what Muon is not for, as a share of its own
ITERATION = (3.4445, -4.7750, 2.0315)  # of x, x^3 and x^5
ITERATIONS = 5


class Muon(keras.optimizers.AdamW):  # type: ignore[misc]
    """Muon for the kernels of dense layers and convolutions, AdamW for the rest.

    A kernel is a matrix here, from all that an output sees to the outputs, [rows,columns]. Its
    step is its gradient with Nesterov momentum, made nearly orthogonal (Jordan et al. 2024, "Muon:
    An optimizer for hidden layers in neural networks"), times the learning rate and
    sqrt(max(1, rows / columns)). That factor is ours, theirs is the other way round: a kernel that
    sees much takes longer steps. The last dense layer is not left out, as theirs is. Biases,
    normalisations and the kernels of depthwise convolutions, which map no channel to another, take
    a step of AdamW at OTHERS times the learning rate. Weight decay is AdamW's for all, at the whole
    learning rate.
    """

    def build(self, variables: list[Any]) -> None:
        """Make the momentum of each of `variables`, zero."""
        if self.built:
            return
        super().build(variables)
        self.moments = [
            self.add_variable_from_reference(variable, "moment") if mixes(variable) else None
            for variable in variables
        ]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Change `variable` once, by its `gradient` of the same shape."""
        moment = self.moments[self._get_variable_index(variable)]
        if moment is None:
            super().update_step(gradient, variable, learning_rate * OTHERS)
            return
        moment.assign(MOMENTUM * moment + gradient)
        columns = variable.shape[-1]
        matrix = ops.reshape(gradient + MOMENTUM * moment, (-1, columns))
        step = orthogonal(matrix) * max(1.0, matrix.shape[0] / columns) ** 0.5
        variable.assign_sub(ops.reshape(step, variable.shape) * learning_rate)


def mixes(variable: Any) -> bool:
    """Whether `variable` is a kernel that maps several channels or pixels to several channels."""
    return len(variable.shape) >= 2 and variable.shape[-1] > 1


def orthogonal(matrix: Any) -> Any:
    """Return float32 [rows,columns] with the singular vectors of `matrix`, its values near 1.

    By ITERATIONS quintic Newton-Schulz iterations, whose coefficients bring small values up fast
    and leave all between 0.7 and 1.2 (Jordan et al. 2024).
    """
    rows, columns = matrix.shape
    wide = ops.transpose(matrix) if rows > columns else matrix
    wide = wide / (ops.norm(wide) + 1e-7)  # no singular value is above 1
    a, b, c = ITERATION
    for _ in range(ITERATIONS):
        square = wide @ ops.transpose(wide)
        wide = a * wide + (b * square + c * square @ square) @ wide
    return ops.transpose(wide) if rows > columns else wide

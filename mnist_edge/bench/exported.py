"""Runs a model that was just exported, and says whether it is still the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnist_edge.backends import open_backend
from mnist_edge.bench.gates import BROKEN
from mnist_edge.bench.parity import compare
from mnist_edge.bench.targets import TARGETS, check_targets
from mnist_edge.errors import CheckFailed
from mnist_edge.export.check import Checked
from mnist_edge.invariants import USUAL, sum_tolerance

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mnist_edge.data import Split


class ExportCheck:
    """The check that `export.exporter.export` asks for, on the images of one split."""

    def __init__(
        self,
        keras_file: Path,
        split: Split,
        name: str = "test",
        targets: Sequence[str] = TARGETS,
        threads: int = 2,
    ) -> None:
        """Hold exports against a Keras model.

        Args:
            keras_file: the model.
            split: images to run, with their labels.
            name: of the split.
            targets: runtimes whose oldest supported version must know what an export needs.
            threads: images that may be worked on side by side.

        Raises:
            ModelError: Keras does not open the file.
        """
        self._split, self._name, self._threads = split, name, threads
        self._targets = targets
        with open_backend(keras_file, "keras", threads=threads) as backend:
            self._reference = backend.infer(split.images)

    def reference(self) -> NDArray[np.float32]:
        """Return what Keras says of the images, float32 [N,K]."""
        return self._reference

    def look(self, path: Path) -> Checked:
        """Return how the model at `path` does, however badly.

        Raises:
            InputError: probabilities that are not finite.
            ModelError: no runtime takes it.
        """
        with open_backend(path, threads=self._threads) as backend:
            found = backend.infer(self._split.images)
            taken, given = backend.input, backend.output
        parity = compare(self._reference, found, self._split.truth)
        written = {"split": self._name, "runtime": backend.runtime, **parity.summary()}
        return Checked(taken, given, written, found, parity.drop)

    def __call__(self, path: Path, quantization: str) -> Checked:
        """Return how the model at `path` does.

        Raises:
            CheckFailed: probabilities that do not sum to 1, or a model that is not Keras' own.
            ModelError: a runtime that it is meant for lacks what it needs.
        """
        check_targets(path.read_bytes(), path.name, self._targets)
        checked = self.look(path)
        found = checked.probabilities
        tolerance = sum_tolerance(found.shape[1], USUAL.get(quantization), quantization)
        worst = float(np.abs(found.sum(1, dtype=np.float64) - 1).max())
        if not worst <= tolerance:
            raise CheckFailed(
                f"{path.name}: probabilities sum to 1 but for {worst:.3g}, wanted {tolerance:.3g}; "
                "the last layer must be a softmax"
            )
        parity = compare(self._reference, found, self._split.truth, quantization=quantization)
        judgement = BROKEN[quantization].judge(parity)
        if not judgement:
            raise CheckFailed(
                f"{path.name} is not the Keras model: {'; '.join(judgement.failures)}"
            )
        return checked

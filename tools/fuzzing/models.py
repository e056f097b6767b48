"""One damaged model file without a manifest, given to one runtime."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import numpy as np

from fuzzing.damage import bytes_damaged
from fuzzing.judging import ask
from fuzzing.onnx_fields import onnx_damaged
from fuzzing.tflite_fields import tflite_damaged
from mnist_edge import Classifier

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Damage = Callable[[Random, bytes, int], tuple[bytes, str]]

KNOWING: dict[str, Damage] = {".tflite": tflite_damaged, ".onnx": onnx_damaged}
MOST_PIXELS = 1 << 20  # of an image made for a model whose shape was changed


class LoneModel:
    """A model with one to three fields or bytes changed, or none of a model at all."""

    def __init__(self, runtime: str, suffix: str, models: list[Path]) -> None:
        """Take the sound models to damage: those of `models` with this suffix."""
        self.runtime, self.suffix = runtime, suffix
        self.sound = [(path.name, path.read_bytes()) for path in models if path.suffix == suffix]

    def make(self, seed: int, folder: Path) -> str:
        """Write the damaged model."""
        random = Random(f"{self.suffix} {seed}")
        content, words = self._damaged(random)
        (folder / f"model{self.suffix}").write_bytes(content)
        return words

    def check(self, seed: int, folder: Path) -> str:
        """Open it, then have one image classified, then three, in the shape it wants."""
        path = folder / f"model{self.suffix}"
        with Classifier.open(path, runtime=self.runtime) as classifier:
            shape = classifier.backend.image_shape
            if np.prod(shape, dtype=np.float64) > MOST_PIXELS:
                shape = (28, 28, 1)
            images = np.random.default_rng(seed).integers(0, 256, (3, *shape), np.uint8)
            return ask(classifier, images)

    def _damaged(self, random: Random) -> tuple[bytes, str]:
        name, content = random.choice(self.sound)
        if random.random() < 0.03:
            size = random.choice((0, 1, 7, 8, 12, 64, 4096))
            return content[: random.choice((0, 8))] + random.randbytes(size), "noise"
        steps = [name]
        knowing = KNOWING.get(self.suffix)
        if knowing and random.random() < 0.8:
            content, words = knowing(random, content, random.choice((1, 1, 1, 2, 3)))
            steps.append(words)
        if len(steps) == 1 or random.random() < 0.15:
            content, words = bytes_damaged(random, content)
            steps.append(words)
        return content, ", ".join(steps)

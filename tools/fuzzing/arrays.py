"""Calls with whatever might be handed over as images, and what they should answer.

The answer to compare with is worked out here, one image at a time, from the formulas.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzing.judging import Wrong
from fuzzing.values import SIDE, Given, given
from mnist_edge import Classifier
from mnist_edge.errors import InputError, MnistEdgeError

if TYPE_CHECKING:
    from pathlib import Path

    from mnist_edge import Backend

    Array = np.ndarray[Any, Any]

CALLS = ("predict", "probabilities", "infer", "infer_one", "invoke")
ONE = ("predict", "infer_one")  # those that take one image


class OddArrays:
    """One call with one odd value, of a model opened once."""

    def __init__(self, models: list[Path], runtimes: dict[str, str]) -> None:
        """Take the sound models and, by suffix, the runtime that opens them."""
        self._paths = [path for path in models if path.suffix in runtimes]
        self._runtimes = runtimes
        self._open: dict[Path, Classifier] = {}

    def make(self, seed: int, folder: Path) -> str:
        """Say what the case is; there is no file."""
        path, call, odd = self._case(seed)
        return f"{path.name}, {call}: {odd.words}"

    def check(self, seed: int, folder: Path) -> str:
        """Make the call, and compare with one image after another."""
        path, call, odd = self._case(seed)
        if path not in self._open:
            self._open[path] = Classifier.open(path, runtime=self._runtimes[path.suffix])
        classifier = self._open[path]
        backend = classifier.backend
        value = odd.value
        if call == "invoke" and isinstance(value, np.ndarray) and value.shape[-1:] != (1,):
            value = value[..., None] if value.ndim else value
        before = value.tobytes() if isinstance(value, np.ndarray) and value.nbytes < 1e6 else None
        method = getattr(classifier if call in ("predict", "probabilities") else backend, call)
        try:
            found = method(value)
        except InputError:
            raise
        except MnistEdgeError as error:
            raise Wrong(f"{type(error).__name__} for an input: {error}") from None
        finally:
            if before is not None and value.tobytes() != before:
                raise Wrong("the input was changed")
        if call == "predict":
            found = found.probabilities
        if call == "invoke":
            _compare_raw(backend, value, found)
        else:
            if found.dtype != np.float32 or call == "infer_one":
                found = backend.decode(np.atleast_2d(found))
            _compare(backend, odd.images, np.atleast_2d(found), one=call in ONE)
        return f"{len(np.atleast_2d(found))} rows"

    def _case(self, seed: int) -> tuple[Path, str, Given]:
        random = Random(f"arrays {seed}")
        numbers = np.random.default_rng(seed)
        return random.choice(self._paths), random.choice(CALLS), given(random, numbers)


def _compare(backend: Backend, images: Array | None, found: Array, *, one: bool) -> None:
    """Make sure that an answer is that of each image alone, worked out from the formulas.

    Raises:
        Wrong: it is not, or there should be none.
    """
    if images is None and not len(found) and not one:
        return  # an empty list, which says of nothing what it was to be
    if images is None:
        raise Wrong("answered what is no image")
    if one and len(images) != 1:
        raise Wrong(f"answered {len(images)} images as one")
    if len(found) != len(images):
        raise Wrong(f"{len(found)} answers for {len(images)} images")
    step = backend.output.quant.scale if backend.output.quant else 0.0
    for image, answer in zip(images, found, strict=True):
        wanted = _real(backend, backend.invoke(_encoded(backend, image)))
        if not np.isfinite(answer).all() or np.abs(answer - wanted).max() > step + 1e-5:
            raise Wrong(f"answered {answer.tolist()}; one alone gives {wanted.tolist()}"[:300])


def _encoded(backend: Backend, image: Array) -> Array:
    """Return one image as a model's input, [1,28,28,1]: q = round(real / scale) + zero point."""
    real = image.reshape(1, SIDE, SIDE, 1).astype(np.float32) / np.float32(255)
    quant = backend.input.quant
    if quant is None:
        return real
    low, high = quant.limits
    steps = np.rint(real.astype(np.float64) / quant.scale) + quant.zero_point
    return steps.clip(low, high).astype(quant.dtype)


def _real(backend: Backend, raw: Array) -> Array:
    quant = backend.output.quant
    if quant is None:
        return raw[0]
    return (raw[0].astype(np.float64) - quant.zero_point) * quant.scale


def _compare_raw(backend: Backend, value: Any, found: Array) -> None:
    """Make sure that `invoke` took what it says it takes, and gave for each what one alone gets."""
    shape = getattr(value, "shape", ())
    right = getattr(value, "dtype", None) == backend.input.dtype and shape[1:] == (SIDE, SIDE, 1)
    if not (right and isinstance(value, np.ndarray)):
        raise Wrong("took what is not its input")
    step = 1 if backend.output.quant else 1e-5
    if found.shape != (len(value), backend.classes) or found.dtype != backend.output.dtype:
        raise Wrong(f"gave {found.dtype} {found.shape}")
    for raw, answer in zip(value, found, strict=True):
        wanted = backend.invoke(np.array(raw[None]))[0].astype(np.float64)
        if not np.allclose(answer, wanted, rtol=0, atol=step, equal_nan=True):
            raise Wrong(f"gave {answer.tolist()}; one alone gives {wanted.tolist()}"[:300])

"""Images in, labels out: what a person embeds."""

from __future__ import annotations

from functools import partial
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.backends import Backend, Runtime, candidates, installed_runtime, open_model
from mnist_edge.backends.ladder import none_usable, passed_over, third_parties, usable
from mnist_edge.bundle import Bundle, ModelEntry, read_bundle
from mnist_edge.errors import BundleError, ModelError, SettingError
from mnist_edge.model_file import SHIPPED, ModelFile, as_path, of_bundle, read_model
from mnist_edge.quantize import dequantize, dequantize_one, least_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray
    from typing_extensions import Self

    from mnist_edge.quantize import QuantParams

__all__ = ["PREFERENCE", "SHIPPED", "Classifier", "Prediction"]

# Within a bundle: what a runtime for the format is given first. int8 ONNX is smaller than float
# but no faster, so it comes last.
PREFERENCE = {
    "tflite": ("int8", "float32", "int16x8", "float16", "dynamic"),
    "onnx": ("float32", "int8", "float16", "dynamic"),
    "keras": ("float32",),
}


class Prediction:
    """What a classifier says of one image; the caller owns it.

    Attributes:
        index: class index, 0..K-1.
        label: what that class is called; None where it is less sure than `reject_below`, which
            whoever opened the classifier may have set.
        confidence: probability of that class, 0..1.
        probabilities: of each class, float32 [K]; a new array at each call.
    """

    __slots__ = ("_labels", "_quant", "_raw", "index")

    def __init__(
        self, raw: NDArray[Any], quant: QuantParams | None, labels: tuple[str, ...]
    ) -> None:
        """Read the winner from a raw output [K]; the rest is worked out when asked for."""
        self._raw, self._quant, self._labels = raw, quant, labels
        self.index = int(raw.argmax())

    @property
    def label(self) -> str | None:
        """What the winning class is called; None where the prediction is rejected."""
        return self._labels[self.index]

    @property
    def confidence(self) -> float:
        """Probability of the winning class, 0..1."""
        winner = self._raw.item(self.index)
        return winner if self._quant is None else dequantize_one(winner, self._quant)

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Probability of each class, float32 [K]; the caller owns the array."""
        if self._quant is None:
            return self._raw.astype(np.float32)
        return dequantize(self._raw, self._quant)

    def __repr__(self) -> str:
        return (
            f"Prediction(label={self.label!r}, index={self.index}, "
            f"confidence={self.confidence:.4f})"
        )


class _Judged(Prediction):
    """A prediction that has no label where its class is not sure enough."""

    __slots__ = ("_least",)

    def __init__(
        self,
        least: float,
        raw: NDArray[Any],
        quant: QuantParams | None,
        labels: tuple[str, ...],
    ) -> None:
        """Read the winner; `least` is the raw output from which on it is sure enough."""
        # Not by the class above: a call less on the way of each image.
        self._least, self._raw, self._quant, self._labels = least, raw, quant, labels
        self.index = int(raw.argmax())

    @property
    def label(self) -> str | None:
        return None if self._raw.item(self.index) < self._least else self._labels[self.index]


class Classifier:
    """A model with its labels. Open it with `Classifier.open`; it may be used from several threads.

    Attributes:
        backend: the model in its runtime.
        labels: what each class is called, by index.
        path: the model file.
        reject_below: the confidence, 0..1, that a prediction with a label has at least; None
            where all have one.
    """

    def __init__(self, backend: Backend, labels: tuple[str, ...], path: Path) -> None:
        """Join an open backend with its labels (as many as it has classes)."""
        if len(labels) != backend.classes:
            raise ModelError(
                f"{path} has {backend.classes} classes, but there are {len(labels)} labels"
            )
        self.backend, self.labels, self.path = backend, labels, path
        self._infer_one, self._quant = backend.infer_one, backend.output.quant
        self.reject_below: float | None = None
        self._say: Callable[..., Prediction] = Prediction  # chosen once, not for each image

    @classmethod
    def open(
        cls,
        path: str | Path | bytes | None = None,
        *,
        runtime: str | None = None,
        threads: int = 1,
        reject_below: float | None = None,
    ) -> Self:
        """Open a classifier.

        Args:
            path: a bundle folder, one model file, the bytes of one, or None for the bundle that is
                shipped with this package.
            runtime: a name from `mnist_edge.runtimes()`; None for the first that is installed
                and opens the model.
            threads: images of a batch that may be worked on side by side.
            reject_below: a prediction whose confidence is below this, 0..1, has None for a label;
                None, and every prediction has one. All else that it says stays as it is. An int8
                model is sure by 255/256 at most.

        Raises:
            ModelError: no model there, damaged, or refused by the runtime.
            MissingExtraError: no runtime is installed.
            SettingError: an unknown runtime, threads out of 1 to 1024, or `reject_below` out of
                0 to 1.
        """
        _check_share(reject_below)
        opened = cls._opened(path, runtime, threads)
        if reject_below is not None:
            opened._reject(float(reject_below))
        return opened

    def _reject(self, below: float) -> None:
        self.reject_below = below
        self._say = partial(_Judged, below if self._quant is None else least_at(below, self._quant))

    @classmethod
    def _opened(cls, path: Any, runtime: str | None, threads: int) -> Self:
        if isinstance(path, (bytes, bytearray, memoryview)):
            return cls._of_model(read_model(path), runtime, threads)
        where = SHIPPED if path is None else as_path(path)
        try:
            folder, there = where.is_dir(), where.exists()
        except OSError as error:
            raise ModelError(f"cannot look at {where}: {error.strerror}") from None
        if folder:
            return cls._of_bundle(read_bundle(where), runtime, threads)
        if not there:
            raise ModelError(f"no model or bundle at {where}: check the path")
        return cls._of_model(read_model(where), runtime, threads)

    @classmethod
    def _of_model(cls, model: ModelFile, runtime: str | None, threads: int) -> Self:
        return cls._join(open_model(model, runtime, threads=threads), model)

    @classmethod
    def _join(cls, backend: Backend, model: ModelFile) -> Self:
        return cls(backend, model.labels or tuple(map(str, range(backend.classes))), model.path)

    @classmethod
    def _of_bundle(cls, bundle: Bundle, runtime: str | None, threads: int) -> Self:
        if not bundle.models:
            raise BundleError(f"{bundle.folder} names no models: export it anew")
        forms = tuple(dict.fromkeys(entry.format for entry in bundle.models))
        rows = usable(forms) if runtime is None else [_named(runtime, forms)]
        failed: dict[str, str] = {}
        for row in rows:
            refused: list[str] = []  # better models, by this runtime
            for entry in _by_preference(bundle, row.formats):
                model = of_bundle(bundle, entry)  # a damaged file is never passed over in silence
                try:
                    backend = open_model(model, row.name, threads=threads)
                except (ModelError, ImportError) as error:
                    refused.append(f"{row.name} does not take {entry.file}: {error}")
                    failed.setdefault(row.name, str(error))
                else:
                    if runtime is None:
                        backend.why_passed_over = partial(
                            passed_over, row.name, forms, failed, tuple(refused)
                        )
                    return cls._join(backend, model)
        if failed and runtime is None and (others := third_parties(forms, tuple(failed))):
            return cls._of_bundle(bundle, others[0].name, threads)
        if failed:
            raise ModelError("; ".join(failed.values()))
        raise none_usable(forms)

    def predict(self, image: Any) -> Prediction:
        """Classify one image.

        Args:
            image: uint8 [H,W,C] in 0..255, or float32 in 0..1, as `backend.image_shape` says;
                the last axis may be left out where there is one channel. Digits are [28,28],
                bright on dark.

        Raises:
            InputError: another shape, dtype or range, or several images.
            ModelError: the classifier is closed, or the runtime fails.
        """
        found = self._say(self._infer_one(image), self._quant, self.labels)
        if self._quant is None and not isfinite(found.confidence):
            raise ModelError(
                f"{self.path} gives NaN or infinity; the model is broken: export it anew"
            )
        return found

    def probabilities(self, images: Any) -> NDArray[np.float32]:
        """Return float32 probabilities [N,K] for images [N,H,W,C]; the caller owns the array.

        Raises:
            InputError: another shape, dtype or range.
            ModelError: the classifier is closed, or the runtime fails.
        """
        return self.backend.infer(images)

    def close(self) -> None:
        """Let go of the model; a second call does nothing."""
        self.backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _check_share(reject_below: Any) -> None:
    number = isinstance(reject_below, (int, float, np.integer, np.floating))
    if reject_below is None or (
        number and not isinstance(reject_below, bool) and 0 <= reject_below <= 1
    ):
        return
    raise SettingError(f"reject_below is {reject_below!r}; wanted a number of 0 to 1, or None")


def _named(name: str, forms: tuple[str, ...]) -> Runtime:
    """Return the runtime called `name` if it opens one of the formats `forms`."""
    row = installed_runtime(name)
    if not set(row.formats) & set(forms):
        candidates(name, forms[0])  # says which runtimes do
    return row


def _by_preference(bundle: Bundle, formats: tuple[str, ...]) -> list[ModelEntry]:
    """Return the models of a bundle that a runtime for `formats` may be given, best first."""

    def place(entry: ModelEntry) -> int:
        liked = PREFERENCE[entry.format]
        return liked.index(entry.quantization) if entry.quantization in liked else len(liked)

    return sorted((entry for entry in bundle.models if entry.format in formats), key=place)

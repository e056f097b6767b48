"""Images in, digits out: what a person embeds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.backends import LADDER, Backend, candidates, open_backend
from mnist_edge.bundle import Bundle, ModelEntry, manifest_beside, model_format, read_bundle
from mnist_edge.errors import BundleError, InputError, MissingExtraError, ModelError
from mnist_edge.quantize import dequantize, dequantize_one

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import NDArray
    from typing_extensions import Self

    from mnist_edge.quantize import QuantParams

SHIPPED = Path(__file__).with_name("shipped") / "edge"  # the bundle that the wheel carries

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
        label: what that class is called.
        confidence: probability of that class, 0..1.
    """

    __slots__ = ("_quant", "_raw", "confidence", "index", "label")

    def __init__(
        self, raw: NDArray[Any], quant: QuantParams | None, labels: tuple[str, ...]
    ) -> None:
        """Read the winner from a raw output [K]; the rest is converted when asked for."""
        self._raw, self._quant = raw, quant
        self.index = int(raw.argmax())
        self.label = labels[self.index]
        winner = raw[self.index]
        self.confidence = float(winner) if quant is None else dequantize_one(int(winner), quant)

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


class Classifier:
    """A model with its labels. Open it with `Classifier.open`; it may be used from several threads.

    Attributes:
        backend: the model in its runtime.
        labels: what each class is called, by index.
        path: the model file.
    """

    def __init__(self, backend: Backend, labels: tuple[str, ...], path: Path) -> None:
        """Join an open backend with its labels (as many as it has classes)."""
        if len(labels) != backend.classes:
            raise ModelError(
                f"{path} has {backend.classes} classes, but there are {len(labels)} labels"
            )
        self.backend, self.labels, self.path = backend, labels, path

    @classmethod
    def open(
        cls, path: str | Path | None = None, *, runtime: str | None = None, threads: int = 1
    ) -> Self:
        """Open a classifier.

        Args:
            path: a bundle folder, one model file, or None for the bundle that is shipped with
                this package.
            runtime: a name from `mnist_edge.runtimes()`; None for the first that is installed
                and opens the model.
            threads: that the runtime may use.

        Raises:
            ModelError: no model there, damaged, or refused by the runtime.
            MissingExtraError: no runtime is installed.
            SettingError: an unknown runtime, or threads below 1.
        """
        where = SHIPPED if path is None else Path(path)
        if not where.exists():
            raise ModelError(f"no model or bundle at {where}: check the path")
        if where.is_dir():
            return cls._of_bundle(read_bundle(where), runtime, threads)
        model_format(where)
        bundle = manifest_beside(where)
        backend = open_backend(where, runtime, threads=threads)
        labels = bundle.labels if bundle else tuple(map(str, range(backend.classes)))
        return cls(backend, labels, where)

    @classmethod
    def _of_bundle(cls, bundle: Bundle, runtime: str | None, threads: int) -> Self:
        passed_over = []
        for name, entry in _choices(bundle, runtime):
            path = bundle.folder / entry.file
            try:
                backend = open_backend(path, name, threads=threads)
            except BundleError:
                raise  # a damaged file is never passed over in silence
            except (ModelError, ImportError) as error:
                passed_over.append(str(error))
            else:
                return cls(backend, bundle.labels, path)
        if passed_over:
            raise ModelError("; ".join(passed_over))
        forms = sorted({entry.format for entry in bundle.models})
        raise MissingExtraError(
            f"a runtime for the models of {bundle.folder} ({', '.join(forms)})", "litert"
        )

    def predict(self, image: Any) -> Prediction:
        """Classify one image.

        Args:
            image: uint8 [28,28] or [28,28,1] in 0..255, or float32 in 0..1; bright on dark.

        Raises:
            InputError: another shape, dtype or range, or several images.
            ModelError: the classifier is closed, or the runtime fails.
        """
        raw = self.backend.encode(image)
        if len(raw) != 1:
            raise InputError(f"{len(raw)} images; wanted one: use probabilities() for several")
        return Prediction(self.backend.invoke(raw)[0], self.backend.output.quant, self.labels)

    def probabilities(self, images: Any) -> NDArray[np.float32]:
        """Return float32 probabilities [N,K] for images [N,28,28]; the caller owns the array.

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


def _choices(bundle: Bundle, runtime: str | None) -> list[tuple[str, ModelEntry]]:
    """Return (runtime, model) pairs to try, best first."""
    if runtime is None:
        rows = [row for row in LADDER if row.installed]
        pairs = [(row.name, form) for row in rows for form in row.formats]
    else:
        forms = dict.fromkeys(entry.format for entry in bundle.models)
        pairs, refusals = [], []
        for form in forms:
            try:
                pairs += [(row.name, form) for row in candidates(runtime, form)]
            except ModelError as error:
                refusals.append(error)
        if not pairs and refusals:
            raise refusals[0]
    found = []
    for name, form in pairs:
        liked = PREFERENCE[form]
        entries = [entry for entry in bundle.models if entry.format == form]
        entries.sort(
            key=lambda entry: liked.index(entry.quantization) if entry.quantization in liked else 9
        )
        found += [(name, entry) for entry in entries]
    return found

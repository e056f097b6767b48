"""Which models there are to bench, on which runtimes, and what each is held against."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mnist_edge.backends import runtimes
from mnist_edge.bundle import QUANTIZATIONS, manifest_beside, model_format, read_bundle
from mnist_edge.errors import DataError, MissingExtraError, ModelError
from mnist_edge.stated import trained_on
from mnist_edge.structure import examine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mnist_edge.bundle import Bundle, ModelEntry
    from mnist_edge.data import Dataset

LONE = ""  # the group of files that are in no bundle
QUANTIZING = {"QUANTIZE", "QuantizeLinear", "QLinearConv"}  # operators
HYBRID = {"DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"}
REFERENCES = ("keras", "tflite", "onnx")  # formats, the best judge first


@dataclass(frozen=True)
class Candidate:
    """A model file with its quantization, to be run on one runtime.

    Attributes:
        path: the model file.
        quantization: as the manifest, or else the file's name, or else its operators have it.
        runtime: where to run it.
        group: models that are held against the same reference: a bundle, or all lone files.
        threads: with which it is opened.
        reference_accuracy: what the manifest says Keras reached on `dataset_sha256`, 0..1.
        dataset_sha256: of the dataset that the manifest speaks of.
    """

    path: Path
    quantization: str
    runtime: str
    group: str
    threads: int = 1
    reference_accuracy: float | None = None
    dataset_sha256: str | None = None

    def __str__(self) -> str:
        return f"{self.path.name} on {self.runtime}"


def candidates(paths: Sequence[Path]) -> list[Candidate]:
    """Return every model at `paths` with every installed runtime that may open it, in order.

    Raises:
        ModelError: a path without models, or a file that its manifest denies.
        MissingExtraError: no installed runtime opens any of them.
    """
    found = []
    for path in paths:
        for model in _models(path):
            fitting = runtimes((model_format(model.path),))
            found += [replace(model, runtime=name) for name in fitting]
    if not found:
        shown = ", ".join(str(path) for path in paths)
        raise MissingExtraError(f"a runtime for the models at {shown}", "litert")
    return list(dict.fromkeys(found))  # who names a bundle twice means it once


def wanted(
    every: list[Candidate], names: tuple[str, ...], threads: tuple[int, ...]
) -> list[Candidate]:
    """Return those on the runtimes named, all where none is, with each number of threads.

    Raises:
        ModelError: these runtimes open none of them.
    """
    found = [
        replace(each, threads=count)
        for each in every
        if not names or each.runtime in names
        for count in dict.fromkeys(threads)
    ]
    if not found:
        raise ModelError(f"{', '.join(names)} opens none of the models")
    return found


def references(every: list[Candidate], groups: set[str]) -> dict[str, Candidate]:
    """Return for each group the model that the others are held against, where there is one.

    A quantized model is never a reference.
    """
    found = {}
    for group in groups:
        floats = [each for each in every if each.group == group and each.quantization == "float32"]
        if floats:
            found[group] = min(floats, key=lambda each: REFERENCES.index(model_format(each.path)))
    return found


def under(paths: Sequence[Path], dataset: Dataset) -> Dataset:
    """Return the dataset with its classes as the bundles among `paths` have them.

    Raises:
        DataError: other classes than a bundle's, or bundles of different classes.
    """
    known = {read_bundle(path).labels: path for path in paths if path.is_dir()}
    for labels, path in known.items():
        if len(known) > 1 and labels != dataset.labels:
            raise DataError(
                f"{path} has other classes than {dataset.name} or than another bundle named: "
                "bench them apart"
            )
        dataset = dataset.under(labels, str(path))
    return dataset


def _models(path: Path) -> list[Candidate]:
    if path.is_dir():
        bundle = read_bundle(path)
        if not bundle.models:
            raise ModelError(f"{path} has no models: make some with mnist-edge export")
        return [_of_bundle(bundle, entry) for entry in bundle.models]
    if not path.is_file():
        raise ModelError(f"no model or bundle at {path}: check the path")
    beside = manifest_beside(path)
    if beside is not None and path.name in {entry.file for entry in beside.models}:
        return [replace(_of_bundle(beside, beside.entry(path.name)), group=LONE)]
    return [Candidate(path, _quantization(path), runtime="", group=LONE)]


def _of_bundle(bundle: Bundle, entry: ModelEntry) -> Candidate:
    bundle.read_file(entry)  # which looks whether it is what the manifest says
    return Candidate(
        bundle.folder / entry.file,
        entry.quantization,
        runtime="",
        group=str(bundle.folder),
        reference_accuracy=entry.parity.get("reference_accuracy"),
        dataset_sha256=trained_on(bundle),
    )


def _quantization(path: Path) -> str:
    """Return how a lone file is quantized: by its name, or else by what it is made of.

    Only in weights, as `dynamic` .tflite are, cannot be told from float32 without a name.
    """
    form = model_format(path)
    named = [word for word in path.stem.split("-") if word in QUANTIZATIONS]
    if named:
        return named[-1]
    try:
        structure = None if form == "keras" else examine(path.read_bytes(), str(path))
    except (OSError, ModelError):  # its runtime will say what is wrong with it
        structure = None
    if structure is None:
        return "float32"
    names = {op.name for op in structure.ops}
    if any(port.dtype == "int16" for port in structure.inputs):
        return "int16x8"
    if names & QUANTIZING or any(port.dtype in ("int8", "uint8") for port in structure.inputs):
        return "int8"
    return "dynamic" if names & HYBRID else "float32"

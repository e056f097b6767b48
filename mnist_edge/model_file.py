"""One model as bytes: from a bundle, a lone file or memory, and what vouches for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from mnist_edge.bundle import Bundle, ModelEntry, manifest_beside, model_format
from mnist_edge.errors import ModelError

SHIPPED = Path(__file__).with_name("shipped") / "edge"  # the bundle that the wheel carries
MOST_BYTES = 2 << 30  # neither format can have more
IN_MEMORY = Path("model in memory")  # stands where messages name a file


class ModelFile(NamedTuple):
    """A model's bytes, read once: what was hashed is what the runtime gets.

    Attributes:
        path: where it came from, for messages.
        format: `tflite`, `onnx` or `keras`.
        content: the file's bytes.
        vouched: a manifest names it, with this size and SHA-256.
        ours: it came with this package, and is trusted as its code is. A manifest alone says
            nothing of who wrote it.
        labels: what its classes are called, by that manifest; None without one.
    """

    path: Path
    format: str
    content: bytes
    vouched: bool = False
    labels: tuple[str, ...] | None = None
    ours: bool = False


def of_bundle(bundle: Bundle, entry: ModelEntry) -> ModelFile:
    """Return a model that a manifest vouches for.

    Raises:
        BundleError: absent, or of another size or SHA-256.
    """
    content = bundle.read_file(entry)
    path, ours = bundle.folder / entry.file, bundle.folder == SHIPPED
    return ModelFile(path, entry.format, content, True, bundle.labels, ours)


def read_model(model: str | Path | bytes | bytearray | memoryview) -> ModelFile:
    """Return a model file, or one in memory; where a manifest beside names it, checked by that.

    Raises:
        ModelError: no such file, one that cannot be read, or no model by its name.
        BundleError: the manifest does not hold, does not name the file, or its size or SHA-256 is
            another.
    """
    if isinstance(model, (bytes, bytearray, memoryview)):
        content = bytes(model)
        if not content:
            raise ModelError(f"{IN_MEMORY} has no bytes; wanted those of a model file")
        return ModelFile(IN_MEMORY, format_of(content), content)
    path = as_path(model)
    form = model_format(path)
    try:
        if not path.is_file():
            raise ModelError(
                f"no model at {path}: check the path, or make one with mnist-edge export"
            )
        for place in dict.fromkeys((path, path.resolve())):  # a link may lead into a bundle
            if bundle := manifest_beside(place):
                return of_bundle(bundle, bundle.entry(place.name))
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise ModelError(f"{path} has {size} bytes; wanted a model of {MOST_BYTES} at most")
        return ModelFile(path, form, path.read_bytes())
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}; check its permissions") from None


def as_path(given: object) -> Path:
    """Return what names a file or folder as a path.

    Raises:
        ModelError: it is empty, or names none.
    """
    if not isinstance(given, (str, os.PathLike)) or not os.fspath(given):
        raise ModelError(f"{given!r} names no model; wanted a path, or the bytes of a model")
    return Path(given)


def check_format(model: ModelFile) -> None:
    """Make sure that a model's bytes begin as its format does, where formats have a mark.

    Raises:
        ModelError: they begin another, or none.
    """
    form = format_of(model.content)
    if form == model.format or model.format == "keras":
        return
    wanted = {"tflite": "a TensorFlow Lite model", "onnx": "an ONNX model"}[model.format]
    raise ModelError(
        f"{model.path} is not {wanted}: its bytes {model.content[:8]!r} begin none: "
        "export or copy it anew"
    )


def format_of(content: bytes) -> str:
    """Return `tflite`, `keras` or, where it is neither, `onnx`, which has no mark of its own."""
    if content[4:8] == b"TFL3":
        return "tflite"
    return "keras" if content[:4] == b"PK\x03\x04" else "onnx"

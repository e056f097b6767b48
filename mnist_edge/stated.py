"""What a bundle or a model file says of the images it takes, before any runtime opens it."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

from mnist_edge.bundle import manifest_beside, read_bundle
from mnist_edge.errors import ModelError
from mnist_edge.model_file import check_format, format_of, read_model

if TYPE_CHECKING:
    from pathlib import Path

    from mnist_edge.bundle import Bundle

MOST_TEXT = 64 << 20  # bytes of a .keras file's description


def image_shape(path: Path) -> tuple[int, int, int]:
    """Return height, width and channels of the images that a bundle or a model file is for.

    It is what is written there: whoever opens the model finds out whether it holds.

    Args:
        path: a bundle's folder, or a .tflite, .onnx or .keras file.

    Raises:
        ModelError: nothing there, damaged, or not a classifier of images of one size.
    """
    if path.is_dir():
        return read_bundle(path).image_shape
    if not path.exists():
        raise ModelError(f"no model or bundle at {path}: check the path")
    model = read_model(path)
    check_format(model)
    if bundle := manifest_beside(path):
        return bundle.image_shape
    if format_of(model.content) == "keras":
        shape = _of_keras(model.content)
    else:
        from mnist_edge.structure import examine  # 5 ms

        shape = examine(model.content, str(path)).inputs[0].shape
    if len(shape) == 4 and all(type(side) is int and side > 0 for side in shape[1:]):
        return shape[1], shape[2], shape[3]
    raise ModelError(
        f"{path} does not say of what size its images are (it takes {list(shape)}); wanted "
        "[N,height,width,channels]: export it with all three fixed"
    )


def learnt_from(path: Path) -> str | None:
    """Return the SHA-256 of the data that a bundle, or a model file in one, says it learnt from.

    Args:
        path: a bundle's folder, or a model file.

    Returns:
        `Dataset.sha256` of it; None where nothing is said.
    """
    bundle = read_bundle(path) if path.is_dir() else manifest_beside(path)
    return None if bundle is None else trained_on(bundle)


def trained_on(bundle: Bundle) -> str | None:
    """Return the SHA-256 of the data that a bundle says it learnt from; None if it does not."""
    training = bundle.manifest.get("training")
    dataset = training.get("dataset") if isinstance(training, dict) else None
    sha256 = dataset.get("sha256") if isinstance(dataset, dict) else None
    return sha256 if isinstance(sha256, str) else None


def _of_keras(content: bytes) -> tuple[Any, ...]:
    """Return the shape that the first input of a .keras file has; empty where none is found."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if archive.getinfo("config.json").file_size > MOST_TEXT:
                return ()
            config = json.loads(archive.read("config.json"))
    except (KeyError, ValueError, zipfile.BadZipFile, zlib.error, RecursionError):
        return ()
    waiting = [config]
    while waiting:
        here = waiting.pop()
        if isinstance(here, list):
            waiting += reversed(here)
        elif isinstance(here, dict):
            if here.get("class_name") == "InputLayer":
                shape = here.get("config", {}).get("batch_shape", ())
                return tuple(shape) if isinstance(shape, list) else ()
            waiting += reversed(here.values())
    return ()

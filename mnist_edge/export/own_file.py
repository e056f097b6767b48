"""Loading a .keras file of somebody's, and saying in one line why it cannot be."""

from __future__ import annotations

import io
import json
import os
import zipfile
from typing import TYPE_CHECKING, Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

from mnist_edge.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def load(path: Path) -> Any:
    """Return the Keras model in a .keras file that anybody may have made; no code in it is run.

    Raises:
        ModelError: no such file, not a .keras archive, or layers that are not Keras' own.
    """
    if not path.is_file():
        raise ModelError(f"no model at {path}: check the path")
    content = path.read_bytes()
    if path.suffix != ".keras" or not zipfile.is_zipfile(io.BytesIO(content)):
        raise ModelError(
            f"{path} is not a .keras archive; wanted one: load it where it was made and use "
            'model.save("name.keras")'
        )
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises all sorts, of many lines
        raise ModelError(_why(path, content, error)) from error


def _why(path: Path, content: bytes, error: Exception) -> str:
    """Say in one line why Keras does not load a file."""
    lambdas, others = [], []
    for part in _parts(content):
        module, name = part.get("module"), str(part.get("class_name"))
        if name == "Lambda":
            lambdas.append(str(part.get("name", name)))
        elif "module" in part and str(module).partition(".")[0] != "keras":
            others.append(str(part["config"]) if name == "function" else name)
    if lambdas:
        return (
            f"{path} has code within it ({lambdas[0]}, a Lambda layer), which is never run: use "
            "layers that Keras has, such as Rescaling, and save it anew"
        )
    if others:
        return (
            f"{path} has {', '.join(sorted(set(others))[:3])}, which Keras does not have: build it "
            "of Keras' own layers, and save it anew"
        )
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (
        f"Keras {keras.__version__} does not load {path}: "
        f"{lines[0] if lines else type(error).__name__}: save it anew with that version"
    )


def _parts(content: bytes) -> Iterator[dict[str, Any]]:
    """Give the description of every layer and function in a .keras file."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            waiting = [json.loads(archive.read("config.json"))]
    except (KeyError, ValueError, zipfile.BadZipFile):
        return
    while waiting:
        here = waiting.pop()
        if isinstance(here, list):
            waiting += reversed(here)
        elif isinstance(here, dict):
            if "class_name" in here:
                yield here
            waiting += reversed(here.values())

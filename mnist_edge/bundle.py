"""A deployable folder: manifest, models, golden samples; read, checked, never half-written.

The manifest's form is schema 1. Sizes and hashes are checked before a native loader sees a byte.
"""

from __future__ import annotations

import errno
import json
import platform
import re
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from mnist_edge.digest import sha256_hex
from mnist_edge.errors import BundleError, ModelError, OutputError
from mnist_edge.tolerance import MOST, OTHER, tolerances

if TYPE_CHECKING:
    from collections.abc import Sequence

MANIFEST = "manifest.json"
OURS = {"schema", "models", "labels", "golden", "calibration", "training"}  # keys, any of them
INPUT = {"dtype": "uint8", "range": [0, 255], "polarity": "bright-on-dark"}
DIGIT = [28, 28, 1]  # height, width and channels, where a manifest does not say
SCHEMA = 1
FORMATS = {".tflite": "tflite", ".onnx": "onnx", ".keras": "keras"}
OWN_SUFFIXES = {
    *FORMATS,
    ".json",
    ".npz",
    ".csv",
    ".png",
    ".html",
    ".md",
    ".c",
    ".h",
}  # of a bundle
MOST_TEXT = 16 << 20  # bytes of a manifest
QUANTIZATIONS = ("float32", "float16", "dynamic", "int8", "int16x8")


class ModelEntry(NamedTuple):
    """One model as the manifest has it.

    Attributes:
        file: name within the bundle, without a folder.
        format: `tflite`, `onnx` or `keras`.
        quantization: one of QUANTIZATIONS.
        sha256: of the file, hexadecimal.
        bytes: size of the file.
        input: name, shape, dtype, scale and zero point of the input tensor.
        output: the same of the output tensor.
        ops: names of the operators within, sorted.
        parity: how the model compares with the Keras reference; empty for the reference itself.
        tolerance: by runtime, how far its answers to the golden samples may be from those
            recorded, as a difference of probabilities; under `other` for the rest.
        options: how it was quantized, beyond `quantization`: types of input and output,
            granularity, calibration method, layers kept in float; empty for float32.
    """

    file: str
    format: str
    quantization: str
    sha256: str
    bytes: int
    input: dict[str, Any]
    output: dict[str, Any]
    ops: tuple[str, ...]
    parity: dict[str, Any]
    tolerance: dict[str, float]
    options: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return the entry as the manifest writes it."""
        return {**self._asdict(), "ops": list(self.ops)}


class Bundle(NamedTuple):
    """A bundle folder whose manifest has been read and holds."""

    folder: Path
    manifest: dict[str, Any]
    models: tuple[ModelEntry, ...]

    @property
    def name(self) -> str:
        """The bundle's own name."""
        return str(self.manifest["name"])

    @property
    def labels(self) -> tuple[str, ...]:
        """What each class is called, by index."""
        return tuple(self.manifest["labels"])

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the images that its models take."""
        height, width, *channels = self.manifest.get("input", {}).get("shape", DIGIT)
        return height, width, (channels or [1])[0]

    def entry(self, file: str) -> ModelEntry:
        """Return the manifest's entry for a model file.

        Raises:
            BundleError: the manifest does not name it.
        """
        for entry in self.models:
            if entry.file == file:
                return entry
        raise BundleError(f"{self.folder / MANIFEST} does not name {file}: export it anew")

    def read_file(self, entry: ModelEntry) -> bytes:
        """Return the bytes of a model after its size and SHA-256 were found right.

        Raises:
            BundleError: absent, or not what the manifest says.
        """
        return checked_bytes(self.folder / entry.file, entry.sha256, entry.bytes)


def checked_bytes(path: Path, sha256: str, size: int | None = None) -> bytes:
    """Return the bytes of `path` if they have the size and SHA-256 that a manifest states.

    Raises:
        BundleError: they have not, or there is no plain file.
    """
    try:
        found = _plain_size(path)
        if size is not None and found != size:
            raise BundleError(
                f"{path} has {found} bytes, its manifest says {size}: copy the bundle anew"
            )
        content = path.read_bytes()
    except OSError as error:
        raise BundleError(f"cannot read {path}: {error.strerror}; copy the bundle anew") from None
    came = sha256_hex(content)
    if came != sha256:
        raise BundleError(
            f"{path} has SHA-256 {came[:12]}..., its manifest says {sha256[:12]}...: "
            "it was changed or damaged; copy the bundle anew"
        )
    return content


def make_entry(path: Path, quantization: str, **details: Any) -> ModelEntry:
    """Return the manifest entry of a model file that was just written."""
    content = path.read_bytes()
    return ModelEntry(
        file=path.name,
        format=model_format(path),
        quantization=quantization,
        sha256=sha256_hex(content),
        bytes=len(content),
        **{**_details(), "tolerance": tolerances(model_format(path), quantization), **details},
    )


def _details() -> dict[str, Any]:
    """Return what an entry has of a model of which nothing is known."""
    return {"input": {}, "output": {}, "ops": (), "parity": {}, "tolerance": {}, "options": {}}


def model_format(path: Path) -> str:
    """Return `tflite`, `onnx` or `keras` by the file's suffix.

    Raises:
        ModelError: another suffix.
    """
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        raise ModelError(
            f"{path} is not a model by its name; wanted {', '.join(FORMATS)} or a bundle folder"
        ) from None


def read_bundle(folder: Path | str) -> Bundle:
    """Read the manifest of a bundle folder; no model file is opened.

    Raises:
        BundleError: no manifest, another schema, or a manifest that does not hold together.
    """
    folder = Path(folder)
    path = folder / MANIFEST
    try:
        manifest = json.loads(_text(path))
        schema = manifest["schema"]
        if schema != SCHEMA:
            raise BundleError(
                f"{path} has schema {schema}, this version knows {SCHEMA}: upgrade mnist-edge"
            )
        bundle = Bundle(folder, manifest, tuple(_entry(item) for item in manifest["models"]))
        files = [entry.file for entry in bundle.models]
        if len(set(files)) != len(files):
            raise ValueError("a model is named twice")
        named = isinstance(manifest["labels"], list) and isinstance(manifest["name"], str)
        named = named and all(isinstance(label, str) for label in manifest["labels"])
        if not named or not bundle.name or len(bundle.labels) < 2:
            raise ValueError("wanted a name and two labels or more, as text")
        if not _stays(bundle.name):  # files are called after it
            raise ValueError(f"name {bundle.name!r} leaves the bundle")
        if len(set(bundle.labels)) != len(bundle.labels):
            raise ValueError("a label is there twice")
        _check_input(manifest.get("input", INPUT))
    except (FileNotFoundError, NotADirectoryError):
        raise BundleError(
            f"no bundle at {folder}: it has no {MANIFEST}; make one: mnist-edge export"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error
        raise BundleError(f"{path} is not a manifest: {reason}; export the bundle anew") from None
    return bundle


def _check_input(stated: Any) -> None:
    """Make sure that a bundle wants images as `preprocess` gives them."""
    for key, wanted in INPUT.items():
        if not isinstance(stated, dict) or stated.get(key, wanted) != wanted:
            raise ValueError(f"input is {stated}; this version knows {key} {wanted}")
    shape = stated.get("shape", DIGIT)
    sides = [type(side) for side in shape] if isinstance(shape, list) else []
    if sides not in ([int] * 3, [int] * 2):  # without channels: one, as manifests once had it
        raise ValueError(f"input shape is {shape}; wanted height, width and channels")
    if min(shape) < 1:
        raise ValueError(f"input shape is {shape}; wanted 1 or more of each")


def manifest_beside(path: Path) -> Bundle | None:
    """Return the bundle whose folder `path` lies in; None if none is there.

    Another program's manifest.json is none of ours; one that cannot be told from ours, being
    damaged or unreadable, is taken for ours and does not hold.

    Raises:
        BundleError: there is a manifest, and it does not hold.
    """
    try:
        manifest = json.loads(_text(path.parent / MANIFEST))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RecursionError):
        return read_bundle(path.parent)  # says what is the matter
    others = isinstance(manifest, dict) and not OURS & set(manifest)
    return None if others else read_bundle(path.parent)


def own_name(file: str) -> str:
    """Return `file` if it names something within a bundle's folder.

    Raises:
        BundleError: a path that leads elsewhere.
    """
    if not _stays(file):
        raise BundleError(f"file {file!r} in {MANIFEST} leaves the bundle: export it anew")
    return file


def _stays(name: str) -> bool:
    """Return whether a name is that of something in a folder, on any system."""
    own = PurePosixPath(name).name == name and name not in ("", ".", "..")
    return own and "\\" not in name and ":" not in name and name.isprintable()


def _entry(item: Any) -> ModelEntry:
    if not isinstance(item, dict):
        raise ValueError(f"a model is {item!r}; wanted an object")
    known = set(ModelEntry._fields)  # later versions may write more
    taken = {key: value for key, value in item.items() if key in known}
    entry = ModelEntry(**{**_details(), **taken, "ops": tuple(item.get("ops", ()))})
    own_name(entry.file)
    if entry.format not in FORMATS.values() or entry.quantization not in QUANTIZATIONS:
        raise ValueError(f"{entry.file} is {entry.format} {entry.quantization}")
    hashed = isinstance(entry.sha256, str) and re.fullmatch("[0-9a-f]{64}", entry.sha256)
    if not hashed or type(entry.bytes) is not int:
        raise ValueError(f"{entry.file} has no size or SHA-256")
    objects = (entry.input, entry.output, entry.parity, entry.options)
    if not all(isinstance(each, dict) for each in objects):
        raise ValueError(f"{entry.file}: input, output, parity and options are to be objects")
    if not all(isinstance(op, str) for op in entry.ops):
        raise ValueError(f"{entry.file}: operators are to be text")
    if not entry.tolerance:  # a bundle of before tolerances were stated
        return entry._replace(tolerance=tolerances(entry.format, entry.quantization))
    if not (isinstance(entry.tolerance, dict) and OTHER in entry.tolerance):
        raise ValueError(f"{entry.file}: tolerance is to be an object with {OTHER!r}")
    fair = (type(each) in (int, float) and 0 < each <= MOST for each in entry.tolerance.values())
    if not all(fair):
        raise ValueError(f"{entry.file}: a tolerance is to be a number above 0, {MOST} at most")
    return entry


def _text(path: Path) -> str:
    """Return a manifest's text; OSError or ValueError where it is none."""
    if _plain_size(path) > MOST_TEXT:
        raise ValueError(f"it has more than {MOST_TEXT} bytes")
    return path.read_bytes().decode()


def _plain_size(path: Path) -> int:
    """Return a file's size; OSError where it is none: a pipe is waited for, a device never ends."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "not a plain file")
    return found.st_size


def check_replaceable(folder: Path) -> None:
    """Make sure that writing a bundle to `folder` replaces nothing but a bundle.

    Raises:
        OutputError: a file, or a folder that holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; wanted a folder: choose another --out")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    strange = [
        path.name for path in folder.iterdir() if path.is_dir() or path.suffix not in OWN_SUFFIXES
    ]
    if strange or manifest_beside(folder / MANIFEST) is None:
        what = min(strange, default="no manifest of a run")
        raise OutputError(
            f"{folder} holds something that is not a run ({what}): choose another --out"
        )


def installed_versions(packages: Sequence[str]) -> dict[str, str]:
    """Return the versions of Python and of those `packages` that are installed."""
    from importlib.metadata import PackageNotFoundError, version  # 20 ms: not on the start path

    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def manifest_text(manifest: dict[str, Any]) -> str:
    """Return a manifest as the text that is written: stable, readable, one newline at the end."""
    return json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"

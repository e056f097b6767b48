"""What every board is sent: this package, pip, the bundles, the test images."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge import __version__
from mnist_edge.bundle import MANIFEST, manifest_text, model_format, read_bundle
from mnist_edge.errors import BundleError, MissingExtraError, ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mnist_edge.data import Dataset

PACKAGE = Path(__file__).parents[2]
WHEEL = f"mnist_edge-{__version__}-py3-none-any.whl"
SENT = ("tflite", "onnx")  # no board has the TensorFlow that .keras files need
SUFFIXES = (".tflite", ".onnx")
EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's own: the same files make the same wheel
IMAGES = "images.npz"
PIP = "pip.zip"
METADATA = f"""\
Metadata-Version: 2.1
Name: mnist-edge
Version: {__version__}
Requires-Python: >=3.10
Requires-Dist: numpy
"""


@dataclass(frozen=True)
class Parcel:
    """Files by their place in the board's folder, and what of it is to be benched.

    Attributes:
        files: content by path.
        paths: what to bench, as the board has it, and as the desk does.
        formats: of the models.
        dataset: how the test images are called: name, sha256, labels.
    """

    files: dict[str, bytes]
    paths: dict[str, Path]
    formats: frozenset[str]
    dataset: dict[str, Any]


def make_parcel(paths: Sequence[Path], dataset: Dataset) -> Parcel:
    """Return what is sent to bench the bundles and models at `paths` on a board.

    Raises:
        BundleError: a bundle that does not hold together, or is not for boards.
        ModelError: a path without a model.
        DataError: images of classes that a bundle does not have.
    """
    files: dict[str, bytes] = {}
    sent: dict[str, Path] = {}
    formats: set[str] = set()
    for place, path in enumerate(paths):
        folder = path if path.is_dir() else path.parent
        home = f"models/{place}/{folder.resolve().name or 'bundle'}"
        if path.is_dir():
            dataset = dataset.under(read_bundle(path).labels, str(path))
        if (folder / MANIFEST).is_file():
            found = _bundle_files(folder, None if path.is_dir() else path.name)
        else:
            found = _model_file(path)
        files |= {f"{home}/{name}": content for name, content in found.items()}
        formats |= {model_format(Path(name)) for name in found if Path(name).suffix in SUFFIXES}
        sent[home if path.is_dir() else f"{home}/{path.name}"] = path
    files[IMAGES] = _images(dataset)
    files[WHEEL] = make_wheel()
    files[PIP] = _pip()
    about = {"name": dataset.name, "sha256": dataset.sha256, "labels": list(dataset.labels)}
    return Parcel(files, sent, frozenset(formats), about)


def _bundle_files(folder: Path, alone: str | None) -> dict[str, bytes]:
    """Return a bundle without what no board can open; of its models `alone`, if that is given."""
    bundle = read_bundle(folder)
    kept = [
        entry for entry in bundle.models if entry.format in SENT and alone in (None, entry.file)
    ]
    if not kept:
        what = folder if alone is None else folder / alone
        raise BundleError(
            f"{what} has no .tflite or .onnx model, and boards have no Keras: mnist-edge export"
        )
    manifest = {**bundle.manifest, "models": [entry.as_dict() for entry in kept]}
    names = {entry.file for entry in kept} | {path.name for path in folder.glob("*.npz")}
    found = {MANIFEST: manifest_text(manifest).encode()}
    for name in sorted(names):
        try:
            found[name] = (folder / name).read_bytes()
        except OSError as error:
            raise BundleError(
                f"cannot read {folder / name}: {error.strerror}; export the bundle anew"
            ) from None
    return found


def _model_file(path: Path) -> dict[str, bytes]:
    if not path.is_file():
        raise ModelError(f"no model or bundle at {path}: check the path")
    if model_format(path) not in SENT:
        raise ModelError(f"{path} is for Keras, which boards do not have: mnist-edge export it")
    return {path.name: path.read_bytes()}


def _images(dataset: Dataset) -> bytes:
    arrays: dict[str, Any] = {"images": dataset.test.images}
    if dataset.test.truth is not None:
        arrays["truth"] = dataset.test.truth
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def make_wheel() -> bytes:
    """Return a wheel of this package as it runs here, whether installed or from a checkout.

    It is made of the files themselves: no build tool has to be there, and what is benched on the
    board is what was started at the desk.
    """
    info = f"mnist_edge-{__version__}.dist-info"
    files = {f"mnist_edge/{name}": content for name, content in _files_of(PACKAGE)}
    files[f"{info}/METADATA"] = METADATA.encode()
    files[f"{info}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: mnist-edge\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    record = "".join(f"{name},{_hash(content)},{len(content)}\n" for name, content in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    return _zip(files)


def _hash(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={digest.rstrip(b'=').decode()}"


def _pip() -> bytes:
    """Return this Python's own pip: boards often lack it, and there it is then the same for all.

    Raises:
        MissingExtraError: this Python has none.
    """
    spec = find_spec("pip")
    if spec is not None and spec.submodule_search_locations:
        folder = Path(spec.submodule_search_locations[0])
        return _zip({f"pip/{name}": content for name, content in _files_of(folder)})
    bundled = find_spec("ensurepip")
    if bundled is not None and bundled.origin:
        for wheel in Path(bundled.origin).parent.glob("_bundled/pip-*.whl"):
            return wheel.read_bytes()
    raise MissingExtraError(
        "pip is not here, and boards are sent it: python -m ensurepip, or install python3-pip"
    )


def _files_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def _zip(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name, EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            archive.writestr(member, content)
    return file.getvalue()


def job(parcel: Parcel, settings: dict[str, Any]) -> bytes:
    """Return the text of the job for `bench.on_device`."""
    about = {"paths": list(parcel.paths), "images": IMAGES, "dataset": parcel.dataset}
    return json.dumps({**about, "settings": settings}).encode()

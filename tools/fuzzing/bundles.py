"""A whole bundle of which one file was damaged, with its hash left alone or made to fit."""

from __future__ import annotations

import hashlib
import json
import os
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzing.damage import bytes_damaged
from fuzzing.documents import golden_damaged, json_damaged
from fuzzing.judging import Wrong, ask, good_message
from fuzzing.onnx_fields import onnx_damaged
from fuzzing.tflite_fields import tflite_damaged
from mnist_edge import Classifier
from mnist_edge.bundle import read_bundle
from mnist_edge.errors import MnistEdgeError
from mnist_edge.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MANIFEST = "manifest.json"
KNOWING = {".tflite": tflite_damaged, ".onnx": onnx_damaged}


class DamagedBundle:
    """The shipped bundle, one file of which is damaged, replaced or gone."""

    def __init__(self, sound: Path) -> None:
        """Take the sound bundle: its manifest, the models it names, its golden samples."""
        self.files = {path.name: path.read_bytes() for path in sorted(sound.iterdir())}
        self.images = np.load(sound / "golden.npz")["images"][:3]
        self.models = [name for name in self.files if name.endswith((".tflite", ".onnx"))]

    def make(self, seed: int, folder: Path) -> str:
        """Write the bundle."""
        random = Random(f"bundle {seed}")
        files = dict(self.files)
        roll = random.random()
        if roll < 0.3:
            words = self._model(random, files)
        elif roll < 0.65:
            words = self._manifest(random, files)
        elif roll < 0.95:
            words = self._golden(random, files)
        else:
            words = self._replaced(random, files, folder)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        return words

    def check(self, seed: int, folder: Path) -> str:
        """Open the bundle, then its models by name, then have it verified."""
        found: list[str] = []
        refusals: list[MnistEdgeError] = []
        ways: list[Callable[[], str]] = [
            lambda: self._open(folder, folder, None),
            lambda: self._open(folder, folder, "onnxruntime"),
            *[lambda name=name: self._open(folder, folder / name, None) for name in self.models],
            lambda: self._verify(folder, "litert"),
            lambda: self._verify(folder, "onnxruntime"),
        ]
        for way in ways:
            try:
                found.append(way())
            except MnistEdgeError as error:
                good_message(str(error))
                refusals.append(error)
        if not found:
            raise refusals[0]
        return f"{len(found)} of {len(ways)}: {found[0]}"

    def _open(self, folder: Path, path: Path, runtime: str | None) -> str:
        with Classifier.open(path, runtime=runtime) as classifier:
            _not_denied(folder, classifier.path.name)
            for label in classifier.labels:
                if not isinstance(label, str):
                    raise Wrong(f"label {label!r} is no text")
            return ask(classifier, self.images)

    def _verify(self, folder: Path, runtime: str) -> str:
        held = []
        for finding in verify(read_bundle(folder), runtime):
            good_message(finding.detail)
            if finding:
                _not_denied(folder, finding.file)
                if finding.runtime:
                    _not_denied(folder, None)
                held.append(finding.file)
        return f"held {held}"

    def _model(self, random: Random, files: dict[str, bytes]) -> str:
        name = random.choice(self.models)
        knowing = KNOWING[name[name.index(".") :]]
        if random.random() < 0.5:
            files[name], words = bytes_damaged(random, files[name])
        else:
            files[name], words = knowing(random, files[name], 1)
        return f"{name}: {words}{_refresh(random, files, name, 0.5)}"

    def _manifest(self, random: Random, files: dict[str, bytes]) -> str:
        if random.random() < 0.2:
            files[MANIFEST], words = bytes_damaged(random, files[MANIFEST])
        else:
            times = random.choice((1, 1, 2, 3))
            files[MANIFEST], words = json_damaged(random, files[MANIFEST].decode(), times)
        return f"{MANIFEST}: {words}"

    def _golden(self, random: Random, files: dict[str, bytes]) -> str:
        files["golden.npz"], words = golden_damaged(random, files["golden.npz"])
        return f"golden.npz: {words}{_refresh(random, files, 'golden.npz', 0.8)}"

    def _replaced(self, random: Random, files: dict[str, bytes], folder: Path) -> str:
        """Put something else in a file's place: a link, a folder, a pipe, a device, or nothing."""
        name = random.choice(sorted(files))
        what = random.choice(
            ("gone", "folder", "pipe", "/dev/zero", "/etc/passwd", "itself", "link")
        )
        content = files.pop(name)
        path = folder / name
        if what == "folder":
            path.mkdir()
        elif what == "pipe":
            os.mkfifo(path)
        elif what == "link":  # to the right bytes elsewhere
            (folder / "elsewhere").write_bytes(content)
            path.symlink_to("elsewhere")
        elif what != "gone":
            path.symlink_to(name if what == "itself" else what)
        return f"{name}: {what}"


def _refresh(random: Random, files: dict[str, bytes], name: str, likely: float) -> str:
    """Make size and hash in the manifest fit the file, or leave them."""
    if random.random() > likely:
        return "; hash left"
    manifest = json.loads(files[MANIFEST])
    sha256 = hashlib.sha256(files[name]).hexdigest()
    for entry in (*manifest["models"], manifest["golden"]):
        if entry["file"] == name:
            entry["sha256"] = sha256
            if "bytes" in entry:
                entry["bytes"] = len(files[name])
    files[MANIFEST] = json.dumps(manifest).encode()
    return "; hash made to fit"


def _not_denied(folder: Path, name: str | None) -> None:
    """Make sure that no word of the manifest denies a model, or (None) the golden samples.

    Raises:
        Wrong: the size or the hash that it states is not the file's.
    """
    if not (folder / MANIFEST).is_file():
        return
    try:
        manifest: Any = json.loads((folder / MANIFEST).read_bytes())
        entries = [manifest["golden"]] if name is None else manifest["models"]
        stated = [entry for entry in entries if name is None or entry["file"] == name]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return  # not a manifest: it denies nothing
    for entry in stated:
        content = (folder / entry["file"]).read_bytes()
        if entry.get("sha256") != hashlib.sha256(content).hexdigest():
            raise Wrong(f"{entry['file']} was accepted; the manifest's hash denies it")
        if name is not None and entry.get("bytes") != len(content):
            raise Wrong(f"{entry['file']} was accepted; the manifest's size denies it")

"""How to embed a bundle, and the commands and hashes by which it is made again."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

from mnist_edge.bundle import read_bundle
from mnist_edge.model_file import SHIPPED
from mnist_edge.report.page import commands
from mnist_edge.report.page.commands import DATA, RUN, Snippet, data_words

if TYPE_CHECKING:
    from mnist_edge.report.page.material import Material

EXTRAS = {"tflite": "litert", "onnx": "onnx", "keras": "train"}


class Digest(NamedTuple):
    """A file or a set of data with its SHA-256, and its size in bytes where that is known."""

    name: str
    bytes: int | None
    sha256: str


def embedding(material: Material) -> list[Snippet]:
    """Return what brings a bundle into a program."""
    from mnist_edge import __version__

    forms = {entry.format for entry in material.bundle.models}
    extra = next((EXTRAS[form] for form in EXTRAS if form in forms), "litert")
    wheel = f"mnist_edge-{__version__}-py3-none-any.whl"
    height, width, channels = material.bundle.image_shape
    shape = f"({height}, {width})" if channels == 1 else f"({height}, {width}, {channels})"
    bright = material.bundle.manifest.get("input", {}).get("polarity") == "bright-on-dark"
    ink = ", ink bright on dark" if bright else ""
    code = f"""import numpy as np
from mnist_edge import Classifier

image = np.zeros({shape}, np.uint8)  # 0..255{ink}

with Classifier.open({material.place!r}) as classifier:
    found = classifier.predict(image)
    print(found.label, found.confidence, found.probabilities)"""
    place = quote(material.place)
    shell = f"""mnist-edge verify {place}
mnist-edge doctor {place}
mnist-edge predict photo.png --model {place}"""
    return [
        Snippet("Install", "sh", f'pip install "mnist-edge[{extra}] @ file:///path/to/{wheel}"'),
        Snippet("Python", "python", code),
        Snippet("Shell, with [cli] too", "sh", shell),
    ]


def making(material: Material) -> list[Snippet]:
    """Return the commands that make a bundle again, in their order."""
    found = [commands.train(material), commands.export(material), commands.bench(material)]
    place = quote(material.place)
    data = f" --data {DATA}" if data_words(material) else ""
    found.append(Snippet("This page", "sh", f"mnist-edge report {place}{data}"))
    return [each for each in found if each is not None]


def where(material: Material) -> str:
    """Return from where the commands and the code of a report are run."""
    return f"Commands and code are run in the folder that has {material.place} in it."


def names(material: Material) -> str:
    """Return what the names in capitals of `making` stand for; empty where there are none."""
    every = "\n".join(each.text for each in making(material))
    found = []
    if RUN in every:
        found.append(f"{RUN} is a folder of your choice")
    if DATA in every:
        found.append(f"{DATA} what it learnt from")
    if "TEACHER_" in every:
        found.append(
            f"TEACHER_… the runs of its teachers, by the hashes below: {_taught(material)}"
        )
    return f"{', '.join(found)}." if found else ""


def _taught(material: Material) -> str:
    """Return where a reader gets the teachers from: hashes alone bring none."""
    shipped = read_bundle(SHIPPED).manifest["training"]["hyperparameters"].get("teachers")
    if material.training["hyperparameters"]["teachers"] == shipped:
        return "make artifacts, in the repository of mnist-edge, trains them"
    return "without them it cannot be trained again"


def digests(material: Material) -> list[Digest]:
    """Return every file and every set of data whose hash the manifest has."""
    manifest, training = material.bundle.manifest, material.training
    found = [Digest(each.file, each.bytes, each.sha256) for each in material.bundle.models]
    for key in ("golden", "reference"):
        about = manifest.get(key) or {}
        if about.get("sha256"):
            found.append(Digest(about.get("file") or key, about.get("bytes"), about["sha256"]))
    dataset, calibration = training.get("dataset") or {}, manifest.get("calibration") or {}
    if dataset.get("sha256"):
        found.append(Digest(f"dataset {dataset.get('name', '')}".strip(), None, dataset["sha256"]))
    if calibration.get("sha256"):
        count = f"{calibration['count']:,} " if calibration.get("count") else ""
        found.append(Digest(f"{count}calibration images", None, calibration["sha256"]))
    teachers = (training.get("hyperparameters") or {}).get("teachers") or ()
    found += [
        Digest(f"teacher {place}, weights", None, each) for place, each in enumerate(teachers, 1)
    ]
    return found

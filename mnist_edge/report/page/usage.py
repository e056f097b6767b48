"""How to embed a bundle, and the commands and hashes by which it is made again."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any, NamedTuple

from mnist_edge.bench.settings import QUICK, Settings
from mnist_edge.bundle import read_bundle
from mnist_edge.data.public import PUBLIC
from mnist_edge.export.calibration import COUNT
from mnist_edge.export.plan import OPTIONS, VALID
from mnist_edge.model_file import SHIPPED
from mnist_edge.training.recipe import from_dict
from mnist_edge.training.recipes import RECIPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mnist_edge.report.page.material import Material

EXTRAS = {"tflite": "litert", "onnx": "onnx", "keras": "train"}
# What `train` takes of a recipe, by option.
TRAINED = ("epochs", "batch_size", "optimizer", "learning_rate", "schedule", "filters", "dense",
           "dropout", "augmentation", "validation_share")  # fmt: skip
DATA, RUN = "DATA", "RUN"  # what the reader has and we cannot name


class Snippet(NamedTuple):
    """Something to copy: what it does, in which language, and the text."""

    title: str
    language: str
    text: str


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
    found = [_training(material), _export(material), _bench(material)]
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


def _training(material: Material) -> Snippet | None:
    training = material.training
    hyper = training.get("hyperparameters") or {}
    if training.get("recipe") not in RECIPES or not hyper:
        return None
    usual, recipe = RECIPES[training["recipe"]].as_dict(), from_dict(dict(hyper)).as_dict()
    words = ["mnist-edge train --recipe", training["recipe"]]
    for key in TRAINED:
        if recipe[key] != usual[key]:
            value = recipe[key]
            text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
            words.append(f"--{key.replace('_', '-')} {quote(text)}")
    words.append(f"--seed {recipe['seed']}")
    words += [f"--teacher TEACHER_{place}" for place, _ in enumerate(recipe["teachers"], 1)]
    words += data_words(material)
    lines = [" ".join([*words, f"--out {RUN}"])]
    aware = training.get("quantization_aware")
    if isinstance(aware, dict):
        options = [
            f"--{key.replace('_', '-')} {quote(str(aware[key]))}"
            for key in ("epochs", "learning_rate", "granularity")
            if key in aware
        ]
        lines.append(" ".join([f"mnist-edge finetune {RUN}", *options, *data_words(material)]))
    return Snippet("Train", "sh", "\n".join(lines))


def _export(material: Material) -> Snippet | None:
    entries = [each for each in material.bundle.models if each.format != "keras"]
    if not entries:
        return None
    own = "recipe" not in material.training and material.training.get("file")
    words = ["mnist-edge export", quote(str(own)) if own else RUN]
    made = dict.fromkeys(each.quantization for each in entries)
    words += [f"--{each}" for each in made if each != "float32"]
    for key in OPTIONS:
        words += _others(entries, key)
    counts = {
        (each.options.get("calibration") or {}).get("count")
        for each in entries
        if isinstance(each.options.get("calibration"), dict)
    }
    words += [f"--calibration-count {each}" for each in counts - {None, COUNT}]
    words += data_words(material) or ([f"--calibration {DATA}"] if own else [])
    return Snippet("Export", "sh", " ".join([*words, f"--out {quote(material.place)}"]))


def _others(entries: Iterable[Any], key: str) -> list[str]:
    """Return an option once for each value that is not the usual one of a row."""
    found: dict[str, None] = {}
    for entry in entries:
        row = VALID.get((entry.format, entry.quantization))
        usual = (getattr(row, key) or ("",))[0] if row else ""
        value = entry.options.get(key, usual)
        if value != usual:
            found[str(value)] = None
    return [f"--{key} {quote(value)}" for value in found]


def _bench(material: Material) -> Snippet | None:
    if material.record is None:
        return None
    said: Mapping[str, Any] = material.record["settings"]
    place = quote(material.place)
    words = ["mnist-edge bench", place]
    words += [f"--runtime {quote(each)}" for each in said.get("runtimes") or ()]
    threads = said.get("threads") or 1
    threads = [threads] if isinstance(threads, int) else threads
    words += [f"--threads {','.join(map(str, threads))}"] if list(threads) != [1] else []
    words += ["--quick"] if said.get("seconds") == QUICK["seconds"] != Settings.seconds else []
    words += ["--stress"] if said.get("stress") else []
    if said.get("sustained_minutes"):
        words.append(f"--sustained {said['sustained_minutes']:g}")
    for key in ("max_drop", "min_agreement", "max_class_drop"):
        if said.get(key) is not None:
            words.append(f"--{key.replace('_', '-')} {said[key]:g}")
    words += data_words(material)
    return Snippet("Bench", "sh", " ".join([*words, f"--out {place}/bench.json"]))


def data_words(material: Material) -> list[str]:
    """Return `--data` where the bundle did not learn from what is taken without it."""
    name = (material.training.get("dataset") or {}).get("name")
    if not name or name == "mnist":
        return []
    return [f"--data {name}" if name in PUBLIC else f"--data {DATA}"]

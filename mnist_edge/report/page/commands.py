"""The commands that make a bundle again, one by one."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

from mnist_edge.bench.settings import QUICK, Settings
from mnist_edge.data.public import PUBLIC
from mnist_edge.errors import one_line
from mnist_edge.export.calibration import COUNT
from mnist_edge.export.plan import OPTIONS, VALID
from mnist_edge.training.recipe import WORDS, from_dict
from mnist_edge.training.recipes import RECIPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mnist_edge.report.page.material import Material

# What `train` takes of a recipe, by option.
TRAINED = ("epochs", "batch_size", "optimizer", "learning_rate", "schedule", "filters", "dense",
           "dropout", "augmentation", "validation_share")  # fmt: skip
SAID = ("seed", "teachers", *WORDS)  # of a recipe, said otherwise or in words for people alone
DATA, RUN = "DATA", "RUN"  # what the reader has and we cannot name


def quote(value: object) -> str:
    """Return a value as one word of one line for a shell: a manifest may hold anything."""
    return shlex.quote(one_line(str(value)))


class Snippet(NamedTuple):
    """Something to copy: what it does, in which language, and the text."""

    title: str
    language: str
    text: str


def train(material: Material) -> Snippet | None:
    """Return how the network was trained; None where it was not from a recipe of ours.

    What differs from the recipe as it is now, and `train` cannot be told, stands in a comment.
    """
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
    words.append(f"--seed {quote(recipe['seed'])}")
    words += [f"--teacher TEACHER_{place}" for place, _ in enumerate(recipe["teachers"], 1)]
    words += data_words(material)
    other = [
        f"{key} {one_line(str(recipe[key]))}"
        for key in recipe
        if key not in (*TRAINED, *SAID) and recipe[key] != usual[key]
    ]
    here = f"# gives another run: here {training['recipe']} had {', '.join(other)}"
    lines = [here] if other else []
    lines.append(" ".join([*words, f"--out {RUN}"]))
    aware = training.get("quantization_aware")
    if isinstance(aware, dict):
        options = [
            f"--{key.replace('_', '-')} {quote(aware[key])}"
            for key in ("epochs", "learning_rate", "granularity")
            if key in aware
        ]
        lines.append(" ".join([f"mnist-edge finetune {RUN}", *options, *data_words(material)]))
    return Snippet("Train", "sh", "\n".join(lines))


def export(material: Material) -> Snippet | None:
    """Return how the models were exported; None where there is Keras' alone."""
    entries = [each for each in material.bundle.models if each.format != "keras"]
    if not entries:
        return None
    own = "recipe" not in material.training and material.training.get("file")
    words = ["mnist-edge export", quote(own) if own else RUN]
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


def bench(material: Material) -> Snippet | None:
    """Return how the models were benched; None where they were not."""
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

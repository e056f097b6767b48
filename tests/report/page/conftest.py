"""Bundles to report: a shipped one, and some that were never trained, of any number of classes."""

import hashlib
import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from mnist_edge.bundle import Bundle, ModelEntry, read_bundle
from mnist_edge.data import Split, load
from mnist_edge.report.page import Material, gather
from mnist_edge.report.page.answers import Answers

ARTIFACTS = Path(__file__).parents[3] / "artifacts"
IMAGES = 600  # of the test part: enough for mistakes and flips of nano
VOID = {"img", "meta", "br", "use", "path", "link", "input"}


@pytest.fixture(scope="session")
def test_images():
    test = load("mnist").test
    return Split(test.images[:IMAGES], test.labels[:IMAGES])


@pytest.fixture(scope="session")
def nano(test_images):
    """The material of a shipped bundle, with some of the test images."""
    return gather(read_bundle(ARTIFACTS / "nano"), test_images)


@pytest.fixture
def folder(tmp_path):
    """A copy of a shipped bundle to change."""
    place = tmp_path / "nano"
    shutil.copytree(ARTIFACTS / "nano", place)
    return place


@pytest.fixture
def changed(folder):
    """Changes the manifest of that copy: `changed(labels=[...])`."""

    def change(**values):
        path = folder / "manifest.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**manifest, **values}), encoding="utf-8")
        return folder

    return change


def entry(file, quantization="float32"):
    form = {"s": "keras", "e": "tflite", "x": "onnx"}[file[-1]]
    digest = hashlib.sha256(file.encode()).hexdigest()
    return ModelEntry(file, form, quantization, digest, 1000 + len(file), {}, {}, (), {}, {}, {})


@pytest.fixture(scope="session")
def imagined():
    """Makes material of models that say what they are told to: `imagined(labels, truth, said)`.

    `said` has, by file name, the class that each image is given; the model is 90 % sure of it.
    """

    def make(labels, truth, said, **changes):
        named = {file: np.asarray(each) for file, each in said.items()}
        shape = changes.pop("shape", (28, 28))
        count = len(next(iter(named.values())))
        images = np.random.default_rng(0).integers(0, 255, (count, *shape), np.uint8)
        manifest = {
            "schema": 1, "name": changes.pop("name", "imagined"), "labels": list(labels),
            "created": "2026-01-02T03:04:05+00:00", "input": {"shape": [*shape, 1][:3]},
        }  # fmt: skip
        kinds = ("int8", "int16x8")
        entries = [
            entry(file, next((kind for kind in kinds if kind in file), "float32")) for file in named
        ]
        answers = []
        for each in entries:
            rest = 0.1 / (len(labels) - 1)
            shares = np.full((count, len(labels)), rest, np.float32)
            shares[np.arange(count), named[each.file]] = 0.9
            answers.append(Answers(each, "litert", shares))
        bundle = Bundle(Path("imagined"), manifest, tuple(entries))
        labelled = None if truth is None else np.asarray(truth, np.uint8)
        return Material(bundle, test=Split(images, labelled), answers=tuple(answers), **changes)

    return make


class Page(HTMLParser):
    """What a page is made of: elements with their attributes, and the text within each."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self._open, self.words = [], [], []
        self.feed(text)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag, attrs):
        here = {"tag": tag, "text": "", **dict(attrs)}
        self.elements.append(here)
        if tag not in VOID:
            self._open.append(here)

    def handle_startendtag(self, tag, attrs):
        self.elements.append({"tag": tag, "text": "", **dict(attrs)})

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self._open.pop()["tag"] == tag, tag

    def handle_data(self, data):
        if self._open and self._open[-1]["tag"] not in ("script", "style"):
            self.words.append(data)
        for each in self._open:
            each["text"] += data

    def all(self, *tags):
        return [each for each in self.elements if each["tag"] in tags]

    def section(self, key):
        return next(each for each in self.all("section") if each.get("id") == key)

    @property
    def text(self):
        return " ".join("".join(self.words).split())


@pytest.fixture(scope="session")
def parsed():
    return Page

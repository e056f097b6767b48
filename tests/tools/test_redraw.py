import shutil

import pytest

from mnist_edge.data import Dataset, Split, load
from tools.redraw import redraw
from tools.runs import ROOT

PICTURES = {
    "audit.png",
    "bench-accuracy.png",
    "bench-flips.png",
    "bench-latency.png",
    "bench-stress.png",
    "confusion.png",
    "curves.png",
    "mistakes.png",
    "samples.png",
}


def test_every_picture_is_drawn_and_nothing_else_is_touched(tmp_path):
    folder = tmp_path / "nano"
    shutil.copytree(ROOT / "artifacts" / "nano", folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name in PICTURES:
        (folder / name).unlink()
    redraw(folder, load("mnist"))
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert after.keys() == before.keys()
    assert {name for name in before if name.endswith(".png")} == PICTURES
    assert all(after[name] == before[name] for name in before.keys() - PICTURES)
    assert all(after[name].startswith(b"\x89PNG") for name in PICTURES)


def test_answers_to_other_images_are_not_drawn():
    test = load("mnist").test
    few = Split(test.images[:10], test.labels[:10])
    with pytest.raises(SystemExit, match="does not have what Keras said of the test images"):
        redraw(ROOT / "artifacts" / "nano", Dataset("mnist", few, few, tuple("0123456789")))

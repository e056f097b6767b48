import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_edge.bench.stress import non_digits
from mnist_edge.bench.stress.non_digits import FONTS, LETTERS, SIZES_PX, letters, strangers
from mnist_edge.data import Dataset, Split
from mnist_edge.errors import DataError

DIGITS = tuple("0123456789")


def some(shape=(28, 28), labels=DIGITS):
    none = Split(np.zeros((2, *shape), np.uint8), np.zeros(2, np.uint8))
    return Dataset("made-up", none, none, labels)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Fashion items of two images; how the real ones come is tested in tests/data."""
    found = replace(some(), test=Split(np.full((2, 28, 28), 9, np.uint8), None))
    monkeypatch.setattr(non_digits, "load", lambda name, say: found)


def silent(_line):
    return None


def test_noise_is_uniform_and_the_same_each_time():
    found = strangers("uniform noise", some((5, 7, 3)), silent)
    assert (found.images.shape, found.images.dtype) == ((1000, 5, 7, 3), np.uint8)
    assert (strangers("uniform noise", some((5, 7, 3)), silent).images == found.images).all()
    counts = np.bincount(found.images.ravel(), minlength=256)
    assert counts.min() > 0.7 * counts.mean()
    assert counts.max() < 1.3 * counts.mean()


def test_letters_stand_as_digits_of_mnist_do():
    found = letters()
    assert (found.shape, found.dtype) == ((len(FONTS) * len(SIZES_PX) * 17, 28, 28), np.uint8)
    assert len(np.unique(found.reshape(len(found), -1), axis=0)) == len(found)
    places = np.arange(28) + 0.5
    for image in found:
        rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
        tall, wide = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert 19 <= max(tall, wide) <= 20  # the ink's faintest pixels may be dark
        assert image.max() == 255
        for axis in (0, 1):
            weights = image.sum(axis).astype(float)
            assert (weights * places).sum() / weights.sum() == pytest.approx(14, abs=1.01)
    assert not set(LETTERS) & set("OoIliSsZzBgqbDQ")


def test_what_does_not_fit_the_models_is_said():
    fine = strangers("letters", some(), silent)
    assert fine.missing is None
    assert strangers("fashion items", some(), silent).images.shape == (2, 28, 28)
    for name in ("letters", "fashion items"):
        found = strangers(name, some((32, 32, 3)), silent)
        assert found.images is None
        assert found.missing == "they are of 28x28 grey pixels, and the models take [32, 32, 3]"
    assert strangers("letters", some(labels=("A", "B")), silent).missing == (
        "A is a class of the models"
    )
    assert strangers("fashion items", some(labels=("Bag", "Dress")), silent).missing == (
        "Bag is a class of the models"
    )


def test_what_is_not_here_is_said_and_not_the_end(monkeypatch):
    def unreachable(_name, say):
        say("trying")
        raise DataError("cannot get fashion-mnist; tried all")

    said = []
    monkeypatch.setattr(non_digits, "load", unreachable)
    found = strangers("fashion items", some(), said.append)
    assert found == ("fashion items", None, "cannot get fashion-mnist; tried all")
    assert said == ["trying"]
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    found = strangers("letters", some(), silent)
    assert 'pip install "mnist-edge[report]"' in found.missing


def test_a_matplotlib_without_fonts_is_said_and_not_the_end(tmp_path, monkeypatch):
    import matplotlib

    there = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    monkeypatch.setattr(matplotlib, "get_data_path", lambda: str(tmp_path))
    ttf = tmp_path / "fonts" / "ttf"
    assert strangers("letters", some(), silent) == (
        "letters",
        None,
        f"cannot draw in {ttf / 'DejaVuSans.ttf'}: No such file or directory; "
        "matplotlib and Pillow as pip installs them can",
    )
    ttf.mkdir(parents=True)
    shutil.copy(there / "DejaVuSans.ttf", ttf)  # the first is there, the second is not
    (ttf / "DejaVuSans-Bold.ttf").write_bytes(b"no font\n")
    found = strangers("letters", some(), silent)
    assert found.images is None
    assert found.missing.startswith(f"cannot draw in {ttf / 'DejaVuSans-Bold.ttf'}: ")


def test_a_pillow_without_freetype_is_said_and_not_the_end(monkeypatch):
    from PIL import ImageFont, _util

    why = "The _imagingft C module is not installed"
    monkeypatch.setattr(ImageFont, "core", _util.DeferredError(ImportError(why)))
    found = strangers("letters", some(), silent)
    assert found.images is None
    assert f": {why}; " in found.missing

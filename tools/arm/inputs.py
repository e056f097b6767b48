"""What every device gets: bundles to verify, images to predict, the bundle of the tests."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mnist_edge.classifier import SHIPPED
from tools.arm.hardest import make_hardest
from tools.arm.steps import call, is_made, set_made, stamp

ROOT = Path(__file__).parents[2]
MAKES_BUNDLE = "tests/test_verify.py::test_every_model_holds_on_every_runtime"
PICTURES = 3
ENLARGED = 12  # times: a picture as a scanner gives it, dark on bright


@dataclass(frozen=True)
class Inputs:
    """What every device gets.

    Attributes:
        bundles: by name, the folders to verify; None is the bundle within the wheel.
        tests_bundle: what the tests' fixture would make where TensorFlow is.
        images: picture files, and the label that `predict` should find on each.
    """

    bundles: dict[str, Path | None]
    tests_bundle: Path
    images: dict[Path, str]


def make_inputs(home: Path) -> Inputs:
    """Make what is not there yet."""
    bundle = make_tests_bundle(home / "bundle")
    bundles = {
        "shipped": None,
        "edge": ROOT / "artifacts" / "edge",
        "hardest": make_hardest(home / "hardest"),
        "tests": bundle,
    }
    return Inputs(bundles, bundle, draw(home / "images"))


def make_tests_bundle(folder: Path) -> Path:
    """Return the bundle that the tests' fixture makes here, and keeps in `folder`."""
    sources = [*sorted(ROOT.glob("mnist_edge/**/*.py")), ROOT / "tests" / "conftest.py"]
    mark = stamp([path.read_bytes() for path in sources])
    if not is_made(folder, mark):
        shutil.rmtree(folder, ignore_errors=True)
        environment = {**os.environ, "MNIST_EDGE_TEST_BUNDLE": str(folder)}
        call([sys.executable, "-m", "pytest", "-q", MAKES_BUNDLE], cwd=ROOT, env=environment)
        set_made(folder, mark)
    return folder


def draw(folder: Path) -> dict[Path, str]:
    """Write golden digits as pictures, small ones as they are and large ones as on paper."""
    folder.mkdir(parents=True, exist_ok=True)
    with np.load(SHIPPED / "golden.npz") as golden:
        digits, labels = golden["images"][:PICTURES], golden["labels"][:PICTURES]
    found = {}
    for place, (digit, label) in enumerate(zip(digits, labels, strict=True)):
        small, large = (folder / f"{place}-{name}.png" for name in ("small", "large"))
        picture = Image.fromarray(digit.reshape(28, 28))
        picture.save(small)
        size = (28 * ENLARGED, 28 * ENLARGED)
        Image.fromarray(255 - np.asarray(picture.resize(size, Image.Resampling.BICUBIC))).save(
            large
        )
        found |= {small: str(label), large: str(label)}
    return found

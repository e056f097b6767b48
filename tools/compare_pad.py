"""How the drawing pad's interpreter answers beside LiteRT, on the first 1,000 test images.

    python -m tools.compare_pad [NAME ...]

NAME is a shipped bundle; without any: all. Its int8 model runs in node by the page's JavaScript,
and in LiteRT by its reference kernels, which give the same on every processor, and by XNNPACK's,
which LiteRT takes by itself: those may differ in an image or two from one processor to another.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from mnist_edge.data import load
from tools.pad_in_node import LiteRT, NodeError, answers
from tools.runs import LEARNERS, ROOT

if TYPE_CHECKING:
    from numpy.typing import NDArray

IMAGES = 1000
KERNELS = ("reference", "XNNPACK")


class Comparison(NamedTuple):
    """How two models answer the same images.

    Attributes:
        images: how many there are.
        equal: of how many every probability is the same integer.
        near: of how many no probability is more than two steps of 1/256 apart.
        other_label: how many get another label.
    """

    images: int
    equal: int
    near: int
    other_label: int


def compare(one: NDArray[Any], other: NDArray[Any]) -> Comparison:
    """Compare raw answers, int8 [N,K] each."""
    steps = np.abs(one.astype(int) - other.astype(int)).max(1)
    labels = one.argmax(1) != other.argmax(1)
    return Comparison(len(one), *(int(each.sum()) for each in (steps == 0, steps <= 2, labels)))


def compare_pad(name: str, images: NDArray[np.uint8]) -> dict[str, Comparison]:
    """Compare a shipped bundle's answers to images, uint8 [N,28,28], by LiteRT's kernels.

    Raises:
        NodeError: there is no node.
    """
    path = ROOT / "artifacts" / name / f"{name}-int8.tflite"
    came = answers(path, images)
    models = (LiteRT(path, reference=kernels == "reference") for kernels in KERNELS)
    said = [np.array([model.run(image) for image in images]) for model in models]
    return {kernels: compare(came, each) for kernels, each in zip(KERNELS, said, strict=True)}


def main() -> None:
    """Compare the bundles named on the command line, or all; print one table."""
    names = sys.argv[1:] or LEARNERS
    for name in names:
        if name not in LEARNERS:
            sys.exit(f"no shipped bundle {name!r}; there are {', '.join(LEARNERS)}")
    images = load("mnist").test.images[:IMAGES]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in ("Bundle", "LiteRT's kernels"):
        table.add_column(column, no_wrap=True)
    for column in ("Images", "Equal", "Within 2/256", "Other label"):
        table.add_column(column, justify="right", no_wrap=True)
    with Console(stderr=True).status("") as status:
        for name in names:
            status.update(name)
            try:
                rows = compare_pad(name, images)
            except NodeError as error:
                sys.exit(str(error))
            for kernels, found in rows.items():
                table.add_row(name, kernels, *(f"{each:,}" for each in found))
    Console().print(table)


if __name__ == "__main__":
    main()

"""Say which digit a camera sees, each time that this changes.

    python camera.py                                 # the first camera, until Ctrl-C
    python camera.py film.avi --roi 200,100,240,240  # a film, until its end

Hold a sheet with one digit on it so that the paper fills the region of interest.
"""

from __future__ import annotations

import argparse
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import cv2

from mnist_edge import Classifier, InputError, MnistEdgeError
from mnist_edge.image_file import read_array

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    import numpy as np


def frames(source: str, region: tuple[slice, slice]) -> Generator[np.ndarray]:
    """Yield a region of each frame of a camera (its number) or a film (its path), grey [H,W]."""
    capture = cv2.VideoCapture(int(source) if source.isdigit() else source)
    try:
        if not capture.isOpened():
            raise InputError(f"no camera or film at {source!r}: check the number or the path")
        while True:
            there, frame = capture.read()
            if not there:  # the film's end, or a camera that was pulled out
                return
            part = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)[region]
            if min(part.shape) < 28:
                raise InputError(f"the region leaves {part.shape} of a frame; wanted 28x28 or more")
            yield part
    finally:
        capture.release()


def seen(classifier: Classifier, pixels: np.ndarray) -> str | None:
    """Return the label of what is drawn, or None where no digit can be made out."""
    try:
        reading = read_array(pixels)
    except InputError:  # blank
        return None
    return classifier.predict(reading.image).label if reading.sure else None


def changes(labels: Iterable[str | None], steady: int) -> Iterator[str | None]:
    """Yield a label that differs from the last one and came `steady` times in a row."""
    shown = candidate = None
    count = 0
    for label in labels:
        count = count + 1 if label == candidate else 1
        candidate = label
        if count >= steady and candidate != shown:
            shown = candidate
            yield shown


def region(text: str) -> tuple[slice, slice]:
    """Return the rows and columns that `left,top,width,height` mean."""
    left, top, width, height = map(int, text.split(","))
    return slice(top, top + height), slice(left, left + width)


def main() -> None:
    """Print a line for each change; a dash where the digit has gone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", nargs="?", default="0", help="camera number or film [0]")
    parser.add_argument("--roi", type=region, default=(...,), metavar="LEFT,TOP,WIDTH,HEIGHT")
    parser.add_argument("--steady", type=int, default=5, help="frames that must agree [5]")
    parser.add_argument("--least", type=float, default=0.8, help="confidence that counts [0.8]")
    args = parser.parse_args()
    try:
        with (
            Classifier.open(reject_below=args.least) as classifier,
            closing(frames(args.source, args.roi)) as parts,
        ):
            labels = (seen(classifier, part) for part in parts)
            for label in changes(labels, args.steady):
                print(label or "-", flush=True)
    except MnistEdgeError as error:
        parser.exit(2, f"error: {error}\n")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()

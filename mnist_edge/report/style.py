"""How all pictures look, and how they become files.

Colours are Okabe and Ito's, which colour-blind people can tell apart.
"""

from __future__ import annotations

import io
import zlib
from typing import Any

from mnist_edge.errors import MissingExtraError

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
COLOURS = (BLUE, ORANGE, GREEN, RED, "#56B4E9", "#CC79A7", "#000000")  # all but yellow
DPI = 120
# The same colour and mark for a runtime in every picture.
RUNTIMES = {
    "litert": (BLUE, "o"), "onnxruntime": (ORANGE, "s"), "tensorflow-lite": (GREEN, "D"),
    "keras": (RED, "^"), "tflite-runtime": ("#56B4E9", "v"),
}  # fmt: skip
OTHER_COLOURS, OTHER_MARKS = ("#CC79A7", "#000000"), "PX*<>phd"  # of runtimes that are not known


def look(runtime: str) -> tuple[str, str]:
    """Return the colour and the mark of a runtime; one that is not known has those of its name."""
    if runtime in RUNTIMES:
        return RUNTIMES[runtime]
    place = zlib.crc32(runtime.encode()) % (len(OTHER_COLOURS) * len(OTHER_MARKS))
    mark, colour = divmod(place, len(OTHER_COLOURS))
    return OTHER_COLOURS[colour], OTHER_MARKS[mark]


def png(figure: Any) -> bytes:
    """Return a figure as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=DPI, format="png")
    return buffer.getvalue()


def new_figure(width: float, height: float) -> Any:
    """Return an empty figure of so many inches.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # not pyplot: no window, no global state
    except ImportError:
        raise MissingExtraError("matplotlib", "report") from None
    return Figure(figsize=(width, height), layout="constrained")

"""How all pictures look, and how they become files.

Colours are Okabe and Ito's, which colour-blind people can tell apart.
"""

from __future__ import annotations

import io
from typing import Any

from mnist_edge.errors import MissingExtraError

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
COLOURS = (BLUE, ORANGE, GREEN, RED, "#56B4E9", "#CC79A7", "#000000")  # all but yellow
DPI = 120


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

"""How all pictures look, and how they become files.

Colours are Okabe and Ito's, which colour-blind people can tell apart. Colour never stands alone:
marks, dashes or words tell the same, so that a picture can be printed in grey.

A function that draws is `@in_style`; it begins with `new_figure` and `headline`.
"""

from __future__ import annotations

import functools
import io
import zlib
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from mnist_edge.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable

    P = ParamSpec("P")
    T = TypeVar("T")

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
COLOURS = (BLUE, ORANGE, GREEN, RED, "#56B4E9", "#CC79A7", "#000000")  # all but yellow
INK, FAINT, PALE = "#222222", "#999999", "#E4E4E4"  # words; spines and frames; grid
TITLE, TEXT, SMALL, TINY = 11, 9, 8, 7  # sizes of words, in typographic points
DPI = 120
LOOK: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same everywhere
    "font.size": TEXT, "text.color": INK,
    "figure.titlesize": TITLE, "figure.titleweight": "bold",
    "axes.titlesize": TEXT, "axes.titlelocation": "left", "axes.titlecolor": INK,
    "axes.labelsize": TEXT, "axes.labelcolor": INK,
    "axes.edgecolor": FAINT, "axes.linewidth": 0.6, "axes.axisbelow": True,
    "axes.spines.top": False, "axes.spines.right": False,
    "grid.color": PALE, "grid.linewidth": 0.6,
    "xtick.color": FAINT, "xtick.labelcolor": INK, "xtick.labelsize": SMALL,
    "ytick.color": FAINT, "ytick.labelcolor": INK, "ytick.labelsize": SMALL,
    "xtick.major.size": 3, "xtick.major.width": 0.6, "xtick.minor.size": 0,
    "ytick.major.size": 3, "ytick.major.width": 0.6, "ytick.minor.size": 0,
    "legend.fontsize": SMALL, "legend.frameon": False,
    "lines.linewidth": 1.4, "lines.markersize": 4,
    "image.interpolation": "nearest",
}  # fmt: skip
# The same colour and mark for a runtime in every picture.
RUNTIMES = {
    "litert": (BLUE, "o"), "onnxruntime": (ORANGE, "s"), "tensorflow-lite": (GREEN, "D"),
    "keras": (RED, "^"), "tflite-runtime": ("#56B4E9", "v"),
}  # fmt: skip
OTHER_COLOURS, OTHER_MARKS = ("#CC79A7", "#000000"), "PX*<>phd"  # of runtimes that are not known


def in_style(draw: Callable[P, T]) -> Callable[P, T]:
    """Have a function that draws do so in the house's look; nobody else's settings are changed.

    Calling it raises MissingExtraError where matplotlib is not installed.
    """

    @functools.wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> T:
        with _matplotlib().rc_context(LOOK):
            return draw(*args, **kwargs)

    return styled


def new_figure(width: float, height: float) -> Any:
    """Return an empty figure of so many inches.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    _matplotlib()
    from matplotlib.figure import Figure  # not pyplot: no window, no global state

    return Figure(figsize=(width, height), layout="constrained")


def headline(figure: Any, title: str, note: str = "") -> None:
    """Put a title over a figure, and in small letters below it what one must know to read it."""
    figure.suptitle(title, x=0.01, ha="left")
    if note:
        figure.supxlabel(note, x=0.01, ha="left", fontsize=SMALL)


def caption(axes: Any, words: str, colour: str = INK, size: float = SMALL) -> None:
    """Write over one of many small images."""
    axes.set_title(words, loc="center", fontsize=size, color=colour)


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


def _matplotlib() -> Any:
    try:
        import matplotlib
    except ImportError:
        raise MissingExtraError("matplotlib", "report") from None
    return matplotlib

"""How learning went, drawn on two axes: in a file and in a page alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.report.style import BLUE, ORANGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NINES = (0, 20, 40, 60, 80, 90, 95, 98, 99, 99.5, 99.8, 99.9, 100)  # percent, as ticks
FINEST = 0.05  # percent of mistakes: fewer are hardly told apart
CLOSE = 0.05  # of an axis: ticks that are nearer to each other cannot be read
PARTS = (("", "training", BLUE, "o-"), ("val_", "validation", ORANGE, "s--"))


def draw_curves(
    loss: Any, accuracy: Any, history: Sequence[Mapping[str, float]], *, close: float = CLOSE
) -> None:
    """Draw loss and accuracy of training and validation over the epochs of a history.

    Args:
        loss: axes of matplotlib.
        accuracy: others.
        history: a row for each epoch, with shares 0..1.
        close: share of an axis within which a second tick is left out.
    """
    epochs = [row["epoch"] for row in history]
    for axes, key, title in ((loss, "loss", "Loss"), (accuracy, "accuracy", "Accuracy, %")):
        for prefix, label, colour, line in PARTS:
            if prefix + key in history[0]:
                factor = 100 if key == "accuracy" else 1
                values = [factor * row.get(prefix + key, np.nan) for row in history]
                axes.plot(epochs, values, line, color=colour, label=label)
        axes.set_title(title)
        axes.set_xlabel("Epoch")
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        axes.grid(visible=True)
    _halvings(loss)
    _nines(accuracy, close)


def _halvings(axes: Any) -> None:
    """Give every halving of a loss as much room, with plain numbers; not where one is 0."""
    from matplotlib.ticker import LogLocator, NullLocator

    seen = [value for line in axes.lines for value in line.get_ydata()]
    if np.nanmin(seen) <= 0:
        return
    axes.set_yscale("log")
    steps = (1, 2, 5) if np.nanmax(seen) > 10 * np.nanmin(seen) else (1, 1.5, 2, 3, 4, 5, 7)
    axes.yaxis.set_major_locator(LogLocator(subs=steps))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(lambda value, _place: f"{value:.3g}")


def _nines(axes: Any, close: float) -> None:
    """Give every halving of the mistakes as much room: what is learnt late is seen, too."""
    from matplotlib.ticker import FixedLocator

    def height(share: Any) -> Any:
        return -np.log10(np.maximum(100 + FINEST - share, FINEST / 10))

    axes.set_yscale("function", functions=(height, lambda up: 100 + FINEST - 10.0**-up))
    low, high = axes.get_ylim()
    shown: list[float] = []
    for share in (each for each in reversed(NINES) if low <= each <= high):
        if not shown or height(shown[-1]) - height(share) > close * (height(high) - height(low)):
            shown.append(share)
    if len(shown) > 2:
        axes.yaxis.set_major_locator(FixedLocator(shown))
    axes.yaxis.set_major_formatter(lambda value, _place: f"{value:.4g}")

"""Can this machine run this bundle, and what is to be done where it cannot?

    python -m mnist_edge.doctor [BUNDLE]

needs numpy and nothing else, since it is needed where the rest is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_edge.board import ROOT, vcgencmd
from mnist_edge.doctor.attempt import attempt
from mnist_edge.doctor.finding import Diagnosis, Finding
from mnist_edge.doctor.of_bundle import of_bundle, of_runtimes
from mnist_edge.doctor.of_machine import of_machine
from mnist_edge.interpreter import this_interpreter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mnist_edge.bundle import Bundle
    from mnist_edge.interpreter import Interpreter

__all__ = ["Diagnosis", "Finding", "diagnose"]


def diagnose(
    bundle: Bundle,
    *,
    here: Interpreter | None = None,
    root: Path = ROOT,
    ask_firmware: Callable[[], str | None] = vcgencmd,
    attempt: Callable[[Path], Finding] = attempt,
) -> Diagnosis:
    """Look at this machine, its runtimes and a bundle.

    Args:
        bundle: that is to run here.
        here: the Python to look from; None for this one.
        root: where /proc and /sys are.
        ask_firmware: returns what `vcgencmd get_throttled` says, None where there is none.
        attempt: opens a bundle's folder, and answers once.
    """
    here = here or this_interpreter()
    return Diagnosis(
        (
            *of_machine(here, root, ask_firmware),
            *of_runtimes(here),
            *of_bundle(bundle, here, attempt),
        )
    )

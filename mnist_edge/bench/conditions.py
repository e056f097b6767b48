"""What goes on on the machine while it is measured on: other work, clocks, heat, throttling."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from time import monotonic, process_time
from typing import TYPE_CHECKING, Any

from mnist_edge import board

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass
class Conditions:
    """What was seen so far. None, or nothing, where a system does not tell.

    Attributes:
        other_work: of each span, processors' worth of work that was not the benchmark's own.
        stolen: of each span, processors' worth that the host of this virtual machine withheld.
        governors: frequency governors that were seen.
        mhz: of each look, the clock of the fastest processor.
        temperature_c: of each look, the hottest zone's.
        throttled: what the firmware of a Raspberry Pi said held it back.
        throttled_before: what it said had held it back before, since it was started.
        quota_us: how long a limit on this container's processors held it back.
        swapped_in: pages that had to be read back from the swap.
        waiting: processors' worth that a model's process used while others had their turn, at
            most, and which it was.
    """

    other_work: list[float] = field(default_factory=list)
    stolen: list[float] = field(default_factory=list)
    governors: set[str] = field(default_factory=set)
    mhz: list[float] = field(default_factory=list)
    temperature_c: list[float] = field(default_factory=list)
    throttled: set[str] | None = None
    throttled_before: set[str] | None = None
    quota_us: int | None = None
    swapped_in: int | None = None
    waiting: tuple[float, str] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return what a record says of them: the most, or the range, of what was seen."""
        return {
            "other_work": max(self.other_work, default=None),
            "stolen": max(self.stolen, default=None),
            "governors": sorted(self.governors),
            "mhz": _range(self.mhz),
            "temperature_c": _range(self.temperature_c),
            "throttled": None if self.throttled is None else sorted(self.throttled),
            "throttled_before": sorted(self.throttled_before or ()),
            "quota_us": self.quota_us,
            "swapped_in": self.swapped_in,
            "waiting": None if self.waiting is None else self.waiting[0],
        }


class Watch:
    """Watches the machine from the outside, between turns: it takes no time from them."""

    def __init__(
        self,
        root: Path = board.ROOT,
        vcgencmd: Callable[[], str | None] = board.vcgencmd,
        now: Callable[[], float] = monotonic,
    ) -> None:
        """Begin to watch.

        Args:
            root: of the file system.
            vcgencmd: returns what `vcgencmd get_throttled` says.
            now: a clock, in seconds.
        """
        self.seen = Conditions()
        self._root, self._vcgencmd, self._now = root, vcgencmd, now
        self._quota, self._swapped = board.quota_us(root), board.swapped_in(root)
        said = self._throttling()
        if said is not None:
            self.seen.throttled, self.seen.throttled_before = set(said[0]), set(said[1])
        self._began(0.0)

    def look(self) -> None:
        """Read clocks, governors and heat: quick enough to be done after every round."""
        self.seen.governors |= set(board.governors(self._root))
        for found, seen in (
            (board.fastest_mhz(self._root), self.seen.mhz),
            (board.temperature_c(self._root), self.seen.temperature_c),
        ):
            if found is not None:
                seen.append(found)

    def span(self, workers_s: float, least_s: float = 0.0) -> None:
        """End a span and begin the next: count the work in it that was not the benchmark's own.

        Args:
            workers_s: processor seconds that the workers which are alive have used so far.
            least_s: a span that is shorter goes on: what is counted in ticks of 10 ms tells little
                of it.
        """
        self.look()
        ticks, seconds = board.ticks(self._root), self._now() - self._start
        if seconds < least_s:
            return
        told = ticks is not None and ticks != self._ticks  # where none goes by, none is counted
        if told and ticks is not None and self._ticks is not None and seconds > 0:
            busy, stolen = (
                (late - early) / TICKS_A_SECOND
                for late, early in zip(ticks[:2], self._ticks[:2], strict=True)
            )
            own = _own_s() + workers_s - self._own
            self.seen.other_work.append(round(max(0.0, busy - own) / seconds, 3))
            self.seen.stolen.append(round(stolen / seconds, 3))
        said = self._throttling()
        if said is not None and self.seen.throttled is not None:
            now, since = said
            before = self.seen.throttled_before or set()
            self.seen.throttled |= set(now) | (set(since) - before)
        quota, swapped = board.quota_us(self._root), board.swapped_in(self._root)
        if quota is not None and self._quota is not None:
            self.seen.quota_us = quota - self._quota
        if swapped is not None and self._swapped is not None:
            self.seen.swapped_in = swapped - self._swapped
        self._began(workers_s)

    def _began(self, workers_s: float) -> None:
        self._ticks, self._start = board.ticks(self._root), self._now()
        self._own = _own_s() + workers_s

    def _throttling(self) -> tuple[list[str], list[str]] | None:
        said = self._vcgencmd()
        return None if said is None else board.throttled(said)


def _own_s() -> float:
    """Return processor seconds that this process has used, and its children that have ended."""
    times = os.times()
    return process_time() + times.children_user + times.children_system


def _range(values: list[float]) -> list[float] | None:
    return [min(values), max(values)] if values else None

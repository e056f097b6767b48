"""Whether timings may be believed: each thing that could spoil them, looked at and named."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from mnist_edge.bench.settings import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnist_edge.bench.conditions import Conditions

STEADY = 1.10  # largest p50 of a launch over the smallest
OTHER_WORK = 0.3  # processors' worth, of any span of two seconds or more
STOLEN = 0.1  # processors' worth
WAITING = 0.2  # processors' worth
HELD_BACK_US = 10_000
CLOCK = 1.05  # highest over lowest
HOT_C = {"aarch64": 80.0, "armv7l": 80.0}  # from here on a Raspberry Pi slows itself down
HOT_ELSEWHERE_C = 95.0
WARMING_C = 15.0  # more than that between the coolest and the hottest look
TIMINGS = ("invoke_us", "predict_us")
LAUNCHES = 3  # without which nothing is known of what differs from process to process


@dataclass(frozen=True)
class Check:
    """One thing that could spoil timings.

    Attributes:
        name: of what was looked at.
        status: `unknown` where this machine does not tell.
        value: what was seen, in words; empty where nothing was.
        reason: what is wrong with it, in words; empty where nothing is.
        remedy: what to do about it.
    """

    name: str
    status: Literal["ok", "failed", "unknown"]
    value: str = ""
    reason: str = ""
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return it as a record has it."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.reason}: {self.remedy}" if self.remedy else self.reason


def checks(
    rows: Sequence[dict[str, Any]], samples: int, seen: Conditions, before: float | None
) -> list[Check]:
    """Return what is to be said of each thing that could spoil the timings of a record.

    Args:
        rows: results of a record; those that failed have no timings, and no say.
        samples: calls that were asked for.
        seen: while measuring.
        before: processors' worth of other work before measuring began.
    """
    timed = [row for row in rows if row["latency"] is not None]
    return [
        _samples(timed, samples),
        _launches(timed),
        _inputs(timed),
        _other_work([*([] if before is None else [before]), *seen.other_work]),
        _stolen(seen.stolen),
        _governor(seen.governors),
        _clock(seen.mhz),
        _temperature(seen.temperature_c),
        _throttling(seen),
        _quota(seen.quota_us),
        _swap(seen.swapped_in),
        _waiting(seen.waiting),
    ]


def doubts(row: dict[str, Any], samples: int) -> list[str]:
    """Return what makes the timings of one row doubtful, whatever the machine did meanwhile."""
    found = []
    count = _count(row)
    if count < samples:
        found.append(f"{count:,} calls of the {samples:,} wanted")
    if _spread(row) > STEADY:
        found.append(f"p50 changed {_spread(row):.2f}-fold from launch to launch")
    return found


def _count(row: dict[str, Any]) -> int:
    return min(int(row["latency"][key]["n"]) for key in TIMINGS)


def _spread(row: dict[str, Any]) -> float:
    return max(float(row["latency"][key]["p50_spread"]) for key in TIMINGS)


def _samples(rows: Sequence[dict[str, Any]], samples: int) -> Check:
    if samples < ENOUGH:
        return Check(
            "samples", "failed", f"{samples} a timing",
            f"fewer than {ENOUGH:,} calls were asked for", "bench without --quick",
        )  # fmt: skip
    if not rows:
        return Check("samples", "failed", "", "nothing was timed", "see why each model failed")
    slow = [_name(row) for row in rows if _count(row) < samples]
    least = f"{min(map(_count, rows), default=0):,} calls a timing"
    if slow:
        return Check(
            "samples", "failed", least,
            f"too slow for {samples:,} calls: {', '.join(slow)}", "leave it out",
        )  # fmt: skip
    return Check("samples", "ok", f"{least}, or more")


def _launches(rows: Sequence[dict[str, Any]]) -> Check:
    if not rows:
        return Check("launches agree", "unknown")
    few = min(len(row["latency"]["launches"]) for row in rows)
    if few < LAUNCHES:
        return Check(
            "launches agree", "failed", f"{few} launches",
            f"fewer than {LAUNCHES} launches of each model", "bench without --quick",
        )  # fmt: skip
    worst = max(rows, key=_spread)
    unsteady = sum(_spread(row) > STEADY for row in rows)
    if unsteady:
        return Check(
            "launches agree", "failed", f"p50 up to {_spread(worst):.2f}-fold",
            f"p50 changed from launch to launch within {unsteady} of {len(rows)} timings, up to "
            f"{_spread(worst):.2f}-fold ({_name(worst)})",
            "bench again when the machine keeps its pace",
        )  # fmt: skip
    return Check("launches agree", "ok", f"p50 within {100 * (_spread(worst) - 1):.0f} %")


def _inputs(rows: Sequence[dict[str, Any]]) -> Check:
    digests = {row["latency"]["inputs"] for row in rows}
    if len(digests) > 1:
        return Check(
            "same inputs", "failed", f"{len(digests)} kinds",
            "models were timed on different images", "bench them apart",
        )  # fmt: skip
    other = [_name(row) for row in rows if row["latency"]["threads"] != row["threads"]]
    if other:
        return Check(
            "same inputs", "failed", "", f"other threads than asked for: {', '.join(other)}",
            "leave it out",
        )  # fmt: skip
    return Check("same inputs", "ok", "the same images and threads for all")


def _other_work(spans: list[float]) -> Check:
    return _at_most(
        "other work", spans, OTHER_WORK, "{:.1f} processors",
        "other work kept {:.1f} processors busy", "stop it, or wait",
    )  # fmt: skip


def _stolen(spans: list[float]) -> Check:
    return _at_most(
        "stolen time", spans, STOLEN, "{:.2f} processors",
        "the host of this virtual machine withheld {:.2f} processors",
        "bench again when it is less busy",
    )  # fmt: skip


def _at_most(
    name: str, values: list[float], limit: float, value: str, reason: str, remedy: str
) -> Check:
    if not values:
        return Check(name, "unknown")
    most = max(values)
    if most > limit:
        return Check(name, "failed", value.format(most), reason.format(most), remedy)
    return Check(name, "ok", value.format(most))


def _governor(governors: set[str]) -> Check:
    if not governors:
        return Check("governor", "unknown")
    said = ", ".join(sorted(governors))
    if governors != {"performance"}:
        return Check(
            "governor", "failed", said, f"CPU governor is {said}",
            "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
        )  # fmt: skip
    return Check("governor", "ok", said)


def _clock(mhz: list[float]) -> Check:
    if not mhz:
        return Check("clock", "unknown")
    low, high = min(mhz), max(mhz)
    said = f"{low:.0f} to {high:.0f} MHz"
    if high > CLOCK * low:
        return Check(
            "clock", "failed", said, f"the clock went from {low:.0f} to {high:.0f} MHz",
            "set the governor to performance, cool the board, check its power supply",
        )  # fmt: skip
    return Check("clock", "ok", said)


def _temperature(degrees: list[float]) -> Check:
    if not degrees:
        return Check("temperature", "unknown")
    low, high = min(degrees), max(degrees)
    said = f"{low:.0f} to {high:.0f} °C"
    if high >= HOT_C.get(platform.machine(), HOT_ELSEWHERE_C):
        return Check("temperature", "failed", said, f"it is hot: {high:.0f} °C", "cool the board")
    if high - low > WARMING_C:
        return Check(
            "temperature", "failed", said, f"it warmed from {low:.0f} to {high:.0f} °C",
            "bench again while it is warm",
        )  # fmt: skip
    return Check("temperature", "ok", said)


def _throttling(seen: Conditions) -> Check:
    if seen.throttled is None:
        return Check("throttling", "unknown")
    if seen.throttled:
        said = ", ".join(sorted(seen.throttled))
        return Check(
            "throttling", "failed", said, f"the firmware held the board back: {said}",
            "use a stronger power supply, cool the board",
        )  # fmt: skip
    before = ", ".join(sorted(seen.throttled_before or ()))
    if before:  # what has been so once is not told again until the board is started anew
        return Check("throttling", "unknown", f"has been since the board was started: {before}")
    return Check("throttling", "ok", "none")


def _quota(held_back_us: int | None) -> Check:
    if held_back_us is None:
        return Check("processor quota", "unknown")
    if held_back_us > HELD_BACK_US:
        return Check(
            "processor quota", "failed", f"{held_back_us / 1e6:.2f} s",
            f"this container's limit on processors held it back for {held_back_us / 1e6:.2f} s",
            "give it more, or none",
        )  # fmt: skip
    return Check("processor quota", "ok", f"{held_back_us / 1e6:.2f} s")


def _swap(pages: int | None) -> Check:
    if pages is None:
        return Check("swap", "unknown")
    if pages > 0:
        return Check(
            "swap", "failed", f"{pages:,} pages",
            f"memory ran short: {pages:,} pages came back from the swap",
            "bench fewer models, runtimes or threads at a time",
        )  # fmt: skip
    return Check("swap", "ok", "none")


def _waiting(found: tuple[float, str] | None) -> Check:
    if found is None:
        return Check("waiting models", "unknown")
    share, which = found
    value = f"{share:.2f} processors"
    if share > WAITING:
        return Check(
            "waiting models", "failed", value,
            f"{which} kept {share:.2f} processors busy while others had their turn",
            "bench it apart",
        )  # fmt: skip
    return Check("waiting models", "ok", value)


def _name(row: dict[str, Any]) -> str:
    return f"{row['model']} on {row['runtime']}"

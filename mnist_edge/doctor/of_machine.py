"""What is to be said of a machine: whether it has what runtimes need, and keeps its pace."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from mnist_edge import board
from mnist_edge.doctor.finding import Finding
from mnist_edge.machine import cores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mnist_edge.interpreter import Interpreter

NOT_TOLD = "this system does not tell"
HOT_C = 80  # from here on a Raspberry Pi slows itself down
NEEDED_MB = 100  # the first answer peaks at 38 MB in LiteRT, at 56 MB in ONNX Runtime
STEADY = (
    "for steady timings: echo performance | sudo tee "
    "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
)


def of_machine(
    here: Interpreter, root: Path, vcgencmd: Callable[[], str | None]
) -> Iterator[Finding]:
    """Give a finding for each thing that matters, the Python first."""
    yield Finding("machine", "python", f"{here.python} ({here.tag})")
    yield _architecture(here)
    yield _libc(here)
    yield Finding("machine", "numpy", np.__version__)
    board_model = board.model(root)
    yield _told("board", board_model)
    yield Finding("machine", "cores", str(cores()))
    yield _memory(board.memory_mb(root))
    yield _governor(board.governors(root))
    yield _temperature(board.temperature_c(root))
    yield _throttling(vcgencmd())


def _told(name: str, value: str | None) -> Finding:
    return Finding("machine", name, value or NOT_TOLD, "ok" if value else "note")


def _architecture(here: Interpreter) -> Finding:
    value = f"{here.machine}, {here.bits}-bit"
    if here.bits == 64:
        return Finding("machine", "architecture", value)
    remedy = "few runtimes have wheels for it: see below, or install a 64-bit system"
    return Finding("machine", "architecture", value, "warn", remedy)


def _libc(here: Interpreter) -> Finding:
    if here.libc == "musl":
        remedy = "no runtime has wheels for it: use a system with glibc"
        return Finding("machine", "libc", "musl", "warn", remedy)
    version = here.libc_version
    return _told("libc", f"{here.libc} {version[0]}.{version[1]}" if version else here.libc)


def _memory(found: dict[str, int]) -> Finding:
    if "MemTotal" not in found:
        return _told("memory", None)
    swap = found.get("SwapTotal", 0)
    value = f"{found['MemTotal']} MB, {f'{swap} MB of swap' if swap else 'no swap'}"
    free = found.get("MemAvailable")
    if free is None:
        return Finding("machine", "memory", value)
    value = f"{value}, {free} MB available"
    if free + swap >= NEEDED_MB:
        return Finding("machine", "memory", value)
    return Finding("machine", "memory", value, "warn", "stop other programs, or add swap")


def _governor(found: list[str]) -> Finding:
    if not found:
        return _told("governor", None)
    counted = Counter(found)
    value = ", ".join(
        name if len(counted) == 1 else f"{name} on {count}" for name, count in counted.items()
    )
    if set(found) == {"performance"}:
        return Finding("machine", "governor", value)
    return Finding("machine", "governor", value, "note", STEADY)


def _temperature(degrees: float | None) -> Finding:
    if degrees is None:
        return _told("temperature", None)
    value = f"{degrees:.0f} °C"
    if degrees < HOT_C:
        return Finding("machine", "temperature", value)
    remedy = f"cool it: a Raspberry Pi slows itself down from {HOT_C} °C on"
    return Finding("machine", "temperature", value, "warn", remedy)


def _throttling(said: str | None) -> Finding:
    if said is None:
        return Finding("machine", "throttling", "no vcgencmd here to ask", "note")
    found = board.throttled(said)
    if found is None:
        words = " ".join(said.split())[:80] or "nothing"
        remedy = 'let this user ask the firmware: sudo usermod -aG video "$USER", log in anew'
        return Finding("machine", "throttling", f"vcgencmd said {words}", "warn", remedy)
    now, since_start = found
    if not (now or since_start):
        return Finding("machine", "throttling", "none since it was started")
    parts = [f"now: {', '.join(now)}"] if now else []
    parts += [f"since it was started: {', '.join(since_start)}"] if since_start else []
    return Finding("machine", "throttling", "; ".join(parts), "warn", _relief(now + since_start))


def _relief(held_back: list[str]) -> str:
    supply = "use the power supply made for this board and a short cable"
    heat = "cool it: a heat sink or a fan"
    causes = {"under-voltage": supply, "soft temperature limit": heat}
    found = [remedy for cause, remedy in causes.items() if cause in held_back]
    return "; ".join(found or (supply, heat))

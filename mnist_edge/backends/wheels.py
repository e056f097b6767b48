"""For which Pythons and machines the runtimes have wheels, as data: no network is asked.

`tools/known_wheels.py` reads the package index and says where this table is behind. A table that
is behind costs nobody a runtime: it speaks of runtimes that are not installed, and of nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnist_edge.interpreter import Interpreter


@dataclass(frozen=True, slots=True)
class Wheels:
    """The wheels that a package has for one kind of system.

    Attributes:
        system: Linux, Darwin or Windows; on Linux, glibc is meant: none has wheels for musl.
        machines: processors, as `platform.machine()` names them.
        tags: interpreters, as `cp310`.
        glibc: the oldest that such a wheel runs with.
    """

    system: str
    machines: tuple[str, ...]
    tags: tuple[str, ...]
    glibc: tuple[int, int] = (0, 0)


def _cp(first: int, last: int) -> tuple[str, ...]:
    return tuple(f"cp3{minor}" for minor in range(first, last + 1))


# As of 2026-11-22: ai-edge-litert 1.1.1 to 2.3.0, tflite-runtime 2.14.0 (its last), onnxruntime
# 1.18.1 to 1.31.1, tensorflow 2.18 to 2.21.0: from what the extras in pyproject.toml ask for
# upwards.
WHEELS = {
    "ai-edge-litert": (
        Wheels("Linux", ("x86_64", "aarch64"), _cp(10, 12), (2, 17)),
        Wheels("Linux", ("x86_64", "aarch64"), _cp(13, 14), (2, 27)),
        Wheels("Darwin", ("arm64",), _cp(10, 14)),
        Wheels("Windows", ("AMD64",), _cp(10, 14)),
    ),
    "tflite-runtime": (
        Wheels("Linux", ("x86_64",), _cp(10, 11), (2, 17)),
        Wheels("Linux", ("aarch64", "armv7l"), _cp(10, 11), (2, 34)),
    ),
    "onnxruntime": (
        Wheels("Linux", ("x86_64", "aarch64"), (*_cp(10, 14), "cp313t", "cp314t"), (2, 27)),
        Wheels("Darwin", ("arm64",), _cp(10, 14)),
        Wheels("Darwin", ("x86_64",), _cp(10, 13)),
        Wheels("Windows", ("AMD64",), _cp(10, 14)),
        Wheels("Windows", ("ARM64",), _cp(11, 14)),
    ),
    "tensorflow": (
        Wheels("Linux", ("x86_64", "aarch64"), _cp(10, 13), (2, 17)),
        Wheels("Darwin", ("arm64",), _cp(10, 13)),
        Wheels("Windows", ("AMD64",), _cp(10, 13)),
    ),
}
SMALL = {"ai-edge-litert": "litert", "tflite-runtime": "tflite", "onnxruntime": "onnx"}  # extras


def has_wheel(package: str, here: Interpreter) -> bool:
    """Return whether pip finds a wheel of `package` for this Python; yes where nothing is known."""
    if package not in WHEELS:
        return True
    if here.libc == "musl":
        return False
    return any(
        here.machine in row.machines
        and here.tag in row.tags
        and (here.libc_version is None or here.libc_version >= row.glibc)
        for row in WHEELS[package]
        if row.system == here.system
    )


def why_none(package: str, here: Interpreter) -> tuple[str, str]:
    """Say why pip finds no wheel of a package that `has_wheel` denies, and what to do."""
    if here.libc == "musl":
        return (
            f"no wheel of {package} for musl",
            "use a system with glibc, such as Debian or Raspberry Pi OS",
        )
    rows = [row for row in WHEELS[package] if row.system == here.system]
    rows = [row for row in rows if here.machine in row.machines]
    machine = f"{here.machine} ({here.bits}-bit)" if here.bits == 32 else here.machine
    if here.system != "Linux":
        machine = f"{here.system} on {machine}"
    if not rows:
        return f"no wheel of {package} for {machine}", _instead(here)
    able = [row for row in rows if here.tag in row.tags]
    if not able:
        plain = sorted({int(tag[3:]) for row in rows for tag in row.tags if tag[3:].isdigit()})
        return (
            f"no wheel of {package} for {_python(here.tag)} on {machine}",
            f"use CPython 3.{plain[0]} to 3.{plain[-1]}",
        )
    wanted, found = _dotted(min(row.glibc for row in able)), _dotted(here.libc_version or (0, 0))
    return (
        f"the wheel of {package} needs glibc {wanted}, here is {found}",
        "upgrade the system: Debian 12 and Raspberry Pi OS Bookworm have glibc 2.36",
    )


def _instead(here: Interpreter) -> str:
    """Say what else there is where a package has nothing for this kind of machine."""
    for package, extra in SMALL.items():
        if has_wheel(package, here):
            return f'use {package}: pip install "mnist-edge[{extra}]"'
    if here.machine == "armv7l":
        return "install a 64-bit system, or use mnist-edge[tflite] with Python 3.10 or 3.11"
    if here.machine == "armv6l":
        return "use a Raspberry Pi Zero 2 W, 3 or later with a 64-bit system"
    return "install a 64-bit system" if here.bits == 32 else "build it from its sources"


def _python(tag: str) -> str:
    """Return an interpreter's name for people.

    >>> _python("cp313t")
    'free-threaded Python 3.13'
    """
    kind = {"cp": "Python", "pp": "PyPy"}.get(tag[:2], tag[:2])
    free = "free-threaded " if tag.endswith("t") else ""
    return f"{free}{kind} {tag[2]}.{tag[3:].rstrip('t')}"


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"

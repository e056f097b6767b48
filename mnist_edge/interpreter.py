"""What this Python is, in the terms by which pip chooses a wheel."""

from __future__ import annotations

import os
import platform
import struct
import sys
import sysconfig
from dataclasses import dataclass

# What a 32-bit Python runs on where the kernel is a 64-bit one, as on many a Raspberry Pi.
NARROW = {"aarch64": "armv7l", "armv8l": "armv7l", "x86_64": "i686"}


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python and what it runs on.

    Attributes:
        python: its version, as 3.11.2.
        tag: interpreter and version as wheels name them: cp311, cp313t (free-threaded), pp310.
        system: Linux, Darwin or Windows.
        machine: the processor that this Python was built for, which a 64-bit kernel may hide.
        bits: 32 or 64.
        libc: glibc or musl; None where neither is known.
        libc_version: of glibc, as (2, 36); None where unknown.
    """

    python: str
    tag: str
    system: str
    machine: str
    bits: int
    libc: str | None = None
    libc_version: tuple[int, int] | None = None


def this_interpreter() -> Interpreter:
    """Return what this process runs on."""
    bits = 8 * struct.calcsize("P")
    machine = platform.machine()
    if bits == 32:
        machine = NARROW.get(machine, machine)
    libc, version = _libc()
    return Interpreter(
        platform.python_version(), _tag(), platform.system(), machine, bits, libc, version
    )


def _tag() -> str:
    name = {"cpython": "cp", "pypy": "pp"}.get(sys.implementation.name, sys.implementation.name)
    free = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    return f"{name}{sys.version_info.major}{sys.version_info.minor}{free}"


def _libc() -> tuple[str | None, tuple[int, int] | None]:
    try:
        name, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()  # as "glibc 2.36"
        major, minor = version.split(".")[:2]
        return name, (int(major), int(minor))
    except (AttributeError, OSError, ValueError):  # not Unix, or another libc
        built_for = str(sysconfig.get_config_var("HOST_GNU_TYPE") or "")
        return ("musl", None) if "musl" in built_for else (None, None)

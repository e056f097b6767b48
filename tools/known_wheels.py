"""Hold mnist_edge/backends/wheels.py against the package index, which pip is asked for.

    python tools/known_wheels.py

Prints what the table should say and exits with 1 where it says something else. pip is given a
platform that no wheel is for, so that it names every wheel and fetches none.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from mnist_edge.backends.wheels import WHEELS

ROOT = Path(__file__).parent.parent
OLDEST_PYTHON = 10  # 3.10, as pyproject.toml has it
Found = dict[tuple[str, str, str], tuple[int, int]]  # system, machine, tag -> oldest glibc


def listed(package: str) -> list[tuple[str, str, str, str]]:
    """Return version, interpreter, ABI and platforms of each wheel that the index has."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-vv", "--no-deps", "--dest", folder]
        command += ["--only-binary=:all:", "--platform", "none", package]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    name = re.escape(package.replace("-", "_"))
    wheels = set(re.findall(rf"\b{name}-([\d.]+)-(\w+)-(\w+)-([\w.]+)\.whl", ended.stdout))
    if not wheels:
        raise SystemExit(f"pip named no wheel of {package}:\n{ended.stderr}")
    return sorted(wheels)


def least_version(package: str) -> tuple[int, ...]:
    """Return the version from which on pyproject.toml takes a package."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (version, *_) = re.findall(rf'"{package}>=([\d.]+)', text)
    return tuple(map(int, version.split(".")))


def on_the_index(package: str, wheels: list[tuple[str, str, str, str]]) -> Found:
    """Return what pip would find of `wheels`, by system, machine and interpreter."""
    found: Found = {}
    least = least_version(package)
    for version, python, abi, platforms in wheels:
        if tuple(map(int, version.split("."))) < least or int(python[3:]) < OLDEST_PYTHON:
            continue
        tag = abi if abi.endswith("t") else python
        for platform in platforms.split("."):
            for system, machine, glibc in places(platform):
                key = (system, machine, tag)
                found[key] = min(glibc, found.get(key, glibc))
    return found


def places(platform: str) -> list[tuple[str, str, tuple[int, int]]]:
    """Return system, machine and glibc of a wheel's platform tag."""
    if platform.startswith("manylinux2014_"):
        return [("Linux", platform.removeprefix("manylinux2014_"), (2, 17))]
    if matched := re.fullmatch(r"manylinux_(\d+)_(\d+)_(\w+)", platform):
        return [("Linux", matched[3], (int(matched[1]), int(matched[2])))]
    if matched := re.fullmatch(r"macosx_\d+_\d+_(\w+)", platform):
        machines = ("arm64", "x86_64") if matched[1] == "universal2" else (matched[1],)
        return [("Darwin", machine, (0, 0)) for machine in machines]
    machine = {"win_amd64": "AMD64", "win_arm64": "ARM64"}.get(platform)
    return [("Windows", machine, (0, 0))] if machine else []


def in_the_table(package: str) -> Found:
    """Return the same of the table."""
    return {
        (row.system, machine, tag): row.glibc
        for row in WHEELS[package]
        for machine in row.machines
        for tag in row.tags
    }


def main() -> None:
    """Compare package by package."""
    behind = False
    for package in WHEELS:
        wheels = listed(package)
        index, table = on_the_index(package, wheels), in_the_table(package)
        newest = max(wheels, key=lambda wheel: tuple(map(int, wheel[0].split("."))))[0]
        print(f"{package} up to {newest}: {'as written' if index == table else 'OTHERWISE'}")
        for key in sorted(index.keys() | table.keys()):
            if index.get(key) != table.get(key):
                behind = True
                print(f"  {' '.join(key)}: index {index.get(key)}, table {table.get(key)}")
    sys.exit(1 if behind else 0)


if __name__ == "__main__":
    main()

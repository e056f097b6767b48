"""What a person would have by `pip install mnist-edge[EXTRA,cli]`, for another machine."""

from __future__ import annotations

import base64
import hashlib
import shutil
import sys
import zipfile
from pathlib import Path

from tools.arm.boards import PYTHON, Device, Machine
from tools.arm.steps import call, is_made, set_made, stamp
from tools.bare_environments import TFLITE_RUNTIME

ROOT = Path(__file__).parents[2]
GLIBC = range(17, 37)  # the 2.x that wheels may ask for; Debian 12 has 2.36
TESTS_NEED = ("pytest",)


def make_wheel(home: Path) -> Path:
    """Return the wheel that would be published, built from this tree."""
    shutil.rmtree(home, ignore_errors=True)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(home)]
    call([*build, str(ROOT)])
    (wheel,) = home.glob("*.whl")
    return wheel


def make_site(device: Device, wheel: Path, provided: dict[str, str], home: Path) -> Path:
    """Return a folder with the wheel, its extras and what the tests need, for PYTHONPATH.

    pip resolves it as on the machine itself; markers alone are evaluated by this Python, which is
    why it has to be the same one.

    Args:
        device: for which; those of one machine share it.
        wheel: of mnist-edge.
        provided: by name, versions of what the root has already.
        home: where the folder lies.
    """
    site = home / device.site
    pins = constraints((ROOT / "constraints.txt").read_text(), device.extra, provided)
    mark = stamp(pins, requirements(wheel), TESTS_NEED)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--no-warn-conflicts", "--target", str(site)]
    if is_made(site, mark):  # the dependencies; the wheel itself may be another every time
        call([*pip, "--upgrade", "--no-deps", "--no-index", str(wheel)])
        return site
    shutil.rmtree(site, ignore_errors=True)
    home.mkdir(parents=True, exist_ok=True)
    pins_file = home / f"{device.site}.txt"
    pins_file.write_text(pins)
    pip += ["--constraint", str(pins_file), *target(device.processor.machine)]
    if provided:
        brought = home / f"{device.site}-debian"
        brought.mkdir(exist_ok=True)
        for name, version in provided.items():
            announce(name, version, brought)
        pip += ["--find-links", str(brought)]
    call([*pip, f"{wheel}[{device.extra},cli]", *TESTS_NEED])
    set_made(site, mark)
    return site


def constraints(text: str, extra: str, provided: dict[str, str]) -> str:
    """Return constraints.txt for one extra: tflite-runtime wants a numpy of its own.

    Args:
        text: of constraints.txt.
        extra: of mnist-edge.
        provided: versions of what Debian brings, which then are the ones.
    """
    own = TFLITE_RUNTIME if extra == "tflite" else []
    pins = dict(pin.split("==") for pin in own)
    pins |= {name.lower(): version for name, version in provided.items()}
    lines = [line for line in text.splitlines() if line.partition("==")[0] not in pins]
    return "\n".join([*lines, *(f"{name}=={version}" for name, version in pins.items()), ""])


def target(machine: Machine) -> list[str]:
    """Return what makes pip choose wheels for another machine."""
    options = ["--only-binary=:all:", "--implementation", "cp"]
    options += ["--python-version", PYTHON.replace(".", "")]
    tags = [f"manylinux_2_{minor}" for minor in GLIBC] + ["manylinux2014", "linux"]
    return options + [part for tag in tags for part in ("--platform", f"{tag}_{machine.name}")]


def requirements(wheel: Path) -> list[str]:
    """Return what a wheel says that it needs."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = archive.read(name).decode().splitlines()
    return [line for line in lines if line.startswith("Requires-")]


def announce(name: str, version: str, folder: Path) -> None:
    """Write a wheel that says that a package is there, and brings nothing: Debian did."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        record += f"{path},sha256={digest.decode()},{len(text.encode())}\n"
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)

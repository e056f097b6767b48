"""Try the wheel on every board that can be emulated, and write down what came of it.

    python -m tools.arm [DEVICE ...]

A device is called as .arm/devices/ has them; with some named, nothing is written down.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mnist_edge.atomic import write_file
from tools.arm.boards import DEVICES, PROCESSORS, PYTHON, Device, Machine
from tools.arm.inputs import make_inputs
from tools.arm.roots import make_processor, make_root, provided
from tools.arm.sites import make_site, make_wheel
from tools.arm.steps import StepError
from tools.arm.trials import try_device, write_python

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".arm"  # ignored by git; what is in it is used again while its pins are the same
RECORD = ROOT / "artifacts" / "platforms.json"
AT_ONCE = 2
START = time.monotonic()
PRINTING = threading.Lock()


def main() -> int:
    """Do it; return the exit code."""
    try:
        devices = chosen(sys.argv[1:])
        check_host()
        outcomes = try_all(devices)
    except StepError as failed:
        print(f"error: {failed}", file=sys.stderr)
        return 1
    show(outcomes)
    rows = [row for row in outcomes.values() if row is not None]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    say(f"{len(rows)} of {len(outcomes)} held", f"{used.ru_utime + used.ru_stime:.0f} s of work")
    if len(rows) < len(outcomes):
        return 1
    if devices == DEVICES:
        there = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else []
        write_file(RECORD, json.dumps(merged(rows, there), indent=1) + "\n")
    return 0


def say(what: str, text: str) -> None:
    """Print a line about something that has ended."""
    with PRINTING:
        print(f"{time.monotonic() - START:4.0f} s  {what}: {text}", file=sys.stderr, flush=True)


def chosen(names: list[str]) -> tuple[Device, ...]:
    """Return the devices of these names; all of them, without a name.

    Raises:
        StepError: there is none of that name.
    """
    known = {device.name: device for device in DEVICES}
    for name in names:
        if name not in known:
            raise StepError(f"no device is called {name}; wanted some of {', '.join(known)}")
    return tuple(known[name] for name in names) or DEVICES


def check_host() -> None:
    """Look for what is needed before anything is downloaded.

    Raises:
        StepError: another Python, or no emulator, or no Debian.
    """
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if here != PYTHON:
        raise StepError(f"this is Python {here}; wanted {PYTHON}, which Debian 12 has")
    needed = {processor.machine.qemu: "qemu-user-static" for processor in PROCESSORS}
    for program, package in {**needed, "apt-get": "apt", "dpkg-deb": "dpkg"}.items():
        if shutil.which(program) is None:
            raise StepError(f"{program} is not there: apt-get install {package}")


def try_all(devices: tuple[Device, ...]) -> dict[Device, dict[str, Any] | None]:
    """Make what the devices need and try each; return their rows, None for one that failed.

    Raises:
        StepError: something that all of them need cannot be made.
    """

    def install_root(machine: Machine) -> Path:
        made = make_root(machine, HOME / "roots")
        say(machine.name, f"a root with {', '.join(machine.packages)}")
        return made

    def install_site(device: Device) -> Path:
        machine = device.processor.machine
        brought = provided(machine, roots[machine.name])
        made = make_site(device, wheel, brought, HOME / "sites")
        say(device.site, f"{wheel.name}[{device.extra},cli] is installed")
        return made

    def attempt(device: Device) -> dict[str, Any] | None:
        root, site = roots_of[device.processor], sites[device.site]
        python = write_python(device, root, site, HOME / "devices" / device.name)
        try:
            return try_device(device, python, site, inputs, lambda text: say(device.name, text))
        except StepError as failed:
            say(device.name, f"FAILED\n{failed}")
            return None

    machines = {device.processor.machine.name: device.processor.machine for device in devices}
    sharing = {device.site: device for device in devices}
    with ThreadPoolExecutor(1) as other:
        making = other.submit(make_inputs, HOME)
        wheel = make_wheel(HOME / "wheel")
        roots = {name: install_root(machine) for name, machine in machines.items()}
        sites = {name: install_site(device) for name, device in sharing.items()}
        inputs = making.result()
    roots_of = {
        device.processor: make_processor(device.processor, roots[device.processor.machine.name])
        for device in devices
    }
    say("inputs", f"{len(inputs.bundles)} bundles, {len(inputs.images)} images")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(devices, pool.map(attempt, devices), strict=True))


def show(outcomes: dict[Device, dict[str, Any] | None]) -> None:
    """Print a table with a line a device."""
    table = Table()
    for heading in ("Processor", "Boards", "Runtime", "numpy", "Tests", "Verify", "Worst"):
        table.add_column(heading)
    for device, row in outcomes.items():
        about = [device.platform.removesuffix(" (emulated)"), device.processor.boards]
        if row is None:
            table.add_row(*about, device.runtime, "", "FAILED", "", "")
            continue
        worst = max(row["worst"], key=row["worst"].get)
        runtime = f"{row['runtime']} {row['runtime_version']}"
        difference = f"{row['worst'][worst]:.2g} {worst}"
        tests = str(row["tests"] or "–")
        table.add_row(*about, runtime, row["numpy"], tests, row["verify"], difference)
    Console(width=None if sys.stdout.isatty() else 140).print(table)


def merged(rows: list[dict[str, Any]], there: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows that were there, of other platforms, and then the new ones."""
    ours = {row["platform"] for row in rows}
    return [row for row in there if row["platform"] not in ours] + rows


if __name__ == "__main__":
    sys.exit(main())

"""Runs on the device: what is there, and is it what mnist-edge with its extras asks for?

    python on_device.py EXTRA ...

Prints JSON. Every requirement, and each of theirs, is looked up where it will be used, by the
markers and versions of this Python on this machine: what pip on the host could only suppose.
"""

from __future__ import annotations

import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, distribution, version

from packaging.requirements import Requirement

import mnist_edge
from mnist_edge.backends import known_runtimes


def unmet(requirement: Requirement, seen: set[str]) -> list[str]:
    """Return what a requirement and its own requirements lack."""
    if str(requirement) in seen:
        return []
    seen.add(str(requirement))
    try:
        found = distribution(requirement.name)
    except PackageNotFoundError:
        return [f"{requirement} is absent"]
    if not requirement.specifier.contains(found.version, prereleases=True):
        return [f"{requirement} is {found.version}"]
    faults = []
    for line in found.requires or ():
        needed = Requirement(line)
        extras = requirement.extras or {""}
        if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in extras):
            faults += unmet(needed, seen)
    return faults


if __name__ == "__main__":
    seen: set[str] = set()
    about = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "runtimes": {row.name: row.version for row in known_runtimes() if row.installed},
        "package": mnist_edge.__file__,
        "unmet": unmet(Requirement(f"mnist-edge[{','.join(sys.argv[1:])}]"), seen),
        "requirements": len(seen),
    }
    print(json.dumps(about))

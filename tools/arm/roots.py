"""Folders that look like the root of a Debian on ARM: Python, and the libraries beneath it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tools.arm.steps import StepError, call, is_made, set_made, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tools.arm.boards import Machine, Processor

PRIVATE = ("Dir::State=state", "Dir::State::status=status", "Dir::Cache=cache")


def make_root(machine: Machine, home: Path) -> Path:
    """Return the root of a machine, home/<debian's name>, downloaded by the host's apt if new.

    apt works on lists and a status of its own, so that nothing of the host is changed.
    """
    root = home / machine.debian
    mark = stamp(machine.packages)
    if is_made(root, mark):
        return root
    apt = home / f"{machine.debian}-apt"
    for folder in (root, apt):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (apt / folder).mkdir(parents=True)
    (apt / "status").touch()
    options = [f"APT::Architecture={machine.debian}", f"APT::Architectures::={machine.debian}"]
    options += [f"{name}={apt / path}" for name, path in (each.split("=") for each in PRIVATE)]
    options += ["APT::Sandbox::User=root", "Acquire::Retries=3"]
    get = ["apt-get", "--quiet", *(part for option in options for part in ("-o", option))]
    try:
        call([*get, "update"])
        lists = ""
    except StepError as failed:  # one broken list of many: the others may have all that is wanted
        lists = f"{failed}\n"
    try:
        install = ["install", "--download-only", "--yes", "--no-install-recommends"]
        call([*get, *install, *machine.packages])
    except StepError as failed:
        raise StepError(f"{lists}{failed}") from None
    for archive in sorted((apt / "cache" / "archives").glob("*.deb")):
        call(["dpkg-deb", "--extract", str(archive), str(root)])
    for library in root.glob("usr/lib/*/*/lib*.so.3"):  # BLAS and LAPACK: one that dpkg would link
        if library.parent.name in ("blas", "lapack"):
            link = library.parent.parent / library.name
            link.symlink_to(library.relative_to(link.parent))
    shutil.rmtree(apt)
    set_made(root, mark)
    return root


def provided(machine: Machine, root: Path) -> dict[str, str]:
    """Return the versions of the Python packages that Debian brings into a root."""
    folder = root / "usr" / "lib" / "python3" / "dist-packages"
    found = {}
    for name in machine.provides:
        (path,) = folder.glob(f"{name}-*.egg-info")
        found[name] = path.name.removeprefix(f"{name}-").removesuffix(".egg-info")
    return found


def make_processor(processor: Processor, root: Path) -> Path:
    """Return a root for one processor: the machine's own, and a /proc/cpuinfo that describes it."""
    folder = root.with_name(processor.name)
    (folder / "proc").mkdir(parents=True, exist_ok=True)
    (folder / "proc" / "cpuinfo").write_text(processor.cpuinfo)
    link_all(folder, root.iterdir())
    return folder


def link_all(folder: Path, targets: Iterable[Path]) -> None:
    """Make a relative link in `folder` to each of its neighbours' parts."""
    for target in targets:
        link = folder / target.name
        link.unlink(missing_ok=True)
        link.symlink_to(Path("..") / target.parent.name / target.name)

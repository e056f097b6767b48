"""Kill `mnist-edge export` at random moments; the bundle must be the old one or the new one.

    python tools/kill_export.py [--times 50] [--seed 0] [--json FILE]

The old bundle has float models alone, the new one int8, too. After each kill -9 the folder must
hold the old one, file for file, or the new one, file for file as an export that nobody killed wrote
it; and `verify` must pass on it. Exit code 1 otherwise.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from mnist_edge.atomic import write_file
from mnist_edge.bundle import read_bundle
from mnist_edge.verify import verify

RUN = Path(__file__).parent.parent / "artifacts" / "edge"


def export(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start an export of the run in `folder` into itself."""
    command = [sys.executable, "-m", "mnist_edge", "export", str(folder), "--no-timing", *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def state(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file in a folder."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def kill_once(
    old: Path, new: dict[str, str] | None, folder: Path, delay: float
) -> tuple[str, float | None]:
    """Kill an export of a copy of `old` after `delay` seconds; say what is left.

    Args:
        old: the bundle before.
        new: SHA-256 of each file after an export that was not killed; None where that is this one.
        folder: where to.
        delay: seconds.

    Returns:
        `old`, `new` or what is wrong, and how long the export took where it was not killed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(old, folder)
    began = time.monotonic()
    process = export(folder, "--int8")
    try:
        process.wait(timeout=delay)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    seconds = time.monotonic() - began if process.returncode == 0 else None
    try:
        bundle = read_bundle(folder)
        failed = [each for each in verify(bundle) if not each]
    except Exception as error:
        return f"no bundle: {error}", seconds
    if failed:
        return f"verify: {failed[0].detail}", seconds
    if state(folder) == state(old):
        return "old", seconds
    files = {entry.file for entry in bundle.models}
    whole = {"edge-int8.tflite", "edge-int8.onnx"} <= files if new is None else state(folder) == new
    return ("new" if whole else f"neither: {sorted(files)}"), seconds


def main(
    times: Annotated[int, typer.Option(help="Kills.")] = 50,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 0,
    record: Annotated[Path | None, typer.Option("--json", help="Write the record here.")] = None,
) -> None:
    """Kill exports and look at what is left."""
    chance = random.Random(seed)
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place:
        old, folder = Path(place) / "old", Path(place) / "bundle"
        shutil.copytree(RUN, old)
        for path in old.glob("edge-int8.*"):
            path.unlink()
        manifest = json.loads((old / "manifest.json").read_text(encoding="utf-8"))
        manifest["models"] = [each for each in manifest["models"] if each["quantization"] != "int8"]
        write_file(old / "manifest.json", json.dumps(manifest))
        export(old).wait()
        what, whole = kill_once(old, None, folder, 600)
        new = state(folder)
        if what != "new" or whole is None:
            sys.exit(f"an export that was not killed left {what}")
        turn = 0
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("killing exports", total=times)
            while sum(not each["ended"] for each in found) < times:
                bar.update(task, completed=sum(not each["ended"] for each in found))
                turn += 1
                # every other kill falls into the last tenth, where files are written and moved
                delay = whole * (chance.random() if turn % 2 else chance.uniform(0.9, 1.02))
                what, seconds = kill_once(old, new, folder, delay)
                whole = seconds or whole  # the machine's pace changes
                found.append(
                    {"after_s": round(delay, 3), "left": what, "ended": seconds is not None}
                )
                left = {path.name for path in Path(place).iterdir()} - {"old", "bundle"}
                found[-1]["left_beside"] = len(left)
                for name in left:
                    shutil.rmtree(Path(place) / name)
    wrong = [each for each in found if each["left"] not in ("old", "new")]
    summary = {
        "command": f"python tools/kill_export.py --times {times} --seed {seed}",
        "export_s": round(whole, 2),
        "kills": sum(not each["ended"] for each in found),
        "ended_before_the_kill": sum(each["ended"] for each in found),
        "old": sum(each["left"] == "old" for each in found),
        "new": sum(each["left"] == "new" for each in found),
        "wrong": wrong,
        "with_a_temporary_folder_left": sum(bool(each["left_beside"]) for each in found),
    }
    if record is not None:
        write_file(record, json.dumps(summary, indent=1) + "\n")
    print(json.dumps(summary, indent=1))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    typer.run(main)

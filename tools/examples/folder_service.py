"""Classify every picture that is dropped into a folder: a service for systemd.

    python folder_service.py /srv/digits

A picture in FOLDER/inbox goes to FOLDER/done with its answer beside it (seven.png, seven.png.json),
or to FOLDER/failed with the reason. Rename it into the inbox, or copy it there: it is taken once it
has not changed from one look to the next. Names that begin with a dot are left alone. A later
picture of the same name takes the place of the earlier one.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import Image

from mnist_edge import Classifier, MnistEdgeError
from mnist_edge.image_file import read_image

Image.MAX_IMAGE_PIXELS = 13_000_000  # for the memory it takes; Pillow refuses twice this


def notify(state: str) -> None:
    """Tell systemd (man sd_notify); where there is none, do nothing."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address.startswith("@"):
        address = "\0" + address[1:]
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto(state.encode(), address)


def look(inbox: Path) -> dict[Path, tuple[int, int]]:
    """Return time of change and size of each file in the inbox."""
    found = {}
    for path in inbox.iterdir():
        with suppress(FileNotFoundError):  # taken away meanwhile
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                found[path] = (path.stat().st_mtime_ns, path.stat().st_size)
    return found


def settled(before: dict[Path, Any], now: dict[Path, Any]) -> list[Path]:
    """Return the files that are the same at two looks, oldest first."""
    return sorted((path for path in now if before.get(path) == now[path]), key=now.__getitem__)


def answer(classifier: Classifier, path: Path) -> dict[str, Any]:
    """Return what the JSON file says of a picture."""
    reading = read_image(path)
    found = classifier.predict(reading.image)
    return {"label": found.label, "confidence": found.confidence, "steps": reading.steps}


def handle(classifier: Classifier, path: Path, folder: Path) -> None:
    """Move a picture to done or failed; its answer is there before it is."""
    # It has failed until it is answered: one that kills the process is not opened a second time.
    taken = path.rename(folder / "failed" / path.name)
    try:
        document, end = answer(classifier, taken), folder / "done"
    except MnistEdgeError as error:
        document, end = {"error": str(error)}, folder / "failed"
    half = end / f".{path.name}.json"
    half.write_text(json.dumps(document) + "\n", encoding="utf-8")
    half.rename(end / f"{path.name}.json")
    taken.rename(end / path.name)
    print(json.dumps({"picture": path.name, **document}), flush=True)


def main() -> None:
    """Serve until SIGTERM or Ctrl-C; the picture in hand is finished first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="that holds inbox, done and failed")
    parser.add_argument("--every", type=float, default=0.5, help="seconds between looks [0.5]")
    args = parser.parse_args()
    stop: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: stop.append(number))
    for name in ("inbox", "done", "failed"):
        (args.folder / name).mkdir(exist_ok=True)
    before: dict[Path, tuple[int, int]] = {}
    with Classifier.open() as classifier:
        notify("READY=1")
        while not stop:
            now = look(args.folder / "inbox")
            for path in settled(before, now):
                if stop:
                    break
                try:
                    handle(classifier, path, args.folder)
                except OSError as error:  # taken away meanwhile, a full disk
                    print(f"{path.name!r}: {error}", file=sys.stderr, flush=True)
                notify("WATCHDOG=1")
            before = now
            notify("WATCHDOG=1")
            time.sleep(args.every)
    notify("STOPPING=1")


if __name__ == "__main__":
    main()

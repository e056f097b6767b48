"""What runs on the board, for as long as the desk holds on: a folder, files, programs, an end.

The desk sends this file's text to a bare Python of 3.10 or later (`connection.bootstrap`): it needs
the standard library alone, and nothing of mnist_edge. It is asked by lines of JSON on its standard
input and answers by lines of MARK and JSON on its standard output. When the input ends, however
that came about, or nothing comes for SILENCE_S, every program that it started is ended and the
folder removed: a desk that vanishes leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

MARK = b"mnist-edge "  # what comes without it was said by the board's shell, not by this program
PREFIX = ".mnist-edge-"  # of the folder
VARIABLE = "MNIST_EDGE_FOLDER"  # in the environment of all that is started here
SILENCE_S = 120  # the desk says something every few seconds
PART = 1 << 16  # bytes


class Ended(Exception):  # noqa: N818 - it is an end, not a fault
    """The desk has let go, or the system wants this program to end."""


def serve(about: dict[str, Any]) -> None:
    """Greet with `about` and what else is known of this machine, then do what the desk asks."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _end)
    agent = Agent()
    try:
        say({"hello": {**about, **around()}})
        while True:
            agent.obey(agent.line())
    except (Ended, BrokenPipeError):
        pass
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        left = agent.clean()
        with contextlib.suppress(OSError):
            say({"gone": left is None, "left": left})
    os._exit(0)  # whatever still wants to be flushed


def sweep(folder: str) -> None:
    """Remove what an agent that was itself ended has left in `folder`, and say so."""
    agent = Agent()
    if Path(folder).name.startswith(PREFIX):
        agent.folder = Path(folder)
    left = agent.clean()
    say({"gone": left is None, "left": left})


def around() -> dict[str, Any]:
    """Return what a bench needs to know of this machine before it begins."""
    home = base()
    free = None if home is None else shutil.disk_usage(home).free >> 20
    try:
        text = Path("/proc/device-tree/model").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    return {
        "executable": sys.executable,
        "base": None if home is None else str(home),
        "free_mb": free,
        "model": text.strip("\0\n ") or None,
        "has": {name: _has(name) for name in ("venv", "numpy")},
    }


def base() -> Path | None:
    """Return where the folder can be: TMPDIR where it is set, else home, which is no RAM disk."""
    named = os.environ.get("TMPDIR")
    for place in (named, str(Path.home()), tempfile.gettempdir()):
        if place and os.access(place, os.W_OK | os.X_OK):
            return Path(place)
    return None


class Agent:
    """Does what the desk asks."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.keep = False
        self._child: subprocess.Popen[bytes] | None = None
        self._read = bytearray()

    def obey(self, asked: dict[str, Any]) -> None:
        """Do one thing; what goes wrong with it is an answer."""
        try:
            if asked["do"] == "open":
                self._open(asked["keep"])
            elif asked["do"] == "put":
                self._put(asked["path"], asked["bytes"])
            elif asked["do"] == "run":
                self._run(asked["command"], asked["limit_s"], asked["environment"])
            elif asked["do"] == "get":
                self._get(asked["path"])
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            say({"error": error.strerror or str(error), "errno": error.errno})

    def line(self) -> dict[str, Any]:
        """Return the next thing that is asked."""
        while b"\n" not in self._read:
            self._more()
        text, _, rest = bytes(self._read).partition(b"\n")
        self._read = bytearray(rest)
        asked: dict[str, Any] = json.loads(text)
        return asked

    def clean(self) -> str | None:
        """End all that was started here and remove the folder; return what is left of it."""
        if self.folder is None:
            return None
        self._end_child()
        for _again in range(50):
            found = started(str(self.folder))
            for process in found:
                with contextlib.suppress(OSError):
                    os.kill(process, signal.SIGKILL)
            if not found:
                break
            time.sleep(0.05)
        if self.keep:
            return None
        for _again in range(3):
            shutil.rmtree(self.folder, ignore_errors=True)
            if not self.folder.exists():
                return None
            time.sleep(0.2)
        return str(self.folder)

    def _more(self) -> None:
        ready, _, _ = select.select([0], [], [], SILENCE_S)
        came = os.read(0, PART) if ready else b""
        if not came:
            raise Ended
        self._read += came

    def _open(self, keep: bool) -> None:
        home = base()
        if home is None:
            raise OSError(
                0, "no folder can be written to: neither home nor that for temporary files"
            )
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=home)).resolve()  # mode 700
        self.keep = keep
        (self.folder / "tmp").mkdir()
        say({"folder": str(self.folder)})

    def _inside(self, path: str) -> Path:
        if self.folder is None:
            raise OSError(0, "no folder was opened")
        return self.folder / path

    def _put(self, path: str, size: int) -> None:
        """Write what follows the line; where that fails, take it all the same and say why."""
        place, left, mode = self._inside(path), size, "wb"
        failed: OSError | None = None
        while mode == "wb" or left:
            while left and not self._read:
                self._more()
            part = bytes(self._read[:left])
            del self._read[: len(part)]
            left -= len(part)
            try:
                if failed is None:
                    place.parent.mkdir(parents=True, exist_ok=True)
                    with place.open(mode) as file:
                        file.write(part)
            except OSError as error:
                failed = error
            mode = "ab"
        if failed is not None:
            raise failed
        say({"put": size})

    def _get(self, path: str) -> None:
        content = self._inside(path).read_bytes()
        say({"bytes": len(content)})
        _write(content)

    def _run(self, command: list[str], limit_s: float, environment: dict[str, str]) -> None:
        """Run a program and pass on its lines; it is ended after `limit_s` without one."""
        folder = self._inside(".")
        given = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        given |= {VARIABLE: str(self.folder), "TMPDIR": str(folder / "tmp")}
        given |= {"PIP_NO_CACHE_DIR": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        given |= {"PIP_NO_INPUT": "1", "PIP_USER": "0", "PYTHONUNBUFFERED": "1"}
        place = str(self.folder)
        given |= {key: value.replace("{folder}", place) for key, value in environment.items()}
        words = [word.replace("{folder}", place) for word in command]
        self._child = child = subprocess.Popen(
            words, cwd=folder, env=given, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        late = self._pass_on(child, limit_s)
        if late:
            self._end_child()
        say({"code": child.wait(), "late": late})
        self._child = None

    def _end_child(self) -> None:
        if self._child is not None:
            with contextlib.suppress(OSError):
                os.killpg(self._child.pid, signal.SIGKILL)

    def _pass_on(self, child: subprocess.Popen[bytes], limit_s: float) -> bool:
        """Say each line of a program until it closes its output; return whether it was too late."""
        if child.stdout is None:
            raise OSError(0, "no pipe")
        came, output = bytearray(), child.stdout.fileno()
        said = heard = time.monotonic()
        while True:
            ready, _, _ = select.select([0, output], [], [], 1)
            now = time.monotonic()
            if 0 in ready:
                self._more()
                heard = now
                while b"\n" in self._read:
                    self.line()  # no more than a sign of life
            if output in ready:
                part = os.read(output, PART)
                *lines, rest = bytes(came + part).split(b"\n")
                came, said = bytearray(rest), now
                for line in lines if part or not rest else [*lines, rest]:
                    say({"line": line.decode(errors="replace")})
                if not part:
                    return False
            if now - heard > SILENCE_S:
                raise Ended
            if now - said > limit_s:
                return True


def started(folder: str) -> list[int]:
    """Return the processes whose environment says that they were started for `folder`."""
    sign = f"{VARIABLE}={folder}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if sign in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def say(answer: dict[str, Any]) -> None:
    """Answer the desk."""
    _write(MARK + json.dumps(answer).encode() + b"\n")


def _write(content: bytes) -> None:
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def _has(name: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _end(_number: int, _frame: object) -> None:
    raise Ended

"""One connection to one board: a session of ssh, and the agent that serves it there.

All goes through that one session, files too: neither sftp, scp nor tar has to be there, and a board
that asks for a touch of a key asks once.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import threading
import time
from typing import IO, TYPE_CHECKING, Any, cast

from mnist_edge.bench.remote import agent
from mnist_edge.bench.remote.bootstrap import NONE, bootstrap
from mnist_edge.bench.remote.ssh import command, explained
from mnist_edge.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HELLO_S = 60  # for a login and a first answer; a slow board's Python takes seconds
GONE_S = 30  # for ending programs and removing a folder, which may be on a slow card
ENDED_S = 5  # for ssh itself
ANSWER_S = 120  # for an answer that has no limit of its own
BEAT_S = 10
FULL = (28, 122)  # ENOSPC, EDQUOT on Linux


class StoppedError(HostError):
    """The user has had enough, and the connection was told."""


class Connection:
    """A folder of its own on a board, and programs in it; gone when the block ends."""

    def __init__(self, host: str, *, keep: bool = False) -> None:
        """Say where to; nothing is done before the block is entered.

        Args:
            host: as ssh takes it.
            keep: leave the folder where it is.

        Raises:
            SettingError: no host by its form.
        """
        self.host, self.keep = host, keep
        self.about: dict[str, Any] = {}
        self.folder = ""
        self.left: str | None = None
        self._command = command(host, bootstrap("serve"))
        self._said: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._complaints: list[str] = []
        self._writing = threading.Lock()
        self._stopped = self._lost = False
        self._closed = threading.Event()

    def __enter__(self) -> Connection:
        """Connect.

        Raises:
            HostError: not reached, not let in, or no Python of 3.10 or later there.
        """
        self._ssh = _start(self._command)
        self._stdin = cast("IO[bytes]", self._ssh.stdin)
        self._ears = [
            threading.Thread(target=work, daemon=True) for work in (self._listen, self._overhear)
        ]
        for thread in (*self._ears, threading.Thread(target=self._beat, daemon=True)):
            thread.start()
        try:
            self.about = self._answer("hello", HELLO_S)["hello"]
            self._ask({"do": "open", "keep": self.keep})
            self.folder = self._answer("folder", ANSWER_S)["folder"]
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._close()

    def put(self, path: str, content: bytes | Path) -> None:
        """Write a file there, with the folders it lies in.

        Raises:
            HostError: the disk is full there, or the connection was lost.
        """
        data = content if isinstance(content, bytes) else content.read_bytes()
        self._ask({"do": "put", "path": path, "bytes": len(data)}, data)
        self._answer("put", ANSWER_S)

    def run(
        self,
        words: list[str],
        limit_s: float,
        hear: Callable[[str], None] = lambda _line: None,
        environment: dict[str, str] | None = None,
    ) -> tuple[int, list[str]]:
        """Run a program there, in the folder; return its exit code and what it said last.

        Args:
            words: program and arguments; {folder} stands for the folder.
            limit_s: seconds without a line after which it is ended.
            hear: takes each line that it says.
            environment: beyond the board's own; {folder} as in `words`.

        Raises:
            HostError: it was ended, or the connection was lost.
        """
        asked = {"command": words, "limit_s": limit_s, "environment": environment or {}}
        self._ask({"do": "run", **asked})
        last: list[str] = []
        while True:
            answer = self._answer(None, limit_s + ANSWER_S)
            if "line" in answer:
                last = [*last[-99:], answer["line"]]
                hear(answer["line"])
            elif "code" in answer:
                break
        if answer["late"]:
            name = " ".join(words[1:3])
            raise HostError(f"{self.host}: {name} said nothing for {limit_s:g} s and was ended")
        return int(answer["code"]), last

    def get(self, path: str) -> bytes:
        """Return a file's content.

        Raises:
            HostError: it is not there, or the connection was lost.
        """
        self._ask({"do": "get", "path": path})
        content: bytes = self._answer("content", ANSWER_S)["content"]
        return content

    def stop(self) -> None:
        """Make whatever is waited for raise StoppedError; may be called from another thread."""
        self._stopped = True
        self._said.put({"stop": True})

    def abandon(self) -> None:
        """End ssh at once; the board cleans up by itself."""
        with contextlib.suppress(OSError):
            self._ssh.kill()

    def _ask(self, asked: dict[str, Any], content: bytes = b"") -> None:
        line = json.dumps(asked).encode() + b"\n"
        whole = memoryview(line + content)
        with self._writing:
            for start in range(0, len(whole), agent.PART):
                if self._stopped:
                    raise StoppedError(f"{self.host}: interrupted")
                self._write(whole[start : start + agent.PART])

    def _write(self, content: bytes | memoryview) -> None:
        try:
            self._stdin.write(content)
            self._stdin.flush()
        except (OSError, ValueError):  # ValueError: closed
            raise self._failure() from None

    def _answer(self, key: str | None, limit_s: float) -> dict[str, Any]:
        """Return the next answer, or the next that has `key`.

        Raises:
            StoppedError: the user has had enough.
            HostError: it says that something failed, or says nothing.
        """
        until = time.monotonic() + limit_s
        while True:
            try:
                answer = self._said.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                raise HostError(f"{self.host}: no answer in {limit_s:g} s: is it alive?") from None
            if self._stopped:
                raise StoppedError(f"{self.host}: interrupted")
            if answer is None:
                raise self._failure()
            if "error" in answer:
                raise HostError(f"{self.host}: {self._reason(answer)}")
            if key is None or key in answer:
                return answer

    def _reason(self, answer: dict[str, Any]) -> str:
        if answer.get("errno") in FULL:
            place = self.about.get("base")
            return (
                f"the disk is full there ({place}): make room, or set TMPDIR there to another place"
            )
        return str(answer["error"])

    def _failure(self) -> HostError:
        """Say why nothing comes any more."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._ssh.wait(ENDED_S)
        self._ears[1].join(1)  # for what it said last to be overheard
        self._lost = True
        said = "\n".join(self._complaints)
        for line in self._complaints:
            if line.startswith(NONE):
                words = line.removeprefix(NONE).strip()
                found = words if words.startswith("Python ") else "none"
                return HostError(
                    f"{self.host}: Python 3.10 or later is needed there, found {found}: upgrade "
                    "the system (Raspberry Pi OS Bookworm has Python 3.11)"
                )
        return HostError(explained(self.host, said))

    def _listen(self) -> None:
        """Take what the agent says, and pass over what the board's shell may say before it."""
        with cast("IO[bytes]", self._ssh.stdout) as output, contextlib.suppress(OSError):
            while line := output.readline():
                if not line.startswith(agent.MARK):
                    self._complaints.append(line.decode(errors="replace"))
                    continue
                answer = json.loads(line[len(agent.MARK) :])
                if "bytes" in answer:
                    answer["content"] = output.read(answer["bytes"])
                self._said.put(answer)
        self._said.put(None)

    def _overhear(self) -> None:
        with cast("IO[bytes]", self._ssh.stderr) as pipe, contextlib.suppress(OSError):
            for line in pipe:
                self._complaints.append(line.decode(errors="replace"))

    def _beat(self) -> None:
        """Tell the agent now and then that somebody is still here."""
        while not self._closed.wait(BEAT_S):
            with contextlib.suppress(HostError), self._writing:
                self._write(b'{"do": "beat"}\n')

    def _close(self) -> None:
        """Let go of the board, and see that nothing is left there."""
        self._closed.set()
        with contextlib.suppress(OSError, ValueError):
            self._stdin.close()
        if not self.folder:  # let in or not, there is nothing to wait for
            self._ssh.terminate()
        gone = self._gone()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._ssh.wait(ENDED_S)
        self._ssh.kill()
        self._ssh.wait()
        for thread in self._ears:
            thread.join(ENDED_S)  # a command between ssh and the board may hold the pipe
        if self.keep and self.folder:
            self.left = f"{self.host}:{self.folder} was kept as asked: remove it when done with it"
        elif gone is None and self.folder:
            self.left = self._sweep()
        elif gone and gone["left"]:
            self.left = f"{gone['left']} could not be removed: ssh {self.host} rm -r {gone['left']}"

    def _gone(self) -> dict[str, Any] | None:
        """Return what the agent says of its end; None where the connection was lost before."""
        until = time.monotonic() + GONE_S
        while not self._lost:
            try:
                answer = self._said.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if answer is None or "gone" in answer:
                return answer
        return None

    def _sweep(self) -> str | None:
        """Connect once more to end and remove what a lost connection may have left."""
        words = command(self.host, bootstrap("sweep", self.folder))
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            ended = subprocess.run(
                words, stdin=subprocess.DEVNULL, capture_output=True, timeout=GONE_S, check=False
            )
            if agent.MARK + b'{"gone": true' in ended.stdout:
                return None
        return (
            f"the connection was lost and the board cannot be reached: it removes {self.folder} "
            f"itself within {agent.SILENCE_S} s; if not: ssh {self.host} rm -r {self.folder}"
        )


def _start(words: list[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=os.name == "posix",  # Ctrl-C is for us: the board is told in order
        )  # fmt: skip
    except OSError as error:
        raise HostError(
            f"{words[0]} cannot be started ({error.strerror}): install OpenSSH's client: "
            "sudo apt install openssh-client"
        ) from None

"""The same bench on one board or several, side by side; one that fails is a row."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from mnist_edge.bench.on_device import ANSWER
from mnist_edge.bench.remote.choice import PACKAGES, choose
from mnist_edge.bench.remote.connection import Connection
from mnist_edge.bench.remote.install import NEED_MB, PYTHON, install
from mnist_edge.bench.remote.parcel import job, make_parcel
from mnist_edge.bench.remote.ssh import check_host
from mnist_edge.errors import HostError, MnistEdgeError, SettingError
from mnist_edge.interpreter import Interpreter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from mnist_edge.bench import Settings
    from mnist_edge.bench.remote.parcel import Parcel
    from mnist_edge.data import Dataset

    Say = Callable[[str, str], None]

QUIET_S = 1800  # without a word from the bench on a board


@dataclass(frozen=True)
class HostResult:
    """What came of one board.

    Attributes:
        host: as it was named.
        status: `ok` or `failed`.
        error: in one line; None where there is none.
        record: of the bench, as `run_suite` makes it; None where it did not come to one.
        verify: findings of `verify` there, with `holds`.
        seconds: that each step took.
        board: what it is, in one line.
        notes: what a reader should know, one line each.
    """

    host: str
    status: str = "failed"
    error: str | None = None
    record: dict[str, Any] | None = None
    verify: tuple[dict[str, Any], ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    board: str | None = None
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether it was benched, and all held that `verify` looked at."""
        return self.status == "ok" and all(finding["holds"] for finding in self.verify)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {**asdict(self), "verify": list(self.verify), "notes": list(self.notes)}


def bench_hosts(
    hosts: Sequence[str],
    paths: Sequence[Path],
    dataset: Dataset,
    settings: Settings,
    say: Say = lambda _host, _text: None,
    keep: bool = False,
) -> list[HostResult]:
    """Bench bundles or models on boards that ssh leads to, all at once.

    Each gets a folder of its own with an environment in it, which is removed at the end, whatever
    the end; nothing else of a board is changed.

    Args:
        hosts: as ssh takes them, `user@board` or a name of ~/.ssh/config.
        paths: bundle folders or model files.
        dataset: whose test part they are run on.
        settings: as for `run_suite`.
        say: takes a host and what is being done there; called from several threads.
        keep: leave the folders on the boards.

    Returns:
        One result a host, in their order.

    Raises:
        SettingError: no host by its form, or the same twice.
        BundleError, ModelError, DataError: something that cannot be sent.
        KeyboardInterrupt: after every board was cleaned up.
    """
    for host in hosts:
        check_host(host)
    if len(set(hosts)) < len(hosts):
        raise SettingError("a host is named twice: two benches at once would disturb each other")
    parcel = make_parcel(paths, dataset)
    runs = [_Run(host, parcel, settings, say, keep) for host in hosts]
    for run in runs:
        threading.Thread(target=run.bench, daemon=True).start()
    try:
        _wait(runs)
    except KeyboardInterrupt:
        for run in runs:
            run.stop()
        _wait(runs)  # a second Ctrl-C leaves the boards to clean up by themselves
        for run in runs:
            for note in run.notes:
                say(run.host, note)
        raise
    return [run.result for run in runs]


def _wait(runs: list[_Run]) -> None:
    """Wait for all: not by joining threads, which Ctrl-C would make look ended (bpo-45274)."""
    for run in runs:
        while not run.done.wait(0.2):  # in parts, or Ctrl-C would wait on some systems
            pass


class _Run:
    """One board, from the first word to the last."""

    def __init__(self, host: str, parcel: Parcel, settings: Settings, say: Say, keep: bool) -> None:
        self.host = host
        self.done = threading.Event()
        self.notes: list[str] = []
        self.result = HostResult(host)
        self._parcel, self._settings = parcel, settings
        self._tell = say
        self._found: dict[str, Any] = {}
        self._seconds: dict[str, float] = {}
        self._connection = Connection(host, keep=keep)

    def bench(self) -> None:
        """Do it all; what fails is in the result."""
        try:
            self._bench()
        except MnistEdgeError as error:
            self._found |= {"status": "failed", "error": str(error)}
        except Exception as error:
            self._found |= {"status": "failed", "error": f"{type(error).__name__}: {error}"}
        finally:
            if self._connection.left:
                self.notes.append(self._connection.left)
            self.result = HostResult(
                self.host, **self._found, seconds=self._seconds, notes=tuple(self.notes)
            )
            self.done.set()

    def stop(self) -> None:
        """End it early, in order."""
        self._connection.stop()

    def _bench(self) -> None:
        began = time.monotonic()
        self._say("connecting")
        try:
            with self._connection as board:
                self._seconds["connect"] = time.monotonic() - began
                try:
                    self._on(board)
                finally:
                    began = time.monotonic()
                    self._say("cleaning up")
        finally:
            if self._connection.folder:
                self._seconds["clean"] = time.monotonic() - began

    def _on(self, board: Connection) -> None:
        python = interpreter_of(board.about)
        self._found["board"] = described(board.about)
        asked = self._settings.runtimes
        choice = choose(python, self._parcel.formats, asked, self.host)
        free = board.about["free_mb"]
        if free is not None and free < NEED_MB:
            raise HostError(
                f"{self.host}: {free} MB are free there ({board.about['base']}), wanted {NEED_MB}: "
                "make room, or set TMPDIR there to another place"
            )
        with self._step("send", "sending"):
            for path, content in self._parcel.files.items():
                board.put(path, content)
            able = [name for name in choice.runtimes if not asked or name in asked]
            names = able if asked else []
            settings = {**asdict(self._settings), "runtimes": names}
            board.put("job.json", job(self._parcel, settings))
        with self._step(
            "install", f"installing {', '.join(PACKAGES[name] for name in choice.runtimes)}"
        ):
            installed = install(board, python, self._parcel, choice, self._say)
            self.notes += installed.notes
            if installed.offline:
                self.notes.append("it reached no package index: its wheels came from the desk")
        with self._step("bench", "verifying"):
            command = [PYTHON, "-m", "mnist_edge.bench.on_device", "{folder}/job.json"]
            quiet = QUIET_S + 60 * self._settings.sustained_minutes
            code, lines = board.run(command, quiet, self._hear, {"HOME": "{folder}/tmp"})
            if code:
                said = next((line for line in reversed(lines) if line.strip()), "it said nothing")
                raise HostError(f"{self.host}: the bench there ended with code {code}: {said}")
        with self._step("fetch", "fetching the record"):
            self._take(json.loads(board.get(ANSWER)))

    def _say(self, text: str) -> None:
        self._tell(self.host, text)

    def _hear(self, line: str) -> None:
        try:
            what = json.loads(line)
            text = what["text"]
        except (ValueError, KeyError, TypeError):
            return  # a runtime's own words
        done = f" ({what['done']} of {what['total']})" if what.get("total") else ""
        self._say(f"{text}{done}")

    def _take(self, answer: dict[str, Any]) -> None:
        """Take what came, with the desk's names of what was benched."""
        ours = {there: str(path) for there, path in self._parcel.paths.items()}
        record = answer["record"]
        for row in record["results"] if record else ():
            row["bundle"] = ours.get(row["bundle"], row["bundle"])
        for finding in answer["verify"]:
            finding["bundle"] = ours.get(finding["bundle"], finding["bundle"])
        if record:
            record["verify"] = answer["verify"]
        error = answer["error"]
        self._found |= {
            "status": answer["status"],
            "error": None if error is None else f"{self.host}: {error}",
            "record": record,
            "verify": tuple(answer["verify"]),
        }

    @contextmanager
    def _step(self, name: str, text: str) -> Iterator[None]:
        self._say(text)
        began = time.monotonic()
        try:
            yield
        finally:
            self._seconds[name] = time.monotonic() - began


def interpreter_of(about: dict[str, Any]) -> Interpreter:
    """Return the Python that a board's agent runs in."""
    known = {name: about[name] for name in Interpreter.__dataclass_fields__}
    version = known["libc_version"]
    return Interpreter(**{**known, "libc_version": None if version is None else tuple(version)})


def described(about: dict[str, Any]) -> str:
    """Return in one line what a board is.

    >>> described({"model": None, "machine": "aarch64", "bits": 64, "python": "3.11.2",
    ...            "libc": "glibc", "libc_version": [2, 36], "system": "Linux"})
    'Linux aarch64, 64-bit, Python 3.11.2, glibc 2.36'
    """
    version = ".".join(map(str, about["libc_version"] or ()))
    libc = [f"{about['libc']} {version}".strip()] if about["libc"] else []
    what = f"{about['model'] or about['system']} {about['machine']}"
    return ", ".join([what, f"{about['bits']}-bit", f"Python {about['python']}", *libc])

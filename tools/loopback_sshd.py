"""A real SSH server for the tests, on 127.0.0.1, as whoever runs them; nothing is installed.

    python tools/loopback_sshd.py

makes sure that there is one: the system's, or else Debian's package, downloaded by apt and unpacked
into .sshd. Root's server needs one thing more, which Debian's package would make: a user `sshd`. It
gets one in a mount namespace of its own, so that the system's users stay as they are.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
UNPACKED = ROOT / ".sshd"
PRIVILEGES = Path("/run/sshd")  # an empty folder that Debian's sshd wants when root starts it
USER = "sshd:x:64999:65534::/run/sshd:/usr/sbin/nologin\n"
SHADOW = "root:*:1:0:99999:7:::\n"  # no password, which is not the same as locked
REMEDY = (
    "the tests need an sshd: python tools/loopback_sshd.py where apt works, or sudo apt install "
    "openssh-server (it need not run)"
)
START_S = 20


class NoServerError(Exception):
    """There is no sshd, or it does not start; the message says what to do."""


def find() -> Path | None:
    """Return the system's sshd, else the unpacked one."""
    named = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    found = UNPACKED / "usr" / "sbin" / "sshd"
    if named:
        return Path(named).resolve()  # it starts itself anew, and wants its full path
    return found if found.is_file() else None


def fetch() -> Path:
    """Download Debian's openssh-server and what it needs here, and unpack it.

    apt works on the system's own lists and looks up what is installed; it installs nothing.
    """
    cache = UNPACKED / "cache"
    shutil.rmtree(UNPACKED, ignore_errors=True)
    (cache / "archives" / "partial").mkdir(parents=True)
    options = [f"Dir::Cache::archives={cache / 'archives'}", "APT::Sandbox::User=root"]
    options += ["Acquire::Retries=3", "Debug::NoLocking=1"]
    get = ["apt-get", "--quiet", *(part for option in options for part in ("-o", option))]
    install = [*get, "install", "--download-only", "--yes", "--no-install-recommends"]
    try:
        if not _done([*install, "openssh-server"]):
            _fetch_by_own_lists(cache, get)
        for archive in sorted((cache / "archives").glob("*.deb")):
            subprocess.run(["dpkg-deb", "--extract", str(archive), str(UNPACKED)], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoServerError(f"{REMEDY} ({error})") from None
    shutil.rmtree(cache)
    found = find()
    if found is None:
        raise NoServerError(REMEDY)
    return found


def _fetch_by_own_lists(cache: Path, get: list[str]) -> None:
    """Do so with lists of our own: the system's are old or absent, or another user's to renew."""
    state = cache / "state"
    (state / "lists" / "partial").mkdir(parents=True)
    own = [*get, "-o", f"Dir::State={state}", "-o", "Dir::State::status=/var/lib/dpkg/status"]
    _done([*own, "update"])  # one broken list of many: the others may have all that is wanted
    install = ["install", "--download-only", "--yes", "--no-install-recommends", "openssh-server"]
    subprocess.run([*own, *install], check=True, stdin=subprocess.DEVNULL)


def _done(command: list[str]) -> bool:
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode == 0


@dataclass
class Loopback:
    """One server: its port, and the configuration by which ssh finds it.

    It is `board` and `board2`; under other names something is wrong: `stranger` comes with a key
    that the server does not know, the host key of `unknown` is not known here, that of `changed`
    is another, and where `closed` should be nothing listens.

    Attributes:
        folder: where all of it lies.
        environment: of what is run there, beyond the little that sshd gives.
        port: on 127.0.0.1.
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0

    @property
    def client(self) -> str:
        """The command for MNIST_EDGE_SSH."""
        return shlex.join([*_client_program("ssh"), "-F", str(self.folder / "client")])

    @property
    def known_hosts(self) -> Path:
        """What the client knows of host keys."""
        return self.folder / "known_hosts"

    def log(self) -> str:
        """Return what the server said."""
        return (self.folder / "log").read_text(errors="replace")

    def sessions(self) -> list[int]:
        """Return the processes that serve a connection each."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == self._process.pid:
                    found.append(int(entry.name))
        return found

    def drop(self) -> None:
        """End every connection, as a cable that is pulled out."""
        for process in self.sessions():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def start(self) -> None:
        """Start it.

        Raises:
            NoServerError: there is none, or it does not start.
        """
        program = find()
        if program is None:
            raise NoServerError(REMEDY)
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("host_key", "key", "stranger"):
            generate = [*_client_program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", name]
            subprocess.run([*generate, "-f", str(self.folder / name)], check=True)
        self.port = self.port or _free_port()
        (self.folder / "server").write_text(self._server(program))
        (self.folder / "client").write_text(self._client())
        key = (self.folder / "host_key.pub").read_text()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {key}")
        environment = dict(os.environ)
        if program.is_relative_to(UNPACKED):
            environment["LD_LIBRARY_PATH"] = _libraries()
        command = [str(program), "-D", "-e", "-f", str(self.folder / "server")]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                self._as_root(command) if os.geteuid() == 0 else command,
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self._await()

    def stop(self) -> None:
        """End it, and every connection."""
        self.drop()
        self._process.terminate()
        self._process.wait(10)

    def _await(self) -> None:
        until = time.monotonic() + START_S
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.02)
        self._process.kill()
        raise NoServerError(f"sshd does not start: {self.log().strip()}; {REMEDY}")

    def _server(self, program: Path) -> str:
        self.folder.joinpath("authorized").write_text((self.folder / "key.pub").read_text())
        given = [f'"{name}={value}"' for name, value in self.environment.items()]
        lines = [
            f"Port {self.port}", "ListenAddress 127.0.0.1", f"HostKey {self.folder / 'host_key'}",
            f"AuthorizedKeysFile {self.folder / 'authorized'}", "PidFile none", "StrictModes no",
            "UsePAM no", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
            "PermitRootLogin yes", "UseDNS no", "MaxStartups 100",
            *([f"SetEnv {' '.join(given)}"] if given else []),
        ]  # fmt: skip
        helpers = UNPACKED / "usr" / "lib" / "openssh"
        if program.is_relative_to(UNPACKED):  # since OpenSSH 9.8 and 10.0 in programs of their own
            for name, option in (("session", "SshdSessionPath"), ("auth", "SshdAuthPath")):
                if (helpers / f"sshd-{name}").is_file():
                    lines.append(f"{option} {helpers / f'sshd-{name}'}")
        return "\n".join([*lines, ""])

    def _client(self) -> str:
        key, known = self.folder / "key", self.known_hosts
        changed = self.folder / "changed_hosts"
        other = (self.folder / "stranger.pub").read_text()
        changed.write_text(f"[127.0.0.1]:{self.port} {other}")
        hosts = {
            "board board2": (self.port, key, known),
            "stranger": (self.port, self.folder / "stranger", known),
            "unknown": (self.port, key, os.devnull),
            "changed": (self.port, key, changed),
            "closed": (_free_port(), key, known),
        }
        lines = []
        for names, (port, identity, hosts_file) in hosts.items():
            lines += [
                f"Host {names}", f"Port {port}", f"IdentityFile {identity}",
                f"UserKnownHostsFile {hosts_file}",
            ]  # fmt: skip
        user = pwd.getpwuid(os.getuid()).pw_name
        lines += [
            "Host *", "HostName 127.0.0.1", f"User {user}", "IdentitiesOnly yes",
            "IdentityAgent none", "GlobalKnownHostsFile none",
        ]  # fmt: skip
        return "\n".join([*lines, ""])

    def _as_root(self, command: list[str]) -> list[str]:
        """Return what starts it with users of its own: `sshd`, and a root that is not locked."""
        PRIVILEGES.mkdir(mode=0o755, exist_ok=True)
        if not _done(["unshare", "--mount", "true"]):  # as in a container
            return command
        given = {"passwd": Path("/etc/passwd").read_text() + USER, "shadow": SHADOW}
        for name, text in given.items():
            (self.folder / name).write_text(text)
        mounts = [
            shlex.join(["mount", "--bind", str(self.folder / name), f"/etc/{name}"])
            for name in given
            if Path("/etc", name).is_file()
        ]
        return [
            "unshare",
            "--mount",
            "sh",
            "-c",
            " && ".join([*mounts, f"exec {shlex.join(command)}"]),
        ]


@contextlib.contextmanager
def loopback(folder: Path, **environment: str) -> Iterator[Loopback]:
    """Give a server that runs until the block ends."""
    server = Loopback(folder, environment)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _client_program(name: str) -> list[str]:
    """Return how to start one of the client's programs, which came along where it was absent."""
    if shutil.which(name):
        return [name]
    return ["env", f"LD_LIBRARY_PATH={_libraries()}", str(UNPACKED / "usr" / "bin" / name)]


def _libraries() -> str:
    return ":".join(str(path) for path in (UNPACKED / "usr" / "lib").glob("*-linux-gnu*"))


if __name__ == "__main__":
    try:
        print(find() or fetch())
    except NoServerError as error:
        sys.exit(str(error))

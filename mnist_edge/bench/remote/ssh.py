"""The user's own OpenSSH: how it is called, and what it says in the words of this project.

Nothing of its configuration is replaced: ~/.ssh/config, agents, jump hosts, ports and known hosts
are the user's. MNIST_EDGE_SSH stands instead of `ssh`, with options, as GIT_SSH_COMMAND does for
git: `MNIST_EDGE_SSH="ssh -F lab.config"`.
"""

from __future__ import annotations

import os
import re
import shlex

from mnist_edge.errors import SettingError

COMMAND = "MNIST_EDGE_SSH"
CONNECT_S = 15
OPTIONS = {
    "BatchMode": "yes",  # never a question that nobody is there to answer
    "ConnectTimeout": str(CONNECT_S),
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "4",
    "LogLevel": "ERROR",
    "ClearAllForwardings": "yes",  # of the user's interactive sessions
    "RemoteCommand": "none",
}
HOST = re.compile(r"(ssh://)?[\w.@%:\[\]+/-]+")


def command(host: str, remote: str) -> list[str]:
    """Return what runs `remote`, one line for the shell there, on a host."""
    program = shlex.split(os.environ.get(COMMAND) or "ssh")
    options = [part for name, value in OPTIONS.items() for part in ("-o", f"{name}={value}")]
    return [*program, "-T", "-x", "-a", *options, check_host(host), remote]


def check_host(host: str) -> str:
    """Return `host` as it is, if ssh would take it for one and nothing else.

    Raises:
        SettingError: an option, or signs that a shell could take for more than a name.
    """
    name = host.rpartition("@")[2].removeprefix("ssh://")
    if not HOST.fullmatch(host) or host.startswith("-") or name.startswith("-") or not name:
        raise SettingError(
            f"host is {host!r}; wanted user@board, or a name of ~/.ssh/config, without blanks"
        )
    return host


# What OpenSSH's client says, and what to do about it; the first that fits.
SAYINGS = (
    ("could not resolve hostname", "its name is not known here",
     "check the spelling, or give its address in ~/.ssh/config"),
    ("remote host identification has changed", "its host key is another than the one known here",
     "if the board was set up anew, remove the old one with ssh-keygen -R and connect once by "
     "hand: ssh {host}"),
    ("host key verification failed", "its host key is not known here",
     "connect once by hand and compare the fingerprint: ssh {host}"),
    ("permission denied (", "no key of yours is accepted there",
     "ssh-copy-id {host}, or add the key to the agent: ssh-add"),
    ("too many authentication failures", "it refused after several keys",
     "name the right one as IdentityFile in ~/.ssh/config, with IdentitiesOnly yes"),
    ("connection refused", "nothing listens for SSH there",
     "start it on the board (sudo systemctl enable --now ssh), or name its port in ~/.ssh/config"),
    ("no route to host", "no way leads there", "is the board switched on, and in this network?"),
    ("network is unreachable", "no way leads there", "is this machine in a network?"),
    ("not responding", "the connection was lost: no sign of life for a minute",
     "look after the board's power and network, and bench again"),
    ("operation timed out", "no answer", "is the board switched on, and in this network?"),
    ("connection timed out", "no answer", "is the board switched on, and in this network?"),
    ("timed out during banner exchange", "no answer", "is it an SSH server that listens there?"),
    ("closed by remote host", "the connection was lost",
     "look after the board's power, and bench again"),
    ("connection reset", "the connection was lost", "bench again"),
    ("connection closed by", "it closed the connection",
     "see what its log says: journalctl -u ssh"),
    ("broken pipe", "the connection was lost", "bench again"),
)  # fmt: skip


def explained(host: str, said: str) -> str:
    """Return in one line what became of a connection, by what ssh said on its standard error."""
    low = said.lower()
    for sign, what, remedy in SAYINGS:
        if sign in low:
            return f"{host}: {what}: {remedy.format(host=host)}"
    last = [line.strip() for line in said.splitlines() if line.strip()]
    if last:
        return f"{host}: ssh says: {last[-1]}"
    return f"{host}: the connection was lost: look after the board's power and network"

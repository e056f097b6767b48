"""The SSH server that other tests rely on."""

import subprocess

import pytest

from tools import loopback_sshd
from tools.loopback_sshd import NoServerError, loopback


def run(client, *words):
    return subprocess.run(
        [*client.split(), "-o", "BatchMode=yes", *words],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_it_lets_its_own_key_in_with_the_environment_that_was_asked_for(tmp_path):
    with loopback(tmp_path / "sshd", SAID="two words") as server:
        ended = run(server.client, "board", 'echo "$SAID"; cat')
        assert (ended.returncode, ended.stdout) == (0, "two words\n"), server.log()


WRONG = {
    "stranger": "Permission denied (publickey)",
    "unknown": "Host key verification failed",
    "changed": "REMOTE HOST IDENTIFICATION HAS CHANGED",
    "closed": "Connection refused",
}


def test_under_other_names_something_is_wrong(tmp_path):
    with loopback(tmp_path / "sshd") as server:
        for name, said in WRONG.items():
            ended = run(server.client, name, "true")
            assert ended.returncode == 255
            assert said in ended.stderr


def test_its_connections_can_be_cut(tmp_path):
    with loopback(tmp_path / "sshd") as server:
        words = [*server.client.split(), "-o", "BatchMode=yes", "board", "echo in; sleep 600"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
            assert client.stdout.readline() == b"in\n"
            assert len(server.sessions()) == 1
            server.drop()
            assert client.wait(20) == 255


def test_where_there_is_none_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(loopback_sshd, "find", lambda: None)
    with pytest.raises(NoServerError, match="sudo apt install openssh-server"):
        loopback_sshd.Loopback(tmp_path).start()

"""One connection to a board: what it carries, how it ends, and what is left then: nothing."""

import inspect
import os
import signal
import subprocess
import sys
import time

import pytest

from mnist_edge import interpreter
from mnist_edge.bench.remote import agent, connection
from mnist_edge.bench.remote.connection import Connection, StoppedError
from mnist_edge.errors import HostError, SettingError

pytestmark = pytest.mark.usefixtures("ssh")

SLEEPER = "echo started; sleep 600 & setsid sleep 601 & wait"


def settled(check):
    """Wait until something holds that another process does in its own time."""
    until = time.monotonic() + 20
    while not check() and time.monotonic() < until:
        time.sleep(0.05)
    return check()


def test_files_programs_and_words_come_through(board, tmp_path):
    (tmp_path / "large").write_bytes(os.urandom(3_000_000))
    with Connection("board") as there:
        assert there.about["python"].startswith(f"3.{sys.version_info.minor}.")
        folder = board.home / there.folder.rpartition("/")[2]
        assert folder.parent == board.home
        assert folder.stat().st_mode & 0o777 == 0o700
        there.put("a/b/large", tmp_path / "large")
        there.put("a/other", b"longer")
        there.put("a/other", b"")
        assert there.get("a/b/large") == (tmp_path / "large").read_bytes()
        assert there.get("a/other") == b""
        heard = []
        words = ["sh", "-c", 'echo one; echo "$1 $SAID" >&2; pwd; printf end; exit 7', "-"]
        code, last = there.run([*words, "{folder}"], 20, heard.append, {"SAID": "in {folder}/x"})
        assert code == 7
        assert last == heard == ["one", f"{folder} in {folder}/x", str(folder), "end"]
        with pytest.raises(HostError, match=r"^board: No such file or directory$"):
            there.get("nothing")
        with pytest.raises(HostError, match=r"^board: No such file or directory$"):
            there.run(["no-such-program"], 20)
        assert there.run(["true"], 20) == (0, [])
        _code, given = there.run(["env"], 20)
        assert {"PIP_NO_CACHE_DIR=1", f"TMPDIR={folder}/tmp"} <= set(given)
    assert there.left is None
    assert board.left() == []


def test_a_program_that_says_nothing_is_ended(board):
    with Connection("board") as there:
        with pytest.raises(HostError, match=r"said nothing for 0\.5 s and was ended"):
            there.run(["sh", "-c", SLEEPER], 0.5)
        assert there.run(["echo", "on"], 20) == (0, ["on"])
    assert there.left is None
    assert board.left() == []


def test_a_full_disk_is_named_and_the_connection_stands(board):
    with Connection("board") as there:
        there.run(["ln", "-s", "/dev/full", "full"], 20)
        with pytest.raises(HostError, match=r"^board: the disk is full there") as caught:
            there.put("full", bytes(200_000))
        assert f"({board.home}): make room, or set TMPDIR" in str(caught.value)
        there.put("other", b"x")
    assert board.left() == []


@pytest.mark.parametrize(
    ("host", "line"),
    [
        ("closed", "closed: nothing listens for SSH there: start it on the board (sudo systemctl "
         "enable --now ssh), or name its port in ~/.ssh/config"),
        ("stranger", "stranger: no key of yours is accepted there: ssh-copy-id stranger, or add "
         "the key to the agent: ssh-add"),
        ("unknown", "unknown: its host key is not known here: connect once by hand and compare "
         "the fingerprint: ssh unknown"),
        ("changed", "changed: its host key is another than the one known here: if the board was "
         "set up anew, remove the old one with ssh-keygen -R and connect once by hand: ssh "
         "changed"),
    ],
)  # fmt: skip
def test_what_keeps_one_out_is_one_line(host, line):
    with pytest.raises(HostError) as caught, Connection(host):
        pass
    assert str(caught.value) == line


def test_a_name_that_nobody_knows(monkeypatch):
    monkeypatch.delenv("MNIST_EDGE_SSH")
    with pytest.raises(HostError, match=r"^pi@no\.invalid: its name is not known here"):
        Connection("pi@no.invalid").__enter__()


def test_a_board_that_never_answers_is_given_up(board, monkeypatch):
    monkeypatch.setattr(connection, "HELLO_S", 0.5)
    monkeypatch.setattr(connection, "ENDED_S", 0.2)
    monkeypatch.setenv("MNIST_EDGE_SSH", f"{board.server.client} -o 'ProxyCommand sleep 3'")
    began = time.monotonic()
    with pytest.raises(HostError, match=r"^board: no answer in 0\.5 s"):
        Connection("board").__enter__()
    assert time.monotonic() - began < 25


def test_without_ssh_here_it_says_what_to_install(monkeypatch):
    monkeypatch.setenv("MNIST_EDGE_SSH", "/no/ssh")
    with pytest.raises(HostError, match="install OpenSSH's client"):
        Connection("board").__enter__()


@pytest.mark.parametrize(
    "host",
    ["-oProxyCommand=x", "pi@-oProxyCommand=x", "a b", "", "pi@", "a;b", "$(a)", "a\nb", "`a`",
     "ssh://-x", "ssh://pi@-x"],
)  # fmt: skip
def test_what_is_no_host_is_refused_before_ssh_sees_it(host):
    with pytest.raises(SettingError, match="wanted user@board, or a name"):
        Connection(host)


@pytest.mark.parametrize(
    "host", ["board", "pi@board.local", "ssh://pi@10.0.0.7:2222", "pi@[fe80::1%eth0]", "a-b_c+d@x"]
)
def test_what_ssh_takes_for_a_host_is_one(host):
    assert Connection(host).host == host


def test_a_connection_that_is_cut_is_told_and_nothing_is_left(board):
    there = Connection("board")
    with pytest.raises(HostError, match=r"^board: the connection was lost"), there:
        there.run(["sh", "-c", SLEEPER], 60, lambda _line: board.server.drop())
    assert there.left is None  # it connected anew to see
    assert settled(lambda: board.left() == [])


def test_where_it_cannot_be_reached_again_the_board_cleans_up_by_itself(
    boards, tmp_path, monkeypatch
):
    with boards(tmp_path) as alone:
        monkeypatch.setenv("MNIST_EDGE_SSH", alone.server.client)
        there = Connection("board")
        with pytest.raises(HostError), there:
            there.run(["sh", "-c", SLEEPER], 60, lambda _line: alone.server.stop())
        assert "cannot be reached: it removes" in there.left
        assert f"ssh board rm -r {there.folder}" in there.left
        assert settled(lambda: alone.left() == [])


def test_after_an_agent_that_was_killed_it_is_swept(board):
    there = Connection("board")
    with pytest.raises(HostError), there:
        there.run(["sh", "-c", f"kill -9 $PPID; {SLEEPER}"], 60)
    assert there.left is None
    assert board.left() == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_desk_that_vanishes_leaves_nothing(board, desk, number):
    there = desk(
        "from mnist_edge.bench.remote.connection import Connection\n"
        "with Connection('board') as there:\n"
        f"    there.run(['sh', '-c', {SLEEPER!r}], 600, lambda line: print(line, flush=True))\n"
    )
    assert there.stdout.readline() == "started\n"
    assert settled(lambda: len(board.left()) == 4)  # a folder, a shell and two that sleep
    there.send_signal(number)
    assert settled(lambda: board.left() == [])


def test_a_desk_that_falls_silent_is_not_waited_for(board, monkeypatch):
    source = inspect.getsource(agent)
    short = source.replace("SILENCE_S = 120", "SILENCE_S = 1")
    assert short != source
    texts = {agent: short, interpreter: inspect.getsource(interpreter)}
    monkeypatch.setattr("inspect.getsource", texts.get)
    monkeypatch.setattr(connection, "BEAT_S", 600)
    with Connection("board") as there:
        assert settled(lambda: board.left() == [])
    assert there.left is None


def test_one_that_is_stopped_ends_in_order(board):
    there = Connection("board")
    with pytest.raises(StoppedError), there:
        there.run(["sh", "-c", SLEEPER], 60, lambda _line: there.stop())
    assert there.left is None
    assert board.left() == []


def test_what_is_to_be_kept_is_kept_and_named(board):
    with Connection("board", keep=True) as there:
        there.put("a", b"x")
    assert there.left == f"board:{there.folder} was kept as asked: remove it when done with it"
    assert [path.name for path in board.home.glob(f"{agent.PREFIX}*/a")] == ["a"]
    subprocess.run(["rm", "-r", there.folder], check=True)


def test_a_board_with_an_old_python_or_none_is_told_so(boards, tmp_path, monkeypatch):
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "sh").symlink_to("/bin/sh")
    with boards(tmp_path / "board", path=str(programs)) as old:
        monkeypatch.setenv("MNIST_EDGE_SSH", old.server.client)
        for said in ("none", "Python 3.9.2"):
            with pytest.raises(HostError) as caught, Connection("board"):
                pass
            assert str(caught.value) == (
                f"board: Python 3.10 or later is needed there, found {said}: upgrade the system "
                "(Raspberry Pi OS Bookworm has Python 3.11)"
            )
            python = programs / "python3"
            python.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.9.2\nexit 1\n')
            python.chmod(0o755)


def test_another_python_is_found_where_python3_is_old(boards, tmp_path, monkeypatch):
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python3").symlink_to("/bin/false")
    (programs / f"python3.{sys.version_info.minor}").symlink_to(sys._base_executable)
    with boards(tmp_path / "board", path=f"{programs}:/bin") as odd:
        monkeypatch.setenv("MNIST_EDGE_SSH", odd.server.client)
        with Connection("board") as there:
            assert there.about["python"].startswith(f"3.{sys.version_info.minor}.")

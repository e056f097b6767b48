"""What a person sees: on terminals of several widths, in pipes, in the log of a CI."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

EDGE = Path(__file__).parents[2] / "artifacts" / "edge"
RECORD = "edge/bench.json"
PROGRAM = ("-m", "mnist_edge")
CHEAP = {
    "help": [],
    "help of bench": ["bench", "--help"],
    "recipes": ["recipes"],
    "runtimes": ["runtimes"],
    "doctor": ["doctor", "edge"],
    "verify": ["verify", "edge", "--runtime", "litert"],
    "compare": ["bench", "--compare", RECORD, RECORD],
}
EXAMPLE = "    mnist-edge "  # in help; whole, so that it can be copied
SHORTENED = re.compile(r"…|(?<![\],N])\.\.\.(?!\])")  # not the dots of a usage, as in [MODEL]...


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A folder with a bundle under a short name, which fits any line."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "edge").symlink_to(EDGE)


def plain(written):
    """The lines that were written, without colour."""
    return re.sub(r"\x1b\[[\d;]*m", "", written.decode()).replace("\r\n", "\n").splitlines()


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("command", CHEAP)
def test_nothing_is_broken_by_the_edge_of_a_terminal(command, width, on_terminal):
    shown = on_terminal(width, *PROGRAM, *CHEAP[command])
    assert shown.code == 0, shown.rows
    lines = plain(shown.written)
    long = [line for line in lines if cell_len(line) > width]
    assert all(line.startswith(EXAMPLE) for line in long)
    if width >= 80:
        assert not long
    if not long:
        assert [line.rstrip() for line in lines] == shown.rows
    if width >= 80:
        assert not [line for line in lines if SHORTENED.search(line)]


@pytest.mark.parametrize("command", CHEAP)
def test_a_pipe_gets_80_columns_and_no_codes(command, piped):
    ended = piped(*PROGRAM, *CHEAP[command])
    assert ended.returncode == 0
    assert b"\x1b" not in ended.stdout + ended.stderr
    lines = ended.stdout.decode().splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert not [line for line in lines if line != line.rstrip()]


def test_results_in_a_file_have_no_codes_while_a_terminal_shows_the_rest(tmp_path, on_terminal):
    with (tmp_path / "out").open("wb") as out:
        code = (
            "from mnist_edge.cli import console as c; c.say('slow'); c.out.print('x', style='red')"
        )
        shown = on_terminal(80, "-c", code, stdout=out)
    assert shown.rows == ["slow"]
    assert b"\x1b[2m" in shown.written
    assert (tmp_path / "out").read_bytes() == b"x\n"


def test_colour_is_left_out_where_it_is_not_wanted(on_terminal):
    code = "from mnist_edge.cli.console import out; out.print('slow', style='red')"
    assert b"\x1b[31m" in on_terminal(80, "-c", code).written
    assert b"\x1b[31m" not in on_terminal(80, "-c", code, NO_COLOR="1").written
    assert on_terminal(80, "-c", code, TERM="dumb").written == b"slow\r\n"


WORK = """
import time
from mnist_edge.cli import progress
from mnist_edge.training.recipes import find
progress.PAUSE_S = 0.2
with progress.working("looking") as tell:
    for place in range(40):
        tell(f"part {place}")
        time.sleep(0.02)
with progress.TrainingProgress() as bar:
    bar.start(find("edge"), 10, 0, 30)
    for epoch in (1, 2):
        for step in range(10):
            bar.step(epoch, step + 1, 0.1234, 0.9876)
        bar.epoch({"epoch": epoch, "loss": 0.1234, "accuracy": 0.9876, "val_accuracy": 0.987})
    bar.step(3, 1, 0.1234, 1.0)
    time.sleep(0.3)
    before = progress.err.is_terminal
print("done")
"""
EPOCHS = [
    f"epoch {epoch}/30  loss 0.1234  accuracy 98.76 %  validation 98.70 %" for epoch in (1, 2)
]


@pytest.mark.parametrize("width", [70, 80, 120])
def test_progress_moves_on_a_terminal_and_leaves_only_what_is_done(width, on_terminal):
    shown = on_terminal(width, "-c", WORK)
    assert shown.rows == [*EPOCHS, "done"]
    frames = plain(shown.written.replace(b"\r\x1b[2K", b"\n").replace(b"\r\n", b"\n"))
    assert any("part " in frame for frame in frames)
    (last,) = {frame.rstrip() for frame in frames if "epoch 3/30" in frame and "accuracy" in frame}
    assert "accuracy 100.00 %" in last
    assert "…" not in last
    assert cell_len(last) <= width


NO_TERMINAL = {
    "a pipe": {},
    "a CI": {"CI": "true", "GITHUB_ACTIONS": "true"},
    "a CI that likes colour": {"CI": "true", "FORCE_COLOR": "1"},
}


@pytest.mark.parametrize("place", NO_TERMINAL)
def test_progress_in_a_log_is_a_few_lines(place, piped):
    ended = piped("-c", WORK, **NO_TERMINAL[place])
    said = ended.stderr.decode()
    assert "\r" not in said
    assert set(re.findall(r"\x1b\[[^m]*[A-Za-z]", said)) <= {"\x1b[2m", "\x1b[0m", "\x1b[1;31m"}
    lines = plain(ended.stderr)
    assert lines[0] == "looking"
    assert lines[-2:] == EPOCHS
    assert 3 <= len(lines) <= 12  # of 41 parts and 21 steps
    assert ended.stdout == b"done\n"


def test_a_terminal_that_cannot_move_its_cursor_is_a_log(on_terminal):
    shown = on_terminal(80, "-c", WORK, TERM="dumb")
    assert b"\x1b" not in shown.written
    assert shown.rows[0] == "looking"
    assert shown.rows[-3:] == [*EPOCHS, "done"]


ONLY_ASCII = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "LANG=C without UTF-8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.mark.parametrize("place", ONLY_ASCII)
def test_what_cannot_be_written_is_written_as_what_it_looks_like(place, piped):
    command = (*PROGRAM, *CHEAP["compare"])
    usual, ended = piped(*command), piped(*command, **ONLY_ASCII[place])
    assert (ended.returncode, ended.stderr) == (0, b"")
    wanted = usual.stdout.decode().replace("─", "-").replace("µ", "u")
    assert ended.stdout.decode("ascii") == wanted


def test_json_is_the_same_in_every_encoding(piped):
    command = ("-c", "from mnist_edge.cli.console import print_json; print_json({'a': 'µ±é'})")
    ended = piped(*command, PYTHONIOENCODING="ascii")
    assert json.loads(ended.stdout.decode("ascii")) == {"a": "µ±é"}
    assert "µ±é" in piped(*command).stdout.decode()


@pytest.mark.parametrize(
    "words", [["recipes"], ["recipes", "--json"], ["runtimes", "--json"], ["--help"]]
)
def test_a_reader_that_leaves_is_no_fault(words, untold):
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(
        [sys.executable, *PROGRAM, *words], stdout=writer, stderr=subprocess.PIPE, env=untold
    ) as child:
        os.close(writer)
        said = child.stderr.read()
        assert (child.wait(), said) == (141, b"")


@pytest.mark.parametrize("words", [["recipes"], ["runtimes", "--json"]])
def test_a_full_disk_is_one_line(words, untold):
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, *PROGRAM, *words],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            env=untold,
        )
    assert ended.returncode == 2
    assert ended.stderr.count(b"\n") == 1
    assert b"No space left on device" in ended.stderr


REPORT = [*PROGRAM, "report", str(EDGE.with_name("nano")), "--markdown", "--out", "-"]
LONG = "from mnist_edge.cli import console as c; from mnist_edge.errors import OutputError\n"
LONG += "try: c.{}(['x' * 99] * 999)\nexcept OutputError as error: c.fail(str(error), 2)"


@pytest.mark.parametrize(
    "command", [REPORT, ["-c", LONG.format("print_json")], ["-c", LONG.format("out.print")]]
)
def test_a_full_disk_is_one_line_of_what_is_longer_than_a_buffer_too(command, untold):
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, *command], stdout=full, stderr=subprocess.PIPE, check=False, env=untold
        )
    assert ended.returncode == (2 if command is REPORT else 0)
    faults = [line for line in plain(ended.stderr) if line != "reading the records"]
    assert faults == ["error: cannot write to stdout: No space left on device"]


def test_columns_stay_below_each_other_in_ascii():
    from mnist_edge.cli import streams

    def written(text):
        return text.encode("ascii", errors=streams.PLAIN).decode()

    assert written("99.45 ±0.15 µs × 2 – …") == "99.45 ~0.15 us x 2 - *"
    assert written("rotation 10°    98.52\nsmaller 85 %    98.73") == (
        "rotation 10deg  98.52\nsmaller 85 %    98.73"
    )
    assert written("10° 20") == "10deg 20"
    assert written("naïve 七 ⠋") == "naive ? *"


TAUGHT = """
from mnist_edge.cli import progress
from mnist_edge.training.recipes import find
with progress.TrainingProgress() as bar:
    bar.start(find("edge"), 10, 0, 30)
    for epoch in (1, 2):
        for done in (500, 1000, 1200):
            bar.asked(done, 1200)
        bar.step(epoch, 10, 0.1, 0.9)
"""


def test_a_log_says_once_an_epoch_that_the_teachers_are_asked(piped):
    said = plain(piped("-c", TAUGHT).stderr)
    assert said == ["asking the teachers about 1,200 images"] * 2

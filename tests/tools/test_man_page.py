"""The manual page: all that the commands take, and as current as they are."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import typer

from mnist_edge.cli import app
from mnist_edge.cli.help import examples
from tools import man_page

ROOT = Path(__file__).parents[2]
GROUP = typer.main.get_command(app)
CONTEXT = GROUP.make_context("mnist-edge", [], resilient_parsing=True)
COMMANDS = [GROUP.get_command(CONTEXT, name) for name in GROUP.list_commands(CONTEXT)]
PAGE = man_page.PAGE.read_text(encoding="utf-8")
READ = PAGE.replace(r"\-", "-").replace(r"\fB", "").replace(r"\fI", "").replace(r"\fR", "")


def test_it_is_what_the_tool_writes_now():
    assert man_page.page() == PAGE, "python tools/man_page.py"


def test_every_command_option_and_example_is_in_it():
    for command in COMMANDS:
        section = READ.partition(f'.SS "mnist-edge {command.name} ')[2].partition("\n.S")[0]
        for param in command.params:
            for name in (*param.opts, *param.secondary_opts):
                if name.startswith("--") and name != "--help":
                    assert re.search(rf"^(.*[ /])?{name}\b", section, re.MULTILINE), name
        for example in examples(command.callback):
            assert f"\n{example}\n" in READ


def test_it_has_the_sections_that_a_page_has():
    assert re.findall(r"^\.SH (.*)$", PAGE, re.MULTILINE) == [
        "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "EXIT STATUS", "FILES",
        "ENVIRONMENT", "EXAMPLES", "SEE ALSO",
    ]  # fmt: skip


def test_it_names_every_variable_that_the_package_reads():
    source = "".join(path.read_text() for path in (ROOT / "mnist_edge").rglob("*.py"))
    read = set(re.findall(r'"(MNIST_EDGE_(?!FOLDER)[A-Z]+)"', source))  # FOLDER is told to a board
    assert read == {name for name in man_page.ENVIRONMENT if name.startswith("MNIST_EDGE_")}


def test_no_line_is_taken_for_an_instruction():
    known = {"TH", "ad", "nh", "SH", "SS", "PP", "TP", "B", "RS", "RE", "EX", "EE"}
    for line in PAGE.splitlines()[1:]:
        assert not line.startswith("'")
        if line.startswith("."):
            assert line[1:].partition(" ")[0] in known, line
    assert man_page._text(".keras") == r"\&.keras"


@pytest.mark.parametrize("program", [each for each in ("mandoc", "groff") if shutil.which(each)])
def test_a_formatter_takes_it_without_a_word(program):
    words = {"mandoc": ["-Tlint", "-Wwarning"], "groff": ["-man", "-ww", "-z"]}[program]
    ended = subprocess.run(
        [program, *words, str(man_page.PAGE)], capture_output=True, text=True, check=False
    )
    said = [
        line for line in (ended.stdout + ended.stderr).splitlines() if "missing date" not in line
    ]
    assert said == []

"""Help: every command has examples that can be typed, and nothing in it is cut off."""

import re
import shlex

import pytest
import typer

from mnist_edge.cli import app, run
from mnist_edge.cli.help import description, entries, examples

GROUP = typer.main.get_command(app)
CONTEXT = GROUP.make_context("mnist-edge", [], resilient_parsing=True)
COMMANDS = {name: GROUP.get_command(CONTEXT, name) for name in GROUP.list_commands(CONTEXT)}


def helped(*words, capsys):
    assert run([*words, "--help"]) == 0
    return capsys.readouterr().out


def test_commands_are_in_the_order_in_which_one_needs_them(capsys):
    place = list(COMMANDS).index
    path = ("train", "finetune", "export", "audit", "verify", "bench", "predict")
    assert sorted(path, key=place) == list(path)
    assert helped(capsys=capsys).count("\n  ") > len(COMMANDS)


def test_each_command_has_a_whole_line_in_the_list(capsys):
    section = helped(capsys=capsys).partition("Commands:\n")[2].partition("\n\n")[0]
    lines = section.splitlines()
    assert [line.split()[0] for line in lines] == list(COMMANDS)
    for line, command in zip(lines, COMMANDS.values(), strict=True):
        assert len(line) <= 80
        summary = description(command.callback).partition("\n")[0]
        assert line.split(maxsplit=1)[1] == summary
        assert summary.endswith(".")


@pytest.mark.parametrize("name", COMMANDS)
def test_its_examples_can_be_typed(name, capsys):
    command = COMMANDS[name]
    found = examples(command.callback)
    assert found
    said = helped(name, capsys=capsys).splitlines()
    for line in found:
        assert f"    {line}" in said
        assert len(line) <= 72  # whole in a terminal, below a heading of the manual page
        program, what, *words = shlex.split(line)
        assert (program, what) == ("mnist-edge", name)
        command.make_context(name, words)  # raises where an option does not exist or lacks a value


def test_an_example_with_an_option_that_is_not_there_is_found_out():
    with pytest.raises(typer.BadParameter.__mro__[2]):
        COMMANDS["train"].make_context("train", ["--epoch", "5"])


@pytest.mark.parametrize("name", COMMANDS)
def test_what_an_option_takes_is_called_by_a_name(name, capsys):
    said = helped(name, capsys=capsys)
    assert "<" not in said.replace("<recipe>", "")
    assert "list[" not in said
    assert "{" not in said
    with COMMANDS[name].make_context(name, [], resilient_parsing=True) as context:
        arguments, options = entries(COMMANDS[name], context)
    for each in (*arguments, *options):
        assert each.words
        assert each.words.rstrip("]").endswith(".") or "default:" in each.words or "[" in each.words
    for each in arguments:
        assert re.fullmatch(r"[A-Z]+", each.names)

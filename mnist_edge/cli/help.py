"""What `--help` says of a command: its docstring, with examples that can be copied."""

from __future__ import annotations

from inspect import cleandoc
from typing import TYPE_CHECKING, Any, NamedTuple

from typer.core import TyperCommand

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLE = "Example: "
AS_IT_IS = "\b"  # click leaves the lines of such a paragraph alone


class Entry(NamedTuple):
    """An argument or an option, as help has it.

    Attributes:
        names: how it is written, with what it takes.
        words: what it is for.
    """

    names: str
    words: str


class Command(TyperCommand):
    """A command whose help calls what is given by its name, without the type in Python."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then the options."""
        for title, found in zip(("Arguments", "Options"), entries(self, ctx), strict=True):
            if found:
                with formatter.section(title):
                    formatter.write_dl(found)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what the line of usage has after the command's name."""
        return [
            each.replace("{", "").replace("}", "") for each in super().collect_usage_pieces(ctx)
        ]


def entries(command: Any, context: Any) -> tuple[list[Entry], list[Entry]]:
    """Return the arguments of a command, and its options."""
    arguments, options = [], []
    for each in command.get_params(context):
        record = each.get_help_record(context)
        if record is None:
            continue
        names, words = record
        words = words.replace("\\[", "[")  # some versions of typer write for rich's markup
        if each.param_type_name == "argument":
            arguments.append(Entry(names.partition(" <")[0], words))
        else:
            options.append(Entry(names, words))
    return arguments, options


def help_of(function: Callable[..., object]) -> str:
    """Return the help of a command, from its docstring.

    Its lines that begin with "Example: " come last, one below the other, and are not folded: a
    command that is broken in two cannot be copied.
    """
    words, commands = description(function), examples(function)
    return "\n".join([words, "", AS_IT_IS, "Examples:", *(f"  {each}" for each in commands)])


def description(function: Callable[..., object]) -> str:
    """Return what a command does, without its examples; paragraphs are apart by an empty line."""
    lines = cleandoc(function.__doc__ or "").splitlines()
    return "\n".join(line for line in lines if not line.startswith(EXAMPLE)).strip()


def examples(function: Callable[..., object]) -> list[str]:
    """Return the command lines that a command's docstring has as examples."""
    lines = cleandoc(function.__doc__ or "").splitlines()
    return [line.removeprefix(EXAMPLE) for line in lines if line.startswith(EXAMPLE)]

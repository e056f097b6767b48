"""The command line: parse, one library call, print, exit code; a module a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mnist_edge.cli import (
    audit,
    bench,
    doctor,
    export,
    finetune,
    listings,
    predict,
    report,
    train,
    verify,
)
from mnist_edge.cli.console import Interrupted, fail
from mnist_edge.cli.help import Command, help_of
from mnist_edge.cli.streams import closed
from mnist_edge.errors import MnistEdgeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

UsageError = typer.BadParameter.__mro__[1]  # typer brings click under one name or another
ClickException = typer.BadParameter.__mro__[2]

# In the order in which one comes to need them; each is called as its function is.
COMMANDS: tuple[Callable[..., None], ...] = (
    listings.recipes,
    train.train,
    finetune.finetune,
    export.export,
    audit.audit,
    verify.verify,
    bench.bench,
    report.report,
    predict.predict,
    doctor.doctor,
    listings.runtimes,
)

app = typer.Typer(
    name="mnist-edge",
    help="From a Keras model to a Raspberry Pi: train, export quantized, verify, bench, embed.",
    epilog="Exit codes: 0 done, 1 a check did not hold, 2 bad usage or bad input.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    app.command(command.__name__, cls=Command, help=help_of(command))(command)


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks (also after a command).")
    ] = False,
) -> None:
    if version:
        from mnist_edge import __version__

        typer.echo(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run(arguments: Sequence[str]) -> int:
    """Run the command line on `arguments` (without the program's name); return the exit code.

    0 done, 1 a check did not hold, 2 bad usage or bad input, 130 interrupted, 141 nobody reads
    what is printed.
    """
    debug = "--debug" in arguments
    left = [argument for argument in arguments if argument != "--debug"]
    command = typer.main.get_command(app)
    try:
        code = command.main(left, prog_name="mnist-edge", standalone_mode=False)
    except MnistEdgeError as error:
        if debug:
            raise
        return fail(str(error), getattr(error, "exit_code", 2))
    except KeyboardInterrupt:
        code = Interrupted.exit_code
    except typer.Exit as error:
        return error.exit_code
    except (BrokenPipeError, SystemExit) as error:
        if not _is_broken_pipe(error):
            raise
        return closed()
    except Exception as error:
        if debug:
            raise
        return fail(_said(error), 2)
    if code == Interrupted.exit_code:  # typer's, where the command itself did not say more
        return fail("interrupted", code)
    return code if isinstance(code, int) else 0


def _is_broken_pipe(error: BaseException) -> bool:
    """Tell a broken pipe, which typer makes a SystemExit of, from the end of a completion."""
    return isinstance(error, BrokenPipeError) or isinstance(error.__context__, BrokenPipeError)


def _said(error: Exception) -> str:
    if not isinstance(error, ClickException):
        return f"{type(error).__name__}: {error}; --debug shows where"
    context = getattr(error, "ctx", None)
    where = getattr(context, "command_path", "mnist-edge")
    text = " ".join(error.format_message().split())  # type: ignore[attr-defined]
    return f"{text.rstrip('.')}: see {where} --help"

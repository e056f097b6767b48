"""The command line: parse, one library call, print, exit code; a module a command."""

from __future__ import annotations

import sys
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
from mnist_edge.errors import MnistEdgeError

if TYPE_CHECKING:
    from collections.abc import Sequence

UsageError = typer.BadParameter.__mro__[1]  # typer brings click under one name or another
ClickException = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="mnist-edge",
    help="From a Keras model to a Raspberry Pi: train, export quantized, verify, bench, embed.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("train")(train.train)
app.command("finetune")(finetune.finetune)
app.command("export")(export.export)
app.command("audit")(audit.audit)
app.command("bench")(bench.bench)
app.command("report")(report.report)
app.command("predict")(predict.predict)
app.command("verify")(verify.verify)
app.command("doctor")(doctor.doctor)
app.command("recipes")(listings.recipes)
app.command("runtimes")(listings.runtimes)


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

    0 done, 1 a check did not hold, 2 bad usage or bad input, 130 interrupted.
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
        return fail("interrupted", Interrupted.exit_code)
    except typer.Exit as error:
        return error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:
        if debug:
            raise
        if isinstance(error, ClickException):
            return fail(_usage(error), 2)
        return fail(f"{type(error).__name__}: {error}; --debug shows where", 2)
    return code if isinstance(code, int) else 0


def _usage(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    where = getattr(context, "command_path", "mnist-edge")
    text = " ".join(error.format_message().split())  # type: ignore[attr-defined]
    return f"{text.rstrip('.')}: see {where} --help"

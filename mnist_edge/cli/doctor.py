"""`mnist-edge doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mnist_edge.bundle import read_bundle
from mnist_edge.classifier import SHIPPED
from mnist_edge.cli import completion, console
from mnist_edge.doctor import diagnose
from mnist_edge.errors import CheckFailed


def doctor(
    bundle: Annotated[
        Path | None,
        typer.Argument(
            metavar="BUNDLE",
            help="Bundle folder [default: the shipped one].",
            autocompletion=completion.bundle,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say whether a bundle runs here, and what to do if not.

    Looks at the machine, its runtimes and the bundle. Exit code 1 where it does not run.

    Example: mnist-edge doctor artifacts/edge
    """
    found = diagnose(read_bundle(bundle or SHIPPED))
    if json:
        console.print_json(found.as_dict())
    else:
        console.out.print(found.as_text(console.out.width), soft_wrap=True)
    if not found:
        raise CheckFailed("; ".join(f"{each.name}: {each.value}" for each in found.bad))

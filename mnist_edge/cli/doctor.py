"""`mnist-edge doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mnist_edge.bundle import read_bundle
from mnist_edge.classifier import SHIPPED
from mnist_edge.cli import console
from mnist_edge.doctor import diagnose
from mnist_edge.errors import CheckFailed


def doctor(
    bundle: Annotated[
        Path | None, typer.Argument(help="Bundle folder [default: the shipped one].")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look at this machine, its runtimes and a bundle: does it run here, and what is to be done?

    Exit code 1 where it does not. Example: mnist-edge doctor artifacts/edge
    """
    found = diagnose(read_bundle(bundle or SHIPPED))
    if json:
        console.print_json(found.as_dict())
    else:
        console.out.print(found.as_text(console.out.width), soft_wrap=True)
    if not found:
        raise CheckFailed("; ".join(f"{each.name}: {each.value}" for each in found.bad))

"""`mnist-edge verify`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mnist_edge.backends import installed_runtime
from mnist_edge.bundle import read_bundle
from mnist_edge.classifier import SHIPPED
from mnist_edge.cli import completion, console
from mnist_edge.errors import CheckFailed
from mnist_edge.verify import verify as run_verify


def verify(
    bundle: Annotated[
        Path | None,
        typer.Argument(
            metavar="BUNDLE",
            help="Bundle folder [default: the shipped one].",
            autocompletion=completion.bundle,
        ),
    ] = None,
    runtime: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only this one.", autocompletion=completion.runtime),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a bundle's hashes and answers on this machine.

    Every file is held against its hash, and every model that a runtime here opens against the
    golden samples. Exit code 1 where something does not hold.

    Example: mnist-edge verify artifacts/edge
    """
    if runtime is not None:
        installed_runtime(runtime)
    findings = run_verify(read_bundle(bundle or SHIPPED), runtime)
    if json:
        console.print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            said = f"{finding.file} on {finding.runtime or '-'}: {finding.detail}"
            console.tell(f"{'ok ' if finding else 'BAD'}  {said}", "     ")
    bad = [finding for finding in findings if not finding]
    if bad:
        raise CheckFailed(
            "; ".join(f"{each.file} on {each.runtime or 'disk'}: {each.detail}" for each in bad)
        )
    if not any(finding.runtime for finding in findings):
        raise CheckFailed(
            "hashes were checked, but no model was run: see mnist-edge runtimes for what to install"
        )

"""Which options of `mnist-edge bench` go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_edge.bundle import MANIFEST
from mnist_edge.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    import typer

COMPARING = ("--max-regression", "--any-machine")
PRINTING = ("--json", "--markdown", "--wide")
SUFFIXES = (".tflite", ".onnx", ".keras", ".npz")
ON_BOARDS = ("--keep", "--no-desk")
ONE_RECORD = ("--csv", "--pictures", "--markdown", "--wide", "--compare")


def given_options(context: typer.Context) -> list[str]:
    """Return what was given on the command line, as it is written there, in order of the help."""
    found = []
    for each in context.command.params:
        source = context.get_parameter_source(each.name or "")
        if source is not None and source.name == "COMMANDLINE":
            off = each.secondary_opts and context.params[each.name or ""] is False
            found.append(each.secondary_opts[0] if off else each.opts[0])
    return found


def check_together(given: Collection[str]) -> None:
    """Make sure that options go together: none is passed over in silence.

    Args:
        given: as `given_options` has them; arguments by their name.

    Raises:
        SettingError: they do not.
    """

    def refuse(options: Sequence[str], why: str) -> None:
        for each in given:
            if each in options:
                what = each if each.startswith("-") else f"naming {each}"
                raise SettingError(f"{what} {why}")

    if "--compare" in given:
        fitting = ("--compare", *COMPARING, *PRINTING)
        others = [each for each in given if each not in fitting]
        refuse(others, "does not go with --compare, which reads two records and measures nothing")
    else:
        refuse(COMPARING, "is for --compare OLD NEW: name two records")
    if "--host" in given:
        refuse(ONE_RECORD, "is for one machine's record: leave it or --host out")
        refuse(("--stress",), "is measured on this machine alone: leave it or --host out")
    else:
        refuse(ON_BOARDS, "says how to bench on a --host: name one")


def check_no_model(models: Sequence[Path], files: Sequence[Path | None]) -> None:
    """Make sure that what is written is none of the models, and that no two files are one.

    Raises:
        SettingError: it is.
    """
    places = [path.resolve() for path in files if path is not None]
    if len(set(places)) < len(places):
        raise SettingError(f"{places[0]} is to be two files: name another for one of them")
    inside = [folder for folder in models if folder.is_dir()]
    taken = {path.resolve() for folder in inside for path in folder.glob("*")}
    taken = {path for path in taken if path.suffix in SUFFIXES or path.name == MANIFEST}
    for path in places:
        if path in taken or path in {model.resolve() for model in models}:
            raise SettingError(f"{path} is a part of what is to be benched: name another file")

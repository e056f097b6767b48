r"""Write docs/mnist-edge.1, the manual page, from what `--help` says.

    python tools/man_page.py

The wheel puts it where `man mnist-edge` finds it. Commands, options and examples are those of
mnist_edge/cli; what no command can tell stands here. The language is that of man(7).
"""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import typer

from mnist_edge import __version__
from mnist_edge.atomic import write_file
from mnist_edge.cli import app
from mnist_edge.cli.help import description, entries, examples

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parent.parent / "docs" / "mnist-edge.1"
DESCRIPTION = """
Takes an image classifier, handwritten digits first of all, from training to a small computer, and
shows at every step that nothing was lost. A run is a folder with a Keras model and how it came to
be. Export makes a bundle of it: models for TensorFlow Lite and ONNX, a manifest with their hashes,
and golden samples. A bundle is what a device needs; there it takes numpy and one runtime.

Results go to standard output, progress and errors to standard error. With --json a command
prints one JSON document. Where standard error is no terminal, progress is a line now and then.
"""
EXIT_STATUS = {
    "0": "Done.",
    "1": "A check did not hold: verify, a gate of bench, an export that is not the Keras model, a "
    "bundle that does not run here.",
    "2": "Bad usage or bad input; one line says what came, what was wanted and what to do.",
    "130": "Interrupted.",
    "141": "Nobody reads the output any more.",
}
FILES = {
    "artifacts/runs/": "Where train and export write, unless told otherwise. The newest run there "
    "is what export, audit and bench take by themselves.",
    "manifest.json": "In each run and bundle: files with their hashes, what was trained and how, "
    "what was measured.",
    "~/.cache/mnist_edge/": "Datasets that were downloaded and verified.",
}
ENVIRONMENT = {
    "MNIST_EDGE_DATA": "A folder or .npz with the datasets, which is asked before any mirror.",
    "MNIST_EDGE_CACHE": "Where downloaded datasets are kept.",
    "MNIST_EDGE_SSH": "Stands in place of ssh for bench --host, such as: ssh -F lab.config",
    "NO_COLOR": "Where it is set, nothing is coloured.",
    "FORCE_COLOR": "Where it is set, colour goes into pipes and logs, too.",
    "COLUMNS": "How wide tables may be, in place of the terminal's width.",
}
SEE_ALSO = """
README.md and docs/ of the source: embedding on a Raspberry Pi, how export quantizes, how bench
measures, runtimes of one's own.
"""
LONGEST = 78  # characters of a line of the page's source, before they are quoted


def page() -> str:
    """Return the manual page."""
    group = typer.main.get_command(app)
    context = group.make_context("mnist-edge", [], resilient_parsing=True)
    commands = {
        name: group.get_command(context, name)  # type: ignore[attr-defined]
        for name in group.list_commands(context)  # type: ignore[attr-defined]
    }
    about = str(app.info.help).rstrip(".")
    lines = [
        r".\" Written by tools/man_page.py: change what --help says, or that file.",
        f'.TH MNIST\\-EDGE 1 "" "mnist\\-edge {__version__}" "User Commands"',
        ".ad l",
        ".nh",
        ".SH NAME",
        f"mnist\\-edge \\- {_text(about[0].lower() + about[1:])}",
        ".SH SYNOPSIS",
        r".B mnist\-edge",
        r"[\fB\-\-version\fR] [\fB\-\-debug\fR] \fICOMMAND\fR [\fIARGUMENT\fR...]",
        ".SH DESCRIPTION",
        *_paragraphs(DESCRIPTION),
        ".SH OPTIONS",
        *(line for entry in entries(group, context)[1] for line in _entry(*entry)),
        ".SH COMMANDS",
    ]
    for name, command in commands.items():
        lines += _command(name, command, context)
    for title, found in (
        ("EXIT STATUS", EXIT_STATUS), ("FILES", FILES), ("ENVIRONMENT", ENVIRONMENT)
    ):  # fmt: skip
        lines.append(f".SH {title}")
        lines += [line for entry in found.items() for line in _entry(*entry)]
    lines.append(".SH EXAMPLES")
    for command in commands.values():
        summary = description(command.callback).partition("\n")[0]
        lines += [_text(summary.rstrip(".") + ":"), ".PP", ".RS 4", ".EX"]
        lines += [_text(line) for line in examples(command.callback)] + [".EE", ".RE", ".PP"]
    return "\n".join([*lines[:-1], ".SH SEE ALSO", *_folded(SEE_ALSO), ""])


def _command(name: str, command: Any, above: Any) -> Iterator[str]:
    with command.make_context(name, [], parent=above, resilient_parsing=True) as context:
        usage = " ".join(command.collect_usage_pieces(context))
        arguments, options = entries(command, context)
    yield f'.SS "mnist\\-edge {name} {_text(usage)}"'
    yield from _paragraphs(description(command.callback))
    for names, words in (*arguments, *options):
        if names != "--help":
            yield from _entry(names, words)


def _entry(names: str, words: str) -> list[str]:
    return [".TP", _names(names), *_folded(words)]


def _names(names: str) -> str:
    """Return an option in bold and what it takes in italics; arguments in italics alone."""
    found = []
    for word in re.split(r"(,? )", names):
        upper = word.isupper() and not word.startswith("-") and "_" not in word
        style = r"\fI" if upper else r"\fB"
        found.append(word if word in (" ", ", ") else f"{style}{_text(word)}\\fR")
    return "".join(found)


def _paragraphs(text: str) -> Iterator[str]:
    for place, paragraph in enumerate(text.strip().split("\n\n")):
        if place:
            yield ".PP"
        yield from _folded(paragraph)


def _folded(text: str) -> list[str]:
    """Return words in lines that a person can read in the source, too."""
    words = " ".join(text.split())
    lines = wrap(words, LONGEST, break_long_words=False, break_on_hyphens=False)
    return [_text(line) for line in lines]


def _text(text: str) -> str:
    """Return text as man(7) takes it: no character of it is an instruction."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq")
    text = text.replace("`", "")
    return f"\\&{text}" if text.startswith(".") else text


if __name__ == "__main__":
    write_file(PAGE, page())

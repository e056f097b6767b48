"""Run the notebook `tools/tour.ipynb` from a clean kernel and write its outputs back into it.

    python -m tools.tour                        # all of it, in place: a few minutes
    python -m tools.tour --quick --out FILE     # less data and one network of a minute, elsewhere

Nothing is written where a cell fails, warns, or shows a path of this machine. What a notebook
keeps of a run that is not its result (times of execution, versions of the kernel) is left out.
"""

from __future__ import annotations

import copy
import hashlib
import os
import re
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import nbformat
import typer
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from mnist_edge.atomic import write_file

if TYPE_CHECKING:
    from collections.abc import Callable

NOTEBOOK = Path(__file__).with_name("tour.ipynb")
QUICK = "MNIST_EDGE_TOUR_QUICK"  # what the notebook's first cell asks for
KEY = "mnist_edge"  # of the notebook's metadata
SILENT = "silent"  # tag of a cell that shows nothing
LONGEST_S = 1200  # for one cell
MOST_BYTES = 1_500_000
PATHS = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|work|usr|var|opt|mnt|Users|private)/[\w.-]+")
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def read(path: Path = NOTEBOOK) -> Any:
    """Return the notebook at `path`, checked."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def digest(notebook: Any) -> str:
    """Return the SHA-256 of what its code cells say, in order: outputs are of that very code."""
    sources = "\0".join(cell.source for cell in code_cells(notebook))
    return hashlib.sha256(sources.encode()).hexdigest()


def code_cells(notebook: Any) -> list[Any]:
    """Return its code cells, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text_of(output: Any) -> str:
    """Return what an output of a cell says in words; no picture says any."""
    if output.output_type == "stream":
        return str(output.text)
    return str(output.get("data", {}).get("text/plain", ""))


def execute(notebook: Any, *, quick: bool, tell: Callable[[str], None] = lambda _line: None) -> Any:
    """Run a notebook from a clean kernel, with `tools` as its folder; it is left as it is.

    Args:
        notebook: from `read`.
        quick: with less data.
        tell: takes a line at each section.

    Returns:
        It with outputs and the hash of what was run.

    Raises:
        CellExecutionError: a cell raised.
    """
    ran = copy.deepcopy(notebook)
    heads = _heads(ran)

    def started(cell: Any, cell_index: int) -> None:
        if cell_index in heads:
            tell(heads[cell_index])

    client = NotebookClient(
        ran,
        timeout=LONGEST_S,
        kernel_name="python3",
        extra_arguments=["--log-level=40"],  # errors
        resources={"metadata": {"path": str(NOTEBOOK.parent)}},
        record_timing=False,
        on_cell_start=started,
    )
    with tempfile.TemporaryDirectory() as folder:  # of IPython's own history
        own = {"IPYTHONDIR": folder, "PYDEVD_DISABLE_FILE_VALIDATION": "1", QUICK: "1" * quick}
        client.execute(env={**os.environ, **own})
    for cell in code_cells(ran):
        cell.outputs = _joined(cell.outputs)
        cell.metadata.pop("execution", None)
    ran.metadata["language_info"] = {"name": "python"}
    ran.metadata[KEY] = {"sources": digest(ran)}
    return ran


def problems(notebook: Any) -> list[str]:
    """Return what is wrong with the outputs of a notebook, a line each; empty where nothing is."""
    found = []
    if notebook.metadata.get(KEY, {}).get("sources") != digest(notebook):
        found.append("the outputs are of other code: run python -m tools.tour")
    cells = code_cells(notebook)
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        found.append("the cells were not run once each, in order, from a clean kernel")
    machine = {socket.gethostname(), str(Path.home()), str(NOTEBOOK.parent.parent)} - {"localhost"}
    for number, cell in enumerate(cells, start=1):
        said = "".join(map(text_of, cell.outputs))
        if not cell.outputs and SILENT not in cell.metadata.get("tags", ()):
            found.append(f"cell {number} shows nothing")
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"cell {number} raised {output.ename}")
            elif output.output_type == "stream" and output.name == "stderr":
                found.append(f"cell {number} wrote to stderr: {output.text.strip()[:100]}")
        shown = [*PATHS.findall(said), *(each for each in machine if each in said)]
        found += [f"cell {number} shows {each}, which is of this machine" for each in shown]
    size = len(nbformat.writes(notebook).encode())
    if size > MOST_BYTES:
        found.append(f"it has {size:,} bytes; wanted {MOST_BYTES:,} at most")
    return found


def _heads(notebook: Any) -> dict[int, str]:
    """Return by the place of a code cell the title of the section that begins there."""
    found, title = {}, ""
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and cell.source.startswith("#"):
            title = cell.source.splitlines()[0].lstrip("# ")
        elif cell.cell_type == "code" and title:
            found[place], title = title, ""
    return found


def _joined(outputs: list[Any]) -> list[Any]:
    """Join what was printed piece by piece: how it was cut is chance."""
    found: list[Any] = []
    for output in outputs:
        last = found[-1] if found else None
        stream = output.output_type == "stream"
        if stream and last and last.output_type == "stream" and last.name == output.name:
            last.text += output.text
        else:
            found.append(output)
    return found


def main(
    quick: Annotated[bool, typer.Option("--quick", help="With less data; needs --out.")] = False,
    out: Annotated[Path | None, typer.Option(help="Where to [default: in place].")] = None,
) -> None:
    """Run the notebook, and write it with its outputs."""
    if quick and out is None:
        print(
            "error: a quick run is not what is committed: say where to with --out FILE",
            file=sys.stderr,
        )
        raise typer.Exit(2)
    try:
        ran = execute(read(), quick=quick, tell=lambda line: print(line, file=sys.stderr))
    except CellExecutionError as error:
        sys.exit(f"error: a cell failed; nothing is written\n{ESCAPES.sub('', str(error))}")
    wrong = problems(ran)
    if wrong:
        sys.exit("\n".join(["error: nothing is written", *wrong]))
    write_file(out or NOTEBOOK, nbformat.writes(ran) + "\n")
    print(f"{len(code_cells(ran))} cells ran: {out or NOTEBOOK.name}")


if __name__ == "__main__":
    typer.run(main)

"""The notebook runs, from a clean kernel; what is committed is what it said when it ran."""

import copy
import re
import subprocess
import sys

import nbformat
import pytest

from mnist_edge.cli import run
from tools import tour
from tools.tour import (
    NOTEBOOK,
    QUICK,
    SILENT,
    code_cells,
    digest,
    problems,
    read,
    text_of,
)

COMMITTED = read()
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
FORMULA, LINK = re.compile(r"\${1,2}[^$]+\${1,2}"), re.compile(r"\]\([^)]*\)")
SECTIONS = (
    "See the digits", "Build the network", "Train", "Curves", "Confusion", "Mistakes",
    "Why int8 works", "One convolution in integers", "Export", "Parity", "What breaks int8",
    "Latency", "Embed it", "What to try next",
)  # fmt: skip


def prose(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


@pytest.fixture(scope="module")
def quick(tmp_path_factory, root_folder):
    out = tmp_path_factory.mktemp("tour") / "tour.ipynb"
    ended = subprocess.run(
        [sys.executable, "-m", "tools.tour", "--quick", "--out", out],
        cwd=root_folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return ended, read(out)


@pytest.fixture(scope="module")
def root_folder():
    return NOTEBOOK.parent.parent


def test_it_runs_from_a_clean_kernel(quick):
    ended, ran = quick
    assert problems(ran) == []
    assert digest(ran) == digest(COMMITTED)
    said = ended.stderr.splitlines()
    assert [line for line in said if line in SECTIONS] == list(SECTIONS)  # progress, section by one
    pictures = sum("image/png" in (each.get("data") or {}) for cell in code_cells(ran)
                   for each in cell.outputs)  # fmt: skip
    assert pictures > 10


def test_a_quick_run_shows_what_the_committed_one_does(quick):
    def shape(notebook):
        return [
            [(each.output_type, sorted(each.get("data", {}))) for each in cell.outputs]
            for cell in code_cells(notebook)
        ]

    assert shape(quick[1]) == shape(COMMITTED)


def test_the_committed_outputs_are_current():
    assert problems(COMMITTED) == []
    said = "".join(text_of(each) for cell in code_cells(COMMITTED) for each in cell.outputs)
    assert "60000" in said  # a full run, not a quick one
    assert "mnist-part" not in said


def test_it_has_its_sections_in_their_order():
    heads = [line.lstrip("# ") for text in prose(COMMITTED) for line in text.splitlines()
             if line.startswith("#")]  # fmt: skip
    assert [head for head in heads if head in SECTIONS] == list(SECTIONS)
    assert "jupyter lab tools/tour.ipynb" in COMMITTED.cells[0].source


def test_no_number_in_its_prose_can_go_stale():
    """Each is in what a cell computes or asserts."""
    cells = code_cells(COMMITTED)
    known = {number for cell in cells for number in NUMBER.findall(
        cell.source + "".join(map(text_of, cell.outputs)))}  # fmt: skip
    for text in prose(COMMITTED):
        for number in NUMBER.findall(LINK.sub("]", text)):
            assert number in known, (number, text.splitlines()[0])


def test_its_commands_have_the_options_that_it_names(capsys):
    spans = [span for text in prose(COMMITTED) for span in re.findall(r"`([^`\n]+)`", text)]
    commands = [span.split() for span in spans if span.startswith("mnist-edge ")]
    assert {words[1] for words in commands} >= {"train", "export", "bench", "finetune"}
    for _program, name, *rest in commands:
        assert run([name, "--help"]) == 0
        shown = capsys.readouterr().out
        for option in (word for word in rest if word.startswith("--")):
            assert option in shown, (name, option)
    assert [run([name, "--help"]) for name in ("export", "train", "bench")] == [0, 0, 0]
    shown = capsys.readouterr().out
    for option in (span.split()[0] for span in spans if span.startswith("--")):
        assert option in shown, option


def test_its_links_lead_somewhere():
    links = [link for text in prose(COMMITTED) for link in re.findall(r"\]\(([^)]+)\)", text)]
    assert len(links) > 3
    assert all((NOTEBOOK.parent / link.replace("\n", "")).exists() for link in links)


def spoilt(change):
    notebook = copy.deepcopy(COMMITTED)
    change(notebook, code_cells(notebook))
    return problems(notebook)


def output(text, name="stdout"):
    return nbformat.v4.new_output("stream", name=name, text=text)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _, cells: cells[3].update(source="1 + 1"), "of other code"),
        (lambda _, cells: cells[3].update(execution_count=9), "in order"),
        (lambda _, cells: cells[3].update(outputs=[]), "cell 4 shows nothing"),
        (lambda _, cells: cells[3].outputs.append(output("Beware", "stderr")), "Beware"),
        (lambda _, cells: cells[3].outputs.append(output("at /tmp/tour-x/run")), "/tmp/tour-x"),
        (lambda _, cells: cells[3].outputs.append(output(f"{NOTEBOOK.parent.parent}")), "machine"),
        (lambda _, cells: cells[3].outputs.append(
            nbformat.v4.new_output("error", ename="ValueError", evalue="", traceback=[])
        ), "cell 4 raised ValueError"),
        (lambda _, cells: cells[3].outputs.append(output("x" * 1_600_000)), "1,500,000 at most"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_outputs_is_found(change, said):
    assert any(said in line for line in spoilt(change))


def test_only_cells_that_say_so_show_nothing():
    silent = [cell for cell in code_cells(COMMITTED) if not cell.outputs]
    assert silent
    assert all(SILENT in cell.metadata["tags"] for cell in silent)
    assert f'os.environ.get("{QUICK}")' in silent[0].source


def test_a_quick_run_never_takes_the_place_of_the_full_one(root_folder):
    before = NOTEBOOK.read_bytes()
    ended = subprocess.run(
        [sys.executable, "-m", "tools.tour", "--quick"],
        cwd=root_folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ended.returncode, NOTEBOOK.read_bytes()) == (2, before)
    assert ended.stderr == (
        "error: a quick run is not what is committed: say where to with --out FILE\n"
    )


def test_a_cell_that_fails_is_told_and_nothing_is_written(tmp_path, monkeypatch, capsys):
    broken = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# Head"), nbformat.v4.new_code_cell("1 / 0")]
    )
    monkeypatch.setattr(tour, "read", lambda: broken)
    with pytest.raises(SystemExit) as ended:
        tour.main(quick=True, out=tmp_path / "ran.ipynb")
    assert ended.value.code.startswith("error: a cell failed; nothing is written\n")
    assert "ZeroDivisionError: division by zero" in ended.value.code
    assert "\x1b" not in ended.value.code
    assert capsys.readouterr().err.splitlines()[0] == "Head"
    assert list(tmp_path.iterdir()) == []
    assert not code_cells(broken)[0].outputs  # it is left as it is

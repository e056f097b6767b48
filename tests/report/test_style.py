import ast
import sys

import pytest
from matplotlib import rcParams
from matplotlib.colors import to_hex

from mnist_edge.errors import MissingExtraError
from mnist_edge.report.pictures import curves
from mnist_edge.report.style import FAINT, LOOK, headline, in_style, new_figure, png

HISTORY = [{"epoch": 1, "loss": 0.5, "accuracy": 0.8}, {"epoch": 2, "loss": 0.1, "accuracy": 0.97}]


@in_style
def drawing(dashes="--"):
    figure = new_figure(3, 2)
    headline(figure, "A line", "drawn twice")
    axes = figure.add_subplot()
    axes.plot([0, 1], [1, 0], dashes)
    axes.set_title("Falling")
    return figure


def test_a_picture_has_the_look_and_nobody_elses_settings_are_changed():
    before = dict(rcParams)
    (axes,) = (figure := drawing()).axes
    assert dict(rcParams) == before
    assert (axes.get_title(loc="left"), axes.get_title()) == ("Falling", "")
    assert [side for side, spine in axes.spines.items() if spine.get_visible()] == [
        "left",
        "bottom",
    ]
    assert to_hex(axes.spines["left"].get_edgecolor()).upper() == FAINT
    assert (
        axes.spines["left"].get_linewidth() == LOOK["axes.linewidth"] < rcParams["axes.linewidth"]
    )
    assert figure._suptitle.get_position()[0] < 0.05
    assert figure._supxlabel.get_text() == "drawn twice"


def test_every_function_that_draws_does_so_in_style(root):
    found = []
    for path in sorted((root / "mnist_edge" / "report").glob("*.py")):
        for each in ast.parse(path.read_text(encoding="utf-8")).body:
            draws = isinstance(each, ast.FunctionDef) and any(
                isinstance(part, ast.Call) and getattr(part.func, "id", "") == "new_figure"
                for part in ast.walk(each)
            )
            if draws and not each.name.startswith("_"):  # those are called by one that is
                found.append(each.name)
                assert [getattr(each, "id", "") for each in each.decorator_list] == ["in_style"]
    assert {"curves", "confusion", "flips", "distributions", "audit_picture"} <= set(found)


def test_a_png_has_the_size_that_was_asked_for():
    content = png(drawing())
    assert content.startswith(b"\x89PNG")
    assert (int.from_bytes(content[16:20]), int.from_bytes(content[20:24])) == (360, 240)


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for draw in (drawing, lambda: curves(HISTORY), lambda: new_figure(1, 1)):
        with pytest.raises(MissingExtraError, match=r"mnist-edge\[report\]"):
            draw()

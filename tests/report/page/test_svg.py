import re

import pytest

from mnist_edge.errors import MissingExtraError
from mnist_edge.report.page import svg
from mnist_edge.report.page.svg import SETTINGS, drawing, inline
from mnist_edge.report.style import BLUE, COLOURS, FAINT, INK, LOOK, PALE, new_figure


def picture(words="words"):
    figure = new_figure(3, 2)
    axes = figure.add_subplot()
    for place, colour in enumerate(COLOURS):
        axes.plot([0, 1], [place, 1.23456789], color=colour, marker="o")
    axes.set_title(words)
    axes.grid(visible=True)
    return figure


def test_colours_are_those_of_the_page():
    with drawing():
        found = inline(picture(), "a")
    assert not re.findall(r"#[0-9a-fA-F]{6}", found)
    named = set(re.findall(r"var\(--(\w+)\)", found))
    assert named == {"blue", "orange", "green", "red", "sky", "pink", "line", "quiet"}
    assert "currentColor" in found


def test_its_style_is_that_of_every_picture_but_for_words_in_a_page():
    own = {key for key, value in SETTINGS.items() if LOOK.get(key) != value}
    assert set(LOOK) <= set(SETTINGS)
    assert own == {
        "svg.fonttype", "svg.hashsalt", "text.parse_math", "font.size", "axes.titlesize",
        "axes.titleweight", "xtick.labelsize", "ytick.labelsize", "legend.fontsize",
    }  # fmt: skip
    assert {INK, FAINT, PALE, *COLOURS} <= {each.upper() for each in svg.COLOURS}


def test_text_is_text_in_the_fonts_of_the_page():
    words = "<script>a & b</script> $x^2$"
    with drawing():
        found = inline(picture(words), "a")
    assert "&lt;script&gt;a &amp; b&lt;/script&gt; $x^2$" in found
    assert "font-family" not in found
    assert "DejaVu" not in found


def test_it_is_the_same_every_time_and_no_id_is_another_figures():
    with drawing():
        one, again, other = (inline(picture(), key) for key in ("a", "a", "b"))
    assert one == again
    ids = [set(re.findall(r' id="([^"]+)"', each)) for each in (one, other)]
    assert ids[0]
    assert not ids[0] & ids[1]
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', one)) <= ids[0]
    assert not re.findall(r"\d\.\d{3}", one)
    assert "<metadata" not in one
    assert "<style" not in one
    assert "xmlns" not in one


def test_what_is_set_on_this_machine_does_not_matter():
    import matplotlib

    with drawing():
        usual = inline(picture(), "a")
    with matplotlib.rc_context({"lines.linewidth": 9, "font.size": 30}):
        with drawing():
            assert inline(picture(), "a") == usual
        assert matplotlib.rcParams["font.size"] == 30
    assert BLUE not in usual


def test_without_matplotlib_there_is_the_pip_line(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r'pip install "mnist-edge\[report\]"'), drawing():
        pass

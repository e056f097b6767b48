from mnist_edge.report.recipes_table import recipes_table
from mnist_edge.training.recipes import RECIPES, find, measured


def lines(width, recipes=None):
    return recipes_table(recipes or list(RECIPES.values()), measured(), width).plain.splitlines()


def test_summaries_are_folded_below_their_head():
    head, rule, first, second, *_ = lines(80, [find("edge")])
    assert head == "Recipe Parameters Epochs Test % What it is"
    assert set(rule) == {"─"}
    place = head.index("What")
    assert first[:place].split() == ["edge", "54,270", "30", "99.72"]
    assert second.startswith(" " * place)
    said = " ".join((first[place:], second[place:].strip()))
    assert said == find("edge").summary


def test_nothing_is_cut_however_narrow():
    for width in (60, 80, 120):
        found = lines(width)
        assert max(map(len, found)) <= width
        assert "…" not in "".join(found)
        assert all(any(line.startswith(name) for line in found) for name in RECIPES)

import pytest

from mnist_edge.report.layout import Column, Row, cut, fold, lay_out, markdown

COLUMNS = (
    Column(("Name", ""), left=True),
    Column(("Time", "µs")),
    Column(("Rare", ""), rank=2),
    Column(("Useful", ""), rank=1),
    Column(("Never", "")),
)
ROWS = (Row(("one", "1.5", "a", "b", "")), Row(("another.", "222", "cc", "dd", "")))


def lines(width, rows=ROWS):
    return lay_out(COLUMNS, rows, width).plain.splitlines()


def test_numbers_end_and_names_begin_where_their_heads_do():
    assert lines(80) == [
        "Name     Time Rare Useful",
        "           µs",
        "─────────────────────────",
        "one       1.5    a      b",
        "another.  222   cc     dd",
    ]


def test_columns_come_as_there_is_room_the_most_useful_first():
    assert lines(20)[0] == "Name     Time Useful"
    assert lines(18)[0] == "Name     Time Rare"  # the most useful has no room, and it has
    assert lines(13)[0] == "Name     Time"


def test_a_sentence_takes_the_rest_of_a_row_and_no_more():
    rows = (*ROWS, Row(("third", "failed: for a reason that is long"), "red"))
    assert lines(80, rows)[-1] == "third    failed: for a reason that is long"
    assert lines(24, rows)[-1] == "third    failed: for a…"
    assert lines(80, rows)[0] == lines(80)[0]  # it makes no column wider


def test_names_are_cut_in_their_middle_where_nothing_else_helps():
    rows = [Row(("a-very-long-name-of-a-model-int8.tflite", "1.5", "", "", ""))]
    assert max(map(len, lines(20, rows))) <= 20
    assert lines(20, rows)[-1].split()[0].endswith("8.tflite")


def test_nothing_that_moves_the_cursor_is_printed():
    rows = [Row(("a\x1b[31m\nb", "1", "", "", ""))]
    assert "\x1b" not in "".join(lines(80, rows))
    assert len(lines(80, rows)) == 4
    assert "\x1b" not in fold("a\x1b[31m", 80)[0]
    assert "\x1b" not in markdown(COLUMNS, rows)[-1]


def test_wide_characters_take_two_places():
    (row,) = lines(80, [Row(("数字", "1", "", "", ""))])[3:]
    assert row == "数字    1"  # under a head of four


def test_markdown_has_every_column_with_something_in_it():
    rows = (*ROWS, Row(("a|b", "failed")))
    assert markdown(COLUMNS, rows) == [
        "| Name | Time µs | Rare | Useful |",
        "| --- | ---: | ---: | ---: |",
        "| one | 1.5 | a | b |",
        "| another. | 222 | cc | dd |",
        "| a\\|b | failed |  |  |",
    ]


def test_markdown_heads_are_one_cell_each():
    heads, *_ = markdown((Column(("d|e", "a\nb")),), (Row(("1",)),))
    assert heads == "| d\\|e a b |"


@pytest.mark.parametrize("width", [8, 9, 16, 27])
def test_a_cut_name_has_the_width_that_it_may(width):
    assert len(cut("a-very-long-name-int8.tflite", width)) == width


def test_sentences_are_folded_between_words():
    assert fold("- one two-three four", 12) == ["- one", "  two-three", "  four"]
    assert fold("", 80) == [""]


def test_what_can_be_spared_is_left_out_before_names_are_unreadable():
    columns = (Column(("Name", ""), left=True), Column(("Size", ""), spare=2),
               Column(("Call", ""), spare=1), Column(("Time", "")))  # fmt: skip
    rows = [Row(("a-long-name-int8.tflite", "1234", "5678", "9012"))]

    def head(width):
        return lay_out(columns, rows, width).plain.splitlines()[0].split()

    assert head(31) == ["Name", "Size", "Call", "Time"]  # the name has 16 left
    assert head(30) == ["Name", "Call", "Time"]
    assert head(25) == ["Name", "Time"]
    assert head(15) == ["Name", "Time"]  # from here on the name is cut


def test_a_number_and_its_unit_stay_together():
    assert fold("all but 40 % of it", 11) == ["all but", "  40 % of", "  it"]
    assert fold("it takes 7 µs", 12) == ["it takes", "  7 µs"]
    assert fold("percents % of it", 11) == ["percents %", "  of it"]

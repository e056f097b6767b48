import pytest

from mnist_edge.errors import LONGEST, InputError, MissingExtraError, MnistEdgeError, one_line


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("as it is: ä, 28×28", "as it is: ä, 28×28"),
        ("two\nlines\r\n\tand more", "two lines and more"),
        ("\x1b[31mred\x1b[0m", "?[31mred?[0m"),
        ("half a pair \ud800", "half a pair ?"),
    ],
)
def test_whatever_a_message_quotes_it_is_one_line_that_can_be_printed(said, shown):
    assert str(InputError(said)) == shown
    assert str(MissingExtraError(said)) == shown


def test_what_is_long_keeps_its_beginning_and_what_to_do():
    text = "the beginning " + "x" * 10_000 + ": do this"
    found = one_line(text)
    assert len(found) == LONGEST
    assert found.startswith("the beginning x")
    assert found.endswith("x: do this")
    assert one_line("x" * LONGEST) == "x" * LONGEST


def test_an_error_without_words_is_empty():
    assert str(MnistEdgeError()) == ""

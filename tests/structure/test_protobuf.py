import pytest

from mnist_edge.errors import ModelError
from mnist_edge.structure.protobuf import Protobuf, layout

MESSAGES = {
    "Root": layout("1:number:int 2:numbers:[int] 3:text:bytes 4:reals:[float] 5:below:Root "
                   "6:many:[Root] 7:wide:[double] 8:real:float"),
}  # fmt: skip


def read(content):
    return Protobuf(content, "a", MESSAGES).root("Root")


def test_fields_are_read(made):
    content = made.message(
        (1, -3), (2, 300), (2, b"\x01\x96\x01"), (3, "abc"), (4, 0.5), (6, made.message((1, 7))),
        (6, b""), (99, "passed over"), (98, 1), (97, 1.5),
    )  # fmt: skip
    found = read(content)
    assert found["number"] == -3
    assert found["numbers"] == [300, 1, 150]
    assert bytes(found["text"]) == b"abc"
    assert found["reals"] == [0.5]
    assert [row["number"] for row in found["many"]] == [7, None]
    assert found["below"] is None
    assert found["wide"] == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x80", "the number at byte 0 has no end"),
        (b"\x08", "the number at byte 1 has no end"),
        (b"\x08" + b"\x80" * 10 + b"\0", "the number at byte 1 has no end"),
        (b"\x1a\x05abc", "a field of 5 bytes where 3 are left"),
        (b"\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01abc", "bytes where 3 are left"),
        (b"\x2a\x02\x08\x80\x01", "the number at byte 3 has no end"),
        (b"\x45\0\0", "a field of 4 bytes where 2 are left"),
        (b"\x0b", "a field of wire type 3"),
        (b"\x0f", "a field of wire type 7"),
        (b"\x0a\x01a", "number of Root is of wire type 2; wanted 0"),
        (b"\x18\x01", "text of Root is of wire type 0; wanted 2"),
        (b"\x22\x03abc", "reals of Root has 3 bytes; 4 make a number"),
        (b"\x3a\x04abcd", "wide of Root has 4 bytes; 8 make a number"),
        (b"\x08\x01\x08\x02", "number of Root is there twice"),
    ],
)
def test_what_is_cut_off_or_of_another_type_is_refused(content, said):
    with pytest.raises(ModelError, match=said):
        read(content)


def test_messages_are_not_followed_without_a_bound(made):
    content = b""
    for _ in range(40):
        content = made.message((5, content))
    with pytest.raises(ModelError, match="messages 32 deep"):
        read(content)


@pytest.mark.parametrize(
    "content", [b"\x32\x00" * 100_000, b"\x12\x80\xa4\xe8\x03" + b"\1" * 8_000_000]
)
def test_parts_are_counted(content):
    with pytest.raises(ModelError, match="it holds more than 4000000 parts"):
        read(content)

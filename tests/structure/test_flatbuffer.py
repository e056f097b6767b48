import struct

import pytest

from mnist_edge.errors import ModelError
from mnist_edge.structure.flatbuffer import Flatbuffer

TABLES = {
    "Root": (
        "number:i32=7 text:string many:[Root] values:[i32] data:bytes choice_type:u8 choice:union"
    ),
    "choice 2": "flag:bool",
}


def table(*slots, body=b"", back=None):
    """A file whose root's vtable lies before it."""
    size = 4 + len(body)
    vtable = struct.pack(f"<HH{len(slots)}H", 4 + 2 * len(slots), size, *slots)
    vtable += bytes(-len(vtable) % 4)
    begin = 4 + len(vtable)
    back = len(vtable) if back is None else back
    return struct.pack("<I", begin) + vtable + struct.pack("<i", back) + body


def read(content):
    return Flatbuffer(content, "a", TABLES).root("Root")


def test_an_absent_field_has_its_default():
    assert read(table())["number"] == 7
    assert read(table())["text"] is None


def test_fields_are_read():
    body = struct.pack("<ii", 5, 4) + struct.pack("<I", 3) + b"abc\0"
    assert read(table(4, 8, body=body)) | {} == {
        **read(table()), "number": 5, "text": b"abc",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "lies at byte 0 of 0"),
        (struct.pack("<I", 0), "at no distance"),
        (struct.pack("<I", 400), "lies at byte 400 of 4"),
        (struct.pack("<I", 6) + bytes(40), "Root begins at byte 6, which 4 does not divide"),
        (table(0, 4, body=struct.pack("<I", 5) + bytes(20)), "text of Root begins at .*crosswise"),
        (table(back=400), "the vtable of Root lies at byte"),
        (table(back=-2**31), "the vtable of Root lies at byte"),
        (table(back=5), "the vtable of Root has sizes"),
        (table(4), "number of Root is 4 bytes into its 4"),
        (table(4, body=b"\1\0"), "number of Root is 4 bytes into its 6"),
        (table(6, body=bytes(8)), "number of Root is 6 bytes into its 12"),
        (table(0, 4, body=struct.pack("<I", 400)), "text of Root lies at byte"),
        (table(0, 4, body=struct.pack("<I", 0)), "text of Root is at no distance"),
        (table(0, 4, body=struct.pack("<II", 4, 2**32 - 1)), "text of Root ends at byte"),
        (table(0, 4, body=struct.pack("<II", 4, 2) + b"abcd"), "a text without an end"),
        (table(0, 0, 0, 4, body=struct.pack("<II", 4, 2**30)), "values of Root ends at byte"),
        (table(0, 0, 4, body=struct.pack("<III", 4, 1, 400)), "Root lies at byte 428 of 32"),
        (table(0, 0, 0, 0, 0, 4, 8, body=struct.pack("<II", 2, 400)), "choice 2 lies at byte 432"),
    ],
)  # fmt: skip
def test_what_leads_outside_is_refused(content, said):
    with pytest.raises(ModelError, match=said):
        read(content)


def test_a_table_that_is_not_known_is_only_found_to_lie_within():
    inner = struct.pack("<HHi", 4, 4, 4)
    content = table(0, 0, 0, 0, 0, 4, 8, body=struct.pack("<II", 9, 8) + inner)
    assert read(content)["choice"] == {}


def test_a_small_file_that_speaks_of_many_tables_is_refused_before_it_is_read_whole():
    # Three levels of 1,000 ways to the next: 12 kB, and a thousand million tables.
    ways, content = 1000, bytearray(struct.pack("<IHHHHHH", 16, 10, 8, 0, 0, 4, 0))
    for _ in range(3):
        begin = len(content)
        content += struct.pack("<iII", begin - 4, 4, ways)
        below = begin + 12 + 4 * ways
        places = range(begin + 12, below, 4)
        content += struct.pack(f"<{ways}I", *(below - place for place in places))
    content += struct.pack("<iI", len(content) - 4, 4) + bytes(4)
    with pytest.raises(ModelError, match="it holds more than 4000000 parts"):
        read(bytes(content))


def test_numbers_are_counted_as_well_as_tables():
    # 50 tables that all have the same 100,000 numbers.
    tables, numbers = 50, 100_000
    content = bytearray(struct.pack("<IHHHHHH", 16, 12, 12, 0, 0, 4, 8))
    content += struct.pack("<iII", 12, 8, 0) + struct.pack("<I", tables)
    shared = len(content) + 4 * tables + 12 * tables
    for place in range(tables):
        content += struct.pack("<I", 4 * (tables - place) + 12 * place)
    for _ in range(tables):
        at = len(content)
        content += struct.pack("<iII", at - 4, shared + 4 - (at + 4), shared - (at + 8))
    content += struct.pack("<I", numbers) + bytes(4 * numbers + 4)
    struct.pack_into("<I", content, 24, shared - 24)
    struct.pack_into("<I", content, shared + 4, 0)  # no tables below the shared place
    with pytest.raises(ModelError, match="it holds more than 4000000 parts"):
        read(bytes(content))

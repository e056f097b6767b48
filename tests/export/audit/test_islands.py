from mnist_edge.export.audit.islands import Node, structure_of


def node(kind, taken, given, *, floating=False):
    conversion = kind in ("QUANTIZE", "DEQUANTIZE")
    return Node(kind, conversion, kind == "RESHAPE", floating, tuple(taken), tuple(given))


def test_conversions_at_the_edges_are_not_inserted():
    nodes = [
        node("RESHAPE", ["x"], ["x1"], floating=True),
        node("QUANTIZE", ["x1"], ["q"]),
        node("CONV_2D", ["q"], ["c"]),
        node("DEQUANTIZE", ["c"], ["y"]),
    ]
    found = structure_of(nodes, {"x", "y"})
    assert (found.integer, found.floating, found.islands, found.inserted) == (1, 0, (), 0)


def test_float_operators_that_follow_each_other_are_one_island():
    nodes = [
        node("CONV_2D", ["x"], ["a"]),
        node("DEQUANTIZE", ["a"], ["b"]),
        node("LOG", ["b"], ["c"], floating=True),
        node("EXP", ["c"], ["d"], floating=True),
        node("QUANTIZE", ["d"], ["e"]),
        node("CONV_2D", ["e"], ["f"]),
        node("DEQUANTIZE", ["f"], ["g"]),
        node("SIN", ["g"], ["h"], floating=True),
        node("QUANTIZE", ["h"], ["i"]),
        node("CONV_2D", ["i"], ["y"]),
    ]
    found = structure_of(nodes, {"x", "y"})
    assert found.islands == ((("LOG", "c"), ("EXP", "d")), (("SIN", "h"),))
    assert (found.integer, found.floating, found.inserted) == (3, 3, 4)


def test_branches_that_join_are_one_island():
    nodes = [
        node("CONV_2D", ["x"], ["q"]),
        node("DEQUANTIZE", ["q"], ["a"]),
        node("LOG", ["a"], ["b"], floating=True),
        node("EXP", ["a"], ["c"], floating=True),
        node("ADD", ["b", "c"], ["d"], floating=True),
        node("QUANTIZE", ["d"], ["y"]),
    ]
    (island,) = structure_of(nodes, {"x", "y"}).islands
    assert {kind for kind, _ in island} == {"LOG", "EXP", "ADD"}


def test_moves_join_an_island_but_make_none():
    nodes = [
        node("CONV_2D", ["x"], ["a"]),
        node("DEQUANTIZE", ["a"], ["b"]),
        node("RESHAPE", ["b"], ["c"], floating=True),
        node("QUANTIZE", ["c"], ["d"]),
        node("CONV_2D", ["d"], ["e"]),
        node("DEQUANTIZE", ["e"], ["f"]),
        node("LOG", ["f"], ["g"], floating=True),
        node("RESHAPE", ["g"], ["h"], floating=True),
        node("EXP", ["h"], ["i"], floating=True),
        node("QUANTIZE", ["i"], ["y"]),
    ]
    found = structure_of(nodes, {"x", "y"})
    assert found.islands == ((("LOG", "g"), ("EXP", "i")),)
    assert (found.integer, found.floating) == (2, 2)


def test_a_file_without_integers_has_no_islands():
    nodes = [
        node("CONV_2D", ["x"], ["a"], floating=True),
        node("RELU", ["a"], ["y"], floating=True),
    ]
    found = structure_of(nodes, {"x", "y"})
    assert (found.integer, found.floating, found.islands) == (0, 2, ())

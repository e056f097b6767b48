from mnist_edge.export.graph import Operation, around, moved

CHAIN = [
    Operation("Reshape", ("image",), ("flat",)),
    Operation("Conv", ("flat",), ("a",)),
    Operation("Relu", ("a",), ("b",)),
    Operation("MaxPool", ("b",), ("c",)),
    Operation("Conv", ("c",), ("d",)),
    Operation("Relu", ("d",), ("e",)),
    Operation("Gemm", ("e",), ("f",)),
]


def test_what_only_moves_is_known_to_hold_the_same():
    assert moved(CHAIN, "image") == {"image", "flat"}


def test_a_tensor_stays_float_only_between_float_operators():
    # the convolution fused with the relu, the pool that hands it on, and what takes it
    assert around(CHAIN, ["b"]) == {"a", "b", "c", "d"}
    assert around(CHAIN, ["e"]) == {"d", "e", "f"}
    assert around(CHAIN, ["f"]) == {"f"}
    assert around(CHAIN, []) == set()


def test_every_branch_that_takes_it_counts():
    forked = [*CHAIN[:3], Operation("Conv", ("b",), ("x",)), Operation("Add", ("b", "x"), ("y",))]
    assert around(forked, ["b"]) == {"a", "b", "x", "y"}
    assert around(forked, ["y"]) == {"y"}  # two inputs: what gives them may be integers

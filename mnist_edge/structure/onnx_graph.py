"""The order of an ONNX graph: each node takes what is there by then, and gives what is not."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from mnist_edge.structure.onnx_rules import shape_given
from mnist_edge.structure.onnx_sizes import worked_out
from mnist_edge.structure.onnx_tensors import Constant, Taken, constant
from mnist_edge.structure.parts import MOST_BYTES, Op, damaged, named, shown, unfit
from mnist_edge.structure.tensors import Shape, Unfollowed, Wrong, said

MOST_NODES = 20_000  # twenty times what the deepest image classifiers have
KINDS = {1: "f", 2: "i", 3: "s", 4: "t", 6: "floats", 7: "ints", 8: "strings"}
BODIES = ("If", "Loop", "Scan", "SequenceMap")
RANDOM = ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")
REMEDY = "export without it, layers over time unrolled (in Keras: unroll=True)"
REFUSED = frozenset(BODIES + RANDOM)


@dataclass(slots=True)
class Found:
    """What is there when a node runs.

    Attributes:
        shapes: of what is there, for one image; absent where it is not known.
        constants: those of it whose numbers are in the file.
        names: of all of it.
    """

    shapes: dict[str, Shape]
    constants: dict[str, Constant]
    names: set[str]

    def add(self, name: str, shape: Shape | None, row: Constant | None = None) -> None:
        """Note one more."""
        self.names.add(name)
        if shape is not None:
            self.shapes[name] = shape
        if row is not None:
            self.constants[name] = row


def check_nodes(
    tables: list[dict[str, Any]], found: Found, opsets: dict[str, int], where: str
) -> set[Op]:
    """Check every node in the order in which they run; return the operators, each once.

    Args:
        tables: the nodes.
        found: the constants and inputs; what the nodes give is added.
        opsets: version of each operator set.
        where: what messages call the file.

    Raises:
        ModelError: a runtime would end the process over it, or run without an end.
    """
    if len(tables) > MOST_NODES:
        raise unfit(where, f"has {len(tables)} nodes", f"wanted at most {MOST_NODES}")
    ops = set()
    for place, table in enumerate(tables):
        name, domain = named(table["op_type"]), domain_name(table["domain"])
        at = f"node {place} ({shown(name)})"
        if domain not in opsets or not name:
            what = f"{at} is of operator set {shown(domain)}, which the file does not name"
            raise damaged(where, what)
        if domain == "" and name in REFUSED:
            raise unfit(where, f"needs {name}, which no image classifier does", REMEDY)
        ops.add(Op(shown(name), opsets[domain], shown(domain)))
        try:
            _run(name, domain, opsets[domain], table, found)
        except Unfollowed as wrong:
            raise unfit(where, f"has {at}, which {wrong}", wrong.remedy) from None
        except Wrong as wrong:
            raise damaged(where, f"{at} {wrong}") from None
    computed = sum(
        prod(shape) * 4 for name, shape in found.shapes.items() if name not in found.constants
    )
    if computed > MOST_BYTES:
        raise unfit(where, f"needs {computed / 2**30:.1f} GiB for one image", "wanted at most 1")
    return ops


def domain_name(text: memoryview | None) -> str:
    """Return a domain; ONNX's own has two names, of which the empty one is returned."""
    name = named(text)
    return "" if name == "ai.onnx" else name


def _run(name: str, domain: str, opset: int, table: dict[str, Any], found: Found) -> None:
    """Check one node, and note what is there after it.

    Raises:
        Wrong: a runtime would end the process over it.
    """
    taken = [named(text) for text in table["inputs"]]
    given = [named(text) for text in table["outputs"]]
    for word in taken:
        if word and word not in found.names:
            raise Wrong(f"takes {shown(word)}, which nothing gives before it")
    settings = _settings(table["attributes"])
    row = settings.get("value") if name == "Constant" and not domain else None
    shape: Shape | None = None
    if isinstance(row, Constant):
        shape = row.shape
    elif domain == "":
        sides = [found.shapes.get(word) for word in taken]
        rows = [found.constants.get(word) for word in taken]
        node = Taken(settings, sides, rows, opset)
        shape = shape_given(name, node)
        row = worked_out(name, node, shape)
        shape = row.shape if row else shape
    if shape is not None and prod(shape) * 4 > MOST_BYTES:
        raise Wrong(f"gives {said(shape)}, {prod(shape) * 4 / 2**30:.0f} GiB")
    for number, word in enumerate(given):
        if word in found.names:
            raise Wrong(f"gives {shown(word)}, which is there already")
        if word:
            found.add(word, shape if number == 0 else None, row if number == 0 else None)


def _settings(tables: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a node's attributes by name; a tensor as a Constant.

    Raises:
        Wrong: one is there twice, or is a graph, a sparse tensor or a reference.
    """
    settings: dict[str, Any] = {}
    for table in tables:
        name, kind = named(table["name"]), table["type"]
        if kind not in KINDS or table["reference"] is not None:
            raise Wrong(
                f"has the setting {shown(name)} of kind {kind}; wanted numbers, text or a tensor"
            )
        if not name or name in settings:
            raise Wrong(f"has the setting {shown(name)} twice, or one without a name")
        value = table[KINDS[kind]]
        if kind == 4:
            if value is None:
                raise Wrong(f"has no tensor as {shown(name)}")
            value = constant(value)
        settings[name] = value
    return settings

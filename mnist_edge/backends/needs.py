"""Whether a runtime knows what a model needs, said before it is loaded.

`known_ops.json` has what the versions of each runtime answered when they were asked
(tools/known_ops.py): the first supported one all that it knows, later ones what they added.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mnist_edge.structure import Structure

    Known = dict[str, int]

KNOWN = Path(__file__).with_name("known_ops.json")
PACKAGES = {"litert": "ai-edge-litert", "tensorflow-lite": "tensorflow"}
EXTRAS = {"litert": "litert", "tensorflow-lite": "train", "onnxruntime": "onnx"}
SUCCESSORS = {"tflite-runtime": "litert"}  # there will be no newer one
INSTEAD = {
    "tflite": "export it in another quantization",
    "onnx": "export it with a lower operator set",
}


class Lacking(NamedTuple):
    """What a model needs and a runtime does not know.

    Attributes:
        package: what pip calls the runtime.
        version: of it.
        needs: what is needed with what is known instead, one or more.
    """

    package: str
    version: str
    needs: tuple[tuple[str, str], ...]


def why_not(structure: Structure, runtime: str, version: str | None = None) -> str | None:
    """Return in one line why a runtime cannot run a model; None where it can, or nobody knows.

    What the oldest supported version knows, all know: ask without a version first (reading one
    costs 20 ms), and where that gives a reason once more with it.

    Args:
        structure: of the model.
        runtime: its name, such as `litert`. Of one that is not ours nothing is known.
        version: that is installed; None for the oldest that is supported.
    """
    found = lacking(structure, runtime, version)
    if found is None:
        return None
    needed, known = found.needs[0]
    return (
        f"{needed} is needed, {found.package} {found.version} knows {known}: "
        f"{_remedy(structure, runtime)}"
    )


def lacking(structure: Structure, runtime: str, version: str | None = None) -> Lacking | None:
    """Return all that a model needs and a runtime does not know; arguments as in `why_not`."""
    if runtime not in _table():
        return None
    versions = _versions(runtime)
    named = version or next(iter(versions))
    known = next(iter(versions.values()))
    for row, answer in versions.items():
        known = answer if _number(row) <= _number(named) else known
    needs = tuple(_lacks(structure, known))
    if not needs or _number(named)[:2] > _number(_table()[runtime]["newest"])[:2]:
        return None  # of a version that nobody has asked only the runtime itself can tell
    return Lacking(PACKAGES.get(runtime, runtime), named, needs)


def _lacks(structure: Structure, known: Known) -> Iterator[tuple[str, str]]:
    """Give what is needed and what is known instead."""
    if structure.format == "onnx":
        yield from _lacks_of_onnx(structure, known)
        return
    for op in structure.ops:
        highest = known.get(op.name)
        if highest is None:
            yield op.name, "no such operator"
        elif op.version > highest:
            yield f"{op.name} version {op.version}", f"up to {highest}"


def _lacks_of_onnx(structure: Structure, known: Known) -> Iterator[tuple[str, str]]:
    wanted = (("opset", structure.opset), ("ir_version", structure.ir_version))
    for name, number in wanted:
        if number is not None and number > known[name]:
            words = {"opset": "operator set", "ir_version": "format version"}[name]
            yield f"{words} {number}", f"up to {known[name]}"
    since: Known = _table()["since"]
    for op in structure.ops:
        if op.domain == "" and op.name not in since:
            yield op.name, "no such operator"
        elif op.domain == "" and op.version < since[op.name]:
            yield f"{op.name} of operator set {op.version}", f"it since {since[op.name]}"


def _remedy(structure: Structure, runtime: str) -> str:
    """Return what to do: install the first version that knows it all, or export it otherwise."""
    better = SUCCESSORS.get(runtime, runtime)
    for version, known in _versions(better).items():
        if not any(_lacks(structure, known)):
            package = PACKAGES.get(better, better)
            install = f'pip install "mnist-edge[{EXTRAS[better]}]" "{package}>={version}"'
            return f"{install}, or {INSTEAD[structure.format]}"
    return INSTEAD[structure.format]


def _versions(runtime: str) -> dict[str, Known]:
    """Return all that each version knows, the oldest first."""
    known: Known = {}
    found = {}
    for version, added in _table()[runtime]["versions"].items():
        known = found[version] = {**known, **added}
    return found


def _number(version: str) -> tuple[int, ...]:
    """Return a version for comparing: `2.10.0rc1` as (2, 10, 0)."""
    numbers = []
    for part in version.split(".")[:3]:
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        numbers.append(int(digits or 0))
    return tuple(numbers)


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(KNOWN.read_text(encoding="utf-8"))
    return table

"""An ONNX file, examined before a native runtime sees it.

ONNX Runtime (C++) checks more than the TensorFlow Lite interpreters do. What is left to check
here: a file that makes it read other files, run without an end, ask for more memory than there
is, or divide by 0.
"""

from __future__ import annotations

from math import prod
from typing import Any

from mnist_edge.structure.onnx_graph import Found, check_nodes, domain_name
from mnist_edge.structure.onnx_tensors import TYPES, Constant, constant
from mnist_edge.structure.parts import MOST_BYTES, Port, Structure, damaged, named, shown, unfit
from mnist_edge.structure.protobuf import Protobuf, layout
from mnist_edge.structure.tensors import MOST_RANK, Wrong, said

# The fields of the format's public description (onnx.proto) that are read, or must not be there.
MESSAGES = {
    "Model": layout("1:ir_version:int 7:graph:Graph 8:opset_import:[Opset] 20:training:[bytes] "
                    "25:functions:[bytes]"),
    "Opset": layout("1:domain:bytes 2:version:int"),
    "Graph": layout("1:nodes:[Node] 5:initializers:[Tensor] 11:inputs:[Value] 12:outputs:[Value] "
                    "13:values:[Value] 15:sparse_initializers:[bytes]"),
    "Node": layout("1:inputs:[bytes] 2:outputs:[bytes] 4:op_type:bytes 5:attributes:[Attribute] "
                   "7:domain:bytes"),
    "Attribute": layout("1:name:bytes 2:f:float 3:i:int 4:s:bytes 5:t:Tensor 6:g:bytes "
                        "7:floats:[float] 8:ints:[int] 9:strings:[bytes] 10:tensors:[bytes] "
                        "11:graphs:[bytes] 20:type:int 21:reference:bytes 22:sparse:bytes "
                        "23:sparses:[bytes]"),
    "Tensor": layout("1:dims:[int] 2:data_type:int 3:segment:bytes 4:float_data:[float] "
                     "5:int32_data:[int] 6:string_data:[bytes] 7:int64_data:[int] 8:name:bytes "
                     "9:raw_data:bytes 10:double_data:[double] 11:uint64_data:[int] "
                     "13:external_data:[bytes] 14:data_location:int"),
    "Value": layout("1:name:bytes 2:type:Type"),
    "Type": layout("1:tensor:TensorType 4:sequence:bytes 5:map:bytes 8:sparse:bytes "
                   "9:optional:bytes"),
    "TensorType": layout("1:elem_type:int 2:shape:Shape"),
    "Shape": layout("1:dim:[Dimension]"),
    "Dimension": layout("1:value:int 2:param:bytes"),
}  # fmt: skip


def examine(content: bytes, where: str) -> Structure:
    """Return what an ONNX file is made of.

    Args:
        content: the whole file.
        where: what messages call it.

    Raises:
        ModelError: it is damaged, contradicts itself, or needs what no image classifier does.
    """
    model = Protobuf(content, where, MESSAGES).root("Model")
    graph, version = model["graph"], model["ir_version"] or 0
    if graph is None or version < 1 or not model["opset_import"]:
        raise damaged(where, "it has no graph, format version or operator set, as ONNX files do")
    if model["functions"] or model["training"] or graph["sparse_initializers"]:
        what = "has functions of its own, sparse weights or a graph to train"
        raise unfit(where, what, "export the plain model for inference")
    opsets = _opsets(model["opset_import"], where)
    found = _constants(graph["initializers"], where)
    inputs = _ports(graph["inputs"], found, where)
    for value in graph["values"]:
        _port(value, where)
    if not inputs or not graph["outputs"]:
        raise damaged(where, f"it has {len(inputs)} inputs and {len(graph['outputs'])} outputs")
    ops = check_nodes(graph["nodes"], found, opsets, where)
    outputs = tuple(_port(value, where) for value in graph["outputs"])
    for port in outputs:
        if port.name not in found.names:
            raise damaged(where, f"nothing gives output {shown(port.name)}")
    return Structure(
        "onnx",
        tuple(sorted(ops, key=lambda op: (op.domain, op.name))),
        inputs,
        outputs,
        any_batch=inputs[0].shape[:1] == (None,),
        ir_version=version,
        opset=opsets.get(""),
    )


def _opsets(rows: list[dict[str, Any]], where: str) -> dict[str, int]:
    """Return the version of each operator set by its domain; ONNX's own is the empty one."""
    found: dict[str, int] = {}
    for row in rows:
        domain, version = domain_name(row["domain"]), row["version"] or 0
        if version < 1 or found.get(domain, version) != version:
            raise damaged(where, f"operator set {shown(domain) or 'ai.onnx'} has version {version}")
        found[domain] = version
    return found


def _constants(tables: list[dict[str, Any]], where: str) -> Found:
    """Return the weights, by name, as what is there before any node."""
    found = Found({}, {}, set())
    for table in tables:
        name = named(table["name"])
        try:
            row: Constant = constant(table)
        except Wrong as wrong:
            raise damaged(where, f"weights {shown(name)} {wrong}") from None
        if not name or name in found.names:
            raise damaged(where, f"weights {shown(name)} are there twice, or have no name")
        found.add(name, row.shape, row)
    return found


def _ports(values: list[dict[str, Any]], found: Found, where: str) -> tuple[Port, ...]:
    """Return the inputs and note that they are there; files before 2019 list weights as well."""
    ports = []
    for value in values:
        port = _port(value, where)
        if port.name in found.names:
            if port.name not in found.constants:
                raise damaged(where, f"input {shown(port.name)} is there twice")
            continue
        # How many images is left open: one. Other sizes that are would make all unknown.
        first, rest = port.shape[:1], port.shape[1:]
        known = tuple(side for side in rest if side is not None)
        shape = (*(1 if side is None else side for side in first), *known)
        found.add(port.name, shape if len(known) == len(rest) else None)
        ports.append(port)
    return tuple(ports)


def _port(value: dict[str, Any], where: str) -> Port:
    """Return an input, an output or a value in between as the file states it."""
    name, kind = named(value["name"]), value["type"] or {}
    tensor = kind.get("tensor")
    dtype = TYPES.get((tensor or {}).get("elem_type") or 0)
    if tensor is None or dtype is None or not name:
        what = f"has {shown(name) or 'a value'}, which is no tensor of numbers"
        raise unfit(where, what, "export anew")
    dims = (tensor["shape"] or {"dim": []})["dim"]
    sides = [None if dim["value"] is None else int(dim["value"]) for dim in dims]
    known = tuple(1 if side is None else side for side in sides)
    if (
        len(known) > MOST_RANK
        or min(known, default=1) < 0
        or prod(known) * dtype.bits > MOST_BYTES * 8
    ):
        raise damaged(where, f"{shown(name)} has the shape {said(known)}")
    return Port(name, tuple(sides), dtype.name)

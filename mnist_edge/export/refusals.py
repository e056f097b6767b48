"""What converters refuse, in a line that names the operators and says what to do.

TensorFlow's converter says it in thirty lines about its own insides; tf2onnx says nothing and
writes a file that no runtime opens. The models in the tests make each of them do so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mnist_edge.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

# What TensorFlow's converter lists: operators that only TensorFlow itself has (Flex), and those
# that not even it would lend.
LACKING = re.compile(r"^(?:TF Select|Custom) ops: (.+)$", re.MULTILINE)
PLACE = re.compile(r'fused\["(\w+):", "([^"@]+)@')  # an operator and the path of its layer
QUANTIZER = re.compile(r"Quantization (?:to (\S+) )?not yet supported for op: '(\w+)'")
UNREGISTERED = re.compile(r"No Op registered for (\w+) with domain_version")  # ONNX Runtime's
ANSI = re.compile(r"\x1b\[[0-9;]*m")
HOLLOW = re.compile(r"Exception encountered when calling .*|Traceback .*|<unknown>:0: .*")
# Scopes around a layer's own: the model, and in TensorFlow Lite the one with one image a batch.
SCOPES = {"TensorFlow Lite": 2, "ONNX": 1}


def explain(error: BaseException) -> str:
    """Return in one line why a conversion failed.

    Args:
        error: what a converter raised, or an error of ours that was raised from it.

    Returns:
        The operators that are the matter and what to do, where the error is about operators;
        else its first line that says something.
    """
    texts = [ANSI.sub("", str(each)) for each in _causes(error)]
    whole = "\n".join(texts)
    lacking = [name.strip() for found in LACKING.findall(whole) for name in found.split(",")]
    if lacking:
        return _needs(lacking, dict(PLACE.findall(whole)), "TensorFlow Lite")
    quantizer = QUANTIZER.findall(whole)
    if quantizer:
        kind = quantizer[0][0] or "whole numbers"
        names = ", ".join(dict.fromkeys(name for _kind, name in quantizer))
        return f"{names} cannot be quantized to {kind}: take another quantization or layer"
    unregistered = UNREGISTERED.findall(whole)
    if unregistered:
        return _needs(unregistered, {}, "ONNX")
    lines = [line.strip() for text in texts for line in text.splitlines()]
    said = [line for line in lines if line and not HOLLOW.fullmatch(line)]
    return said[0] if said else type(error).__name__


def check_standard(content: bytes) -> None:
    """Refuse an ONNX file with operators that its own operator set does not have.

    tf2onnx leaves an operator that it cannot convert as it was in TensorFlow.

    Raises:
        ModelError: it has some; each is named with its layer.
    """
    import onnx

    model = onnx.load_from_string(content)
    versions = {each.domain: each.version for each in model.opset_import}
    places = {
        node.op_type: node.name
        for node in model.graph.node
        if node.domain in ("", "ai.onnx") and not _defined(node.op_type, versions.get("", 1))
    }
    if places:
        raise ModelError(_needs(list(places), places, "ONNX"))


def _defined(name: str, version: int) -> bool:
    import onnx

    try:
        onnx.defs.get_schema(name, version, "")
    except onnx.defs.SchemaError:
        return False
    return True


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Give an error and what it was raised from, the first cause first."""
    if error is not None:
        yield from _causes(error.__cause__)
        yield error


def _needs(names: list[str], places: dict[str, str], what: str) -> str:
    shown = []
    for name in dict.fromkeys(names):
        layer = "/".join(places.get(name, "").split("/")[SCOPES[what] : -1])
        shown.append(f"{name} (in {layer})" if layer else name)
    return (
        f"the model needs {', '.join(shown)}, which {what} does not have: use another layer there"
    )

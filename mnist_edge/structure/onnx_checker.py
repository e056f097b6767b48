"""ONNX's own checker, where that package is installed: a workstation, not a device."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from mnist_edge.structure.parts import damaged

if TYPE_CHECKING:
    from mnist_edge.structure.parts import Structure


def check_with_onnx(content: bytes, structure: Structure, where: str) -> bool:
    """Have a file that was examined checked against the operators' schemas.

    It costs 0.15 to 0.4 s for importing `onnx` and 15 ms for the check.

    Args:
        content: the whole file.
        structure: what `examine` said of it.
        where: what messages call it.

    Returns:
        Whether it was checked: not where `onnx` is absent, or older than the file.

    Raises:
        ModelError: the checker denies it.
    """
    if find_spec("onnx") is None:
        return False
    import onnx
    import onnx.checker

    newest = onnx.defs.onnx_opset_version()
    if (structure.ir_version or 0) > onnx.IR_VERSION or (structure.opset or 0) > newest:
        return False
    try:
        onnx.checker.check_model(content)
    except (onnx.checker.ValidationError, ValueError, RuntimeError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise damaged(where, f"onnx {onnx.__version__} says: {lines[0][:200]}") from None
    return True

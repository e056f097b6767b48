"""What a model file is made of, read before a native loader sees it.

    content = path.read_bytes()
    structure = examine(content, str(path))      # ModelError where the file is not sound
    structure.ops                                # (Op("CONV_2D", 3), ...): what a runtime must know

Python and numpy's names only: nothing native is imported or run.
"""

from __future__ import annotations

from mnist_edge.errors import ModelError
from mnist_edge.structure.onnx_checker import check_with_onnx
from mnist_edge.structure.parts import Op, Port, Structure

__all__ = ["Op", "Port", "Structure", "check_with_onnx", "examine"]

TFLITE = b"TFL3"  # bytes 4..8
ARCHIVE = b"PK\x03\x04"


def examine(content: bytes, where: str) -> Structure:
    """Return what a model file is made of; what kind it is, its bytes say.

    Args:
        content: the whole file.
        where: what messages call it, such as its path.

    Raises:
        ModelError: it is damaged, contradicts itself, or needs what small runtimes lack; or it
            is a .keras archive, which is a program of TensorFlow's and is not examined.
    """
    if content[4:8] == TFLITE:
        from mnist_edge.structure.tflite import examine as examine_tflite

        return examine_tflite(content, where)
    if content[:4] == ARCHIVE:
        raise ModelError(f"{where} is an archive, such as .keras; wanted .tflite or .onnx")
    from mnist_edge.structure.onnx import examine as examine_onnx

    return examine_onnx(content, where)

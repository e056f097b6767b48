"""Whether the oldest supported version of each runtime knows what a model file needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_edge.backends.ladder import LADDER
from mnist_edge.backends.needs import lacking
from mnist_edge.errors import ModelError, unknown
from mnist_edge.structure import examine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mnist_edge.backends.needs import Lacking

FORMATS = {row.name: row.formats[0] for row in LADDER if row.name != "keras"}
TARGETS = ("litert", "tflite-runtime", "onnxruntime")  # what devices have


def check_targets(content: bytes, path: Path | str, targets: Sequence[str] = TARGETS) -> None:
    """Refuse a model that a runtime it is meant for could not run.

    Each runtime is taken in the oldest version that is supported: what that one knows, all do.

    Args:
        content: the whole .tflite or .onnx file.
        path: what messages call it.
        targets: names of runtimes; those that do not open its format have no say.

    Raises:
        ModelError: the file is damaged, or a target lacks an operator, or has it in an older
            version; the line names all of them and says what to do.
        SettingError: an unknown target.
    """
    check_names(targets)
    structure = examine(content, str(path))
    asked = [name for name in targets if FORMATS[name] == structure.format]
    found = {name: lack for name in asked if (lack := lacking(structure, name)) is not None}
    if found:
        said = "; ".join(_said(lack) for lack in found.values())
        rest = [name for name in targets if name not in found]
        able = any(name in asked for name in rest)
        remedy = f"leave it out (--for {','.join(rest)}), or use " if able else "use "
        raise ModelError(f"{path} cannot run there: {said}: {remedy}another layer or quantization")


def check_names(targets: Sequence[str]) -> None:
    """Make sure that each name is a runtime's.

    Raises:
        SettingError: one is not.
    """
    for name in targets:
        if name not in FORMATS:
            raise unknown("runtime", name, FORMATS)


def _said(lack: Lacking) -> str:
    needs = ", ".join(f"{needed} (it knows {known})" for needed, known in lack.needs)
    return f"{lack.package} {lack.version} lacks {needs}"

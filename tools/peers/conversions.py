"""Models in the forms that peers want, made from artifacts/edge into .venv-peers/models."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.arm.steps import call, stamp

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent / "convert"
BUNDLE = Path(__file__).parents[2] / "artifacts" / "edge"
SOURCE = BUNDLE / "edge-float32.onnx"


def find(name: str, pythons: Callable[[str], Path], calibration: Path, home: Path) -> Path:
    """Return where a model of a peer is; it is made where it is not there.

    Args:
        name: as a Peer has it.
        pythons: gives the Python of an environment.
        calibration: an .npy of training images, uint8 [N,28,28].
        home: what is made lies in a folder of it, named after what it was made from and by.

    Raises:
        StepError: it cannot be made.
    """
    if not name or (BUNDLE / name).is_file():
        return BUNDLE / name
    scripts = sorted(HERE.iterdir())
    mark = stamp(*(hashlib.sha256(path.read_bytes()).hexdigest()
                   for path in (SOURCE, calibration, *scripts) if path.is_file()))  # fmt: skip
    folder = home / mark
    folder.mkdir(parents=True, exist_ok=True)
    form = name.partition(".")[2]
    if name.startswith("product-"):
        if not (folder / name).is_file():
            _say(name)
            call([sys.executable, str(HERE / "products.py"), str(folder)])
    elif form == "pte":
        if not (folder / name).is_file():
            _say(name)
            weights = folder / "weights.npz"
            call([sys.executable, str(HERE / "weights.py"), str(SOURCE), str(weights)])
            kind = name.removeprefix("edge-").partition(".")[0]
            partial = folder / f"{name}.partial"
            script = [str(pythons("executorch")), str(HERE / "to_executorch.py")]
            call([*script, str(weights), str(calibration), kind, str(partial)])
            partial.replace(folder / name)
    elif not (folder / f"{name}.param").is_file():
        _say(name)
        _by_pnnx(folder / name, pythons("ncnn"))
    return folder / name


def _by_pnnx(target: Path, python: Path) -> None:
    """Convert by ncnn's own converter, a program within the Python package of that name."""
    (program,) = python.parents[1].glob("lib/python*/site-packages/pnnx/pnnx")
    copy = target.with_name("edge.onnx")  # it writes what it makes beside it
    copy.write_bytes(SOURCE.read_bytes())
    call([str(program), str(copy), "inputshape=[1,28,28,1]", "fp16=0",
          f"ncnnbin={target}.bin", f"ncnnparam={target}.param"], cwd=target.parent)  # fmt: skip


def _say(name: str) -> None:
    print(f"Making {name}: once", file=sys.stderr, flush=True)

"""The page's JavaScript in node, and LiteRT beside it: for tests and tools/compare_pad.py."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.backends import open_backend
from mnist_edge.report.pad import library

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

# Everything goes to stdout by the descriptor, in one piece: a pipe takes a part at a time.
BEFORE = """
ModelError.prototype.name = "ModelError";
const fs = require("fs");
const write = (bytes) => { for (let at = 0; at < bytes.length;) at += fs.writeSync(1, bytes, at); };
const fail = ({ name, message }) => {
  process.stderr.write(`${name}: ${message}\\n`);
  process.exit(1);
};
const input = new Uint8Array(fs.readFileSync(0));
try {
"""
ANSWERS = """
const model = new Model(new Uint8Array(fs.readFileSync(process.argv[2])));
for (let at = 0; at < input.length; at += 784) {
  const found = model.run(input.subarray(at, at + 784));
  write(new Uint8Array(found.buffer, found.byteOffset, found.byteLength));
}
"""


class NodeError(Exception):
    """There is no node, or what ran in it ended with an error: what it said."""


def find_node() -> str:
    """Return the path of node: of the one on the PATH, else of the one in playwright's wheel.

    Raises:
        NodeError: there is neither.
    """
    found = shutil.which("node") or _of_playwright()
    if found is None:
        raise NodeError(
            "no node on the PATH, and none in playwright: pip install -r requirements-dev.txt"
        )
    return found


def _of_playwright() -> str | None:
    try:
        from playwright._impl._driver import compute_driver_executable
        from playwright._impl._errors import Error
    except ImportError:
        return None
    try:
        program, _ = compute_driver_executable()
    except Error:  # made from its source, it carries none
        return None
    return shutil.which(program)


def run_script(script: str, content: bytes = b"", *arguments: object) -> bytes:
    """Run lines of JavaScript that see the pad's library.

    Args:
        script: has `input`, a Uint8Array, and `write`, which takes the bytes that come back.
        content: of `input`.
        arguments: process.argv from its third on.

    Raises:
        NodeError: there is no node, or the script ended with an error.
    """
    lines = ['"use strict";', library(), BEFORE, script, "} catch (error) { fail(error); }"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.cjs"
        path.write_text("\n".join(lines), encoding="utf-8")
        ended = subprocess.run(
            [find_node(), path, *map(str, arguments)],
            input=content, capture_output=True, check=False,
        )  # fmt: skip
    if ended.returncode:
        raise NodeError(ended.stderr.decode())
    return ended.stdout


def answers(path: Path, images: NDArray[np.uint8], dtype: DTypeLike = np.int8) -> NDArray[Any]:
    """Return what the page's interpreter says of images, uint8 [N,28,28]: raw [N,K] of a dtype."""
    came = np.frombuffer(run_script(ANSWERS, images.tobytes(), path), dtype)
    return came.reshape(len(images), -1)


class LiteRT:
    """A model in LiteRT, one image at a time, with the kernels that it takes by itself: XNNPACK's.

    Args:
        path: of the model.
        reference: whether its reference kernels run in their place; every operator's result is
            kept then.
    """

    def __init__(self, path: Path, *, reference: bool = False) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        kinds = OpResolverType
        self._interpreter = Interpreter(
            str(path),
            num_threads=1,
            experimental_op_resolver_type=kinds.BUILTIN_REF if reference else kinds.AUTO,
            experimental_preserve_all_tensors=reference,
        )
        self._interpreter.allocate_tensors()
        self._taken = self._interpreter.get_input_details()[0]
        self._given = self._interpreter.get_output_details()[0]
        with open_backend(path, "litert") as backend:
            self._encode = backend.encode_batch

    def run(self, image: NDArray[np.uint8]) -> NDArray[Any]:
        """Return the raw output [K] for an image, uint8 [28,28]."""
        raw = self._encode(image[None, :, :, None])
        self._interpreter.set_tensor(self._taken["index"], raw.reshape(self._taken["shape"]))
        self._interpreter.invoke()
        row: NDArray[Any] = self._interpreter.get_tensor(self._given["index"])[0].copy()
        return row

    def tensor(self, place: int) -> bytes:
        """Return the bytes of a tensor after a run of the reference kernels."""
        content: bytes = self._interpreter.get_tensor(place).tobytes()
        return content

import json
import runpy
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mnist_edge.report.pad import library
from mnist_edge.structure.tflite_schema import OPERATORS

ARTIFACTS = Path(__file__).parents[3] / "artifacts"
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


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    """Runs lines of JavaScript that see the pad's library: `node(script, input, *arguments)`.

    `input` is a Uint8Array there; `write` takes the bytes that come back.
    """
    program = shutil.which("node")
    if program is None:
        pytest.fail("node is not installed; these tests run the page's JavaScript", pytrace=False)
    folder = tmp_path_factory.mktemp("node")

    def run(script, content=b"", *arguments, fails=False):
        path = folder / "run.cjs"
        lines = ['"use strict";', library(), BEFORE, script, "} catch (error) { fail(error); }"]
        path.write_text("\n".join(lines), encoding="utf-8")
        ended = subprocess.run(
            [program, path, *map(str, arguments)], input=content, capture_output=True, check=False
        )
        assert bool(ended.returncode) == fails, ended.stderr.decode()
        return ended.stderr.decode() if fails else ended.stdout

    return run


@pytest.fixture(scope="session")
def answers(node):
    """What the page's interpreter says of images, uint8 [N,28,28]: raw [N,K] of a dtype."""

    def run(path, images, dtype=np.int8):
        script = """
        const model = new Model(new Uint8Array(fs.readFileSync(process.argv[2])));
        for (let at = 0; at < input.length; at += 784) {
          const found = model.run(input.subarray(at, at + 784));
          write(new Uint8Array(found.buffer, found.byteOffset, found.byteLength));
        }
        """
        came = np.frombuffer(node(script, images.tobytes(), path), dtype)
        return came.reshape(len(images), -1)

    return run


@pytest.fixture(scope="session")
def computed(node):
    """What the page's interpreter computes for one image, uint8 [28,28]: bytes by tensor."""

    def run(path, image):
        script = """
        const model = new Model(new Uint8Array(fs.readFileSync(process.argv[2])));
        model.run(input);
        const rows = model.tensors.map(({ constant, data }) =>
          constant ? null : Buffer.from(data.buffer).toString("hex"));
        write(Buffer.from(JSON.stringify(rows)));
        """
        rows = json.loads(node(script, image.tobytes(), path))
        return {place: bytes.fromhex(row) for place, row in enumerate(rows) if row is not None}

    return run


@pytest.fixture(scope="session")
def artifacts():
    return ARTIFACTS


@pytest.fixture(scope="session")
def foreign(locate):
    """The shipped nano with LOG_SOFTMAX, which the pad does not know, in place of SOFTMAX."""
    content = bytearray((ARTIFACTS / "nano" / "nano-int8.tflite").read_bytes())
    for place in range(10):
        at, _ = locate(content, "operator_codes", place, "deprecated_builtin_code")
        if content[at] == OPERATORS.index("SOFTMAX"):
            content[at] = OPERATORS.index("LOG_SOFTMAX")  # the greater of two fields counts
            return bytes(content)
    raise AssertionError("there is no SOFTMAX")


class Reference:
    """A model on LiteRT's reference kernels, which keeps what every operator gave."""

    def __init__(self, path):
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        from mnist_edge.backends import open_backend

        self.interpreter = Interpreter(
            str(path),
            experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
            experimental_preserve_all_tensors=True,
        )
        self.interpreter.allocate_tensors()
        self.taken = self.interpreter.get_input_details()[0]
        self.given = self.interpreter.get_output_details()[0]
        with open_backend(path, "litert") as backend:
            self.encode = backend.encode_batch

    def run(self, image):
        """Return the output [K] for an image, uint8 [28,28]."""
        raw = self.encode(image[None, :, :, None])
        self.interpreter.set_tensor(self.taken["index"], raw.reshape(self.taken["shape"]))
        self.interpreter.invoke()
        return self.interpreter.get_tensor(self.given["index"])[0].copy()

    def tensor(self, place):
        """Return the bytes of a tensor after a run."""
        return self.interpreter.get_tensor(place).tobytes()


@pytest.fixture(scope="session")
def reference():
    return Reference


@pytest.fixture(scope="session")
def locate():
    """Where a flatbuffer has something: of tests/structure."""
    return runpy.run_path(str(ARTIFACTS.parent / "tests" / "structure" / "conftest.py"))["locate"]

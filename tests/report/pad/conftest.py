import json
import runpy
from functools import partial
from pathlib import Path

import pytest

from mnist_edge.structure.tflite_schema import OPERATORS
from tools import pad_in_node
from tools.pad_in_node import LiteRT, NodeError, find_node, run_script

ARTIFACTS = Path(__file__).parents[3] / "artifacts"


@pytest.fixture(scope="session")
def node():
    """Runs lines of JavaScript that see the pad's library: `node(script, input, *arguments)`.

    `input` is a Uint8Array there; `write` takes the bytes that come back. What `fails` gives what
    it said.
    """
    try:
        find_node()
    except NodeError as error:
        pytest.fail(f"{error}; these tests run the page's JavaScript", pytrace=False)

    def run(script, content=b"", *arguments, fails=False):
        if not fails:
            return run_script(script, content, *arguments)
        with pytest.raises(NodeError) as caught:
            run_script(script, content, *arguments)
        return str(caught.value)

    return run


@pytest.fixture(scope="session")
def answers(node):
    """What the page's interpreter says of images, uint8 [N,28,28]: raw [N,K] of a dtype."""
    return pad_in_node.answers


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


@pytest.fixture(scope="session")
def reference():
    """A model on LiteRT's reference kernels, which keeps what every operator gave."""
    return partial(LiteRT, reference=True)


@pytest.fixture(scope="session")
def locate():
    """Where a flatbuffer has something: of tests/structure."""
    return runpy.run_path(str(ARTIFACTS.parent / "tests" / "structure" / "conftest.py"))["locate"]

"""Which runtimes a board gets."""

from itertools import pairwise

import pytest

from mnist_edge.bench.remote.choice import choose
from mnist_edge.bench.remote.supplies import target
from mnist_edge.errors import HostError
from mnist_edge.interpreter import Interpreter

BOTH = ("tflite", "onnx")


def board(tag="cp311", machine="aarch64", bits=64, libc="glibc", version=(2, 36)):
    python = f"{tag[2]}.{tag[3:]}.2"
    return Interpreter(python, tag, "Linux", machine, bits, libc, version)


@pytest.mark.parametrize(
    ("there", "formats", "asked", "runtimes", "requirements"),
    [
        (board(), BOTH, (), ("litert", "onnxruntime"), ("ai-edge-litert", "onnxruntime")),
        (board(), ("tflite",), (), ("litert",), ("ai-edge-litert",)),
        (board(), BOTH, ("onnxruntime",), ("onnxruntime",), ("onnxruntime",)),
        (board(), BOTH, ("tflite-runtime", "keras"), ("tflite-runtime",),
         ("tflite-runtime", "numpy<2")),
        (board("cp313", version=(2, 41)), BOTH, (), ("litert", "onnxruntime"),
         ("ai-edge-litert", "onnxruntime")),
        (board(machine="armv7l", bits=32), BOTH, (), ("tflite-runtime",),
         ("tflite-runtime", "numpy<2")),
    ],
)  # fmt: skip
def test_it_gets_what_has_wheels_for_it(there, formats, asked, runtimes, requirements):
    found = choose(there, formats, asked)
    assert (found.runtimes, found.requirements) == (runtimes, requirements)
    assert found.system_numpy == (there.bits == 32)


def test_what_is_left_out_is_said_with_the_reason():
    assert choose(board(machine="armv7l", bits=32), BOTH).left_out == (
        "no wheel of onnxruntime for armv7l (32-bit): use tflite-runtime: pip install "
        '"mnist-edge[tflite]"',
    )
    assert choose(board(), BOTH).left_out == ()


@pytest.mark.parametrize(
    ("there", "formats", "asked", "said"),
    [
        (board(libc="musl", version=None), BOTH, (),
         "pi: no runtime can be had there: no wheel of ai-edge-litert for musl: use a system with "
         "glibc, such as Debian or Raspberry Pi OS"),
        (board("cp312", "armv7l", 32), ("tflite",), (),
         "pi: no runtime can be had there: no wheel of ai-edge-litert for armv7l (32-bit): install "
         "a 64-bit system, or use mnist-edge[tflite] with Python 3.10 or 3.11"),
        (board(), ("tflite",), ("onnxruntime",),
         "pi: no runtime can be had there: of onnxruntime none opens the models: litert, "
         "tflite-runtime do"),
    ],
)  # fmt: skip
def test_where_there_is_none_it_says_why(there, formats, asked, said):
    with pytest.raises(HostError) as caught:
        choose(there, formats, asked, "pi")
    assert str(caught.value) == said


def test_wheels_are_asked_for_by_what_the_board_is():
    words = target(board(version=(2, 31)))
    pairs = set(pairwise(words))
    assert ("--platform", "manylinux_2_31_aarch64") in pairs
    assert ("--platform", "manylinux2014_aarch64") in pairs
    assert ("--platform", "manylinux_2_34_aarch64") not in pairs
    assert {("--python-version", "3.11"), ("--abi", "cp311"), ("--abi", "abi3")} <= pairs
    assert "--only-binary=:all:" in words

"""What people are told whose Python has no wheel of a runtime."""

import re
from pathlib import Path

import pytest

from mnist_edge.backends.ladder import LADDER
from mnist_edge.backends.wheels import SMALL, WHEELS, has_wheel, why_none
from mnist_edge.interpreter import Interpreter


def host(machine="aarch64", minor=11, glibc=(2, 36), **other):
    bits = 64 if machine in ("aarch64", "x86_64", "arm64", "AMD64", "riscv64") else 32
    settings = {"system": "Linux", "libc": "glibc", "libc_version": glibc, **other}
    settings.setdefault("tag", f"cp3{minor}")
    return Interpreter(f"3.{minor}.2", machine=machine, bits=bits, **settings)


@pytest.mark.parametrize(
    ("package", "here"),
    [
        ("ai-edge-litert", host()),
        ("ai-edge-litert", host("x86_64", 14, (2, 27))),
        ("ai-edge-litert", host("x86_64", 14, None)),  # it does not tell: pip will
        ("onnxruntime", host(minor=13, tag="cp313t")),
        ("tflite-runtime", host("armv7l")),
        ("tensorflow", host("arm64", 13, None, system="Darwin", libc=None)),
        ("somebody-elses", host("riscv64", 15)),
    ],
)
def test_where_there_is_a_wheel_nothing_is_in_the_way(package, here):
    assert has_wheel(package, here)


CASES = {
    # Raspberry Pi OS, 32-bit: Bookworm has Python 3.11, Trixie 3.13
    ("ai-edge-litert", host("armv7l")): (
        "no wheel of ai-edge-litert for armv7l (32-bit)",
        'use tflite-runtime: pip install "mnist-edge[tflite]"',
    ),
    ("ai-edge-litert", host("armv7l", 13)): (
        "no wheel of ai-edge-litert for armv7l (32-bit)",
        "install a 64-bit system, or use mnist-edge[tflite] with Python 3.10 or 3.11",
    ),
    ("tflite-runtime", host("armv7l", 13)): (
        "no wheel of tflite-runtime for Python 3.13 on armv7l (32-bit)",
        "use CPython 3.10 to 3.11",
    ),
    ("onnxruntime", host("armv6l")): (
        "no wheel of onnxruntime for armv6l (32-bit)",
        "use a Raspberry Pi Zero 2 W, 3 or later with a 64-bit system",
    ),
    ("onnxruntime", host("i686")): (
        "no wheel of onnxruntime for i686 (32-bit)",
        "install a 64-bit system",
    ),
    ("tflite-runtime", host(minor=11, glibc=(2, 31))): (
        "the wheel of tflite-runtime needs glibc 2.34, here is 2.31",
        "upgrade the system: Debian 12 and Raspberry Pi OS Bookworm have glibc 2.36",
    ),
    ("ai-edge-litert", host("x86_64", 12, None, libc="musl")): (
        "no wheel of ai-edge-litert for musl",
        "use a system with glibc, such as Debian or Raspberry Pi OS",
    ),
    ("ai-edge-litert", host(minor=15)): (
        "no wheel of ai-edge-litert for Python 3.15 on aarch64",
        "use CPython 3.10 to 3.14",
    ),
    ("ai-edge-litert", host(minor=13, tag="cp313t")): (
        "no wheel of ai-edge-litert for free-threaded Python 3.13 on aarch64",
        "use CPython 3.10 to 3.14",
    ),
    ("onnxruntime", host(minor=10, tag="pp310")): (
        "no wheel of onnxruntime for PyPy 3.10 on aarch64",
        "use CPython 3.10 to 3.14",
    ),
    ("ai-edge-litert", host("x86_64", 12, None, system="Darwin", libc=None)): (
        "no wheel of ai-edge-litert for Darwin on x86_64",
        'use onnxruntime: pip install "mnist-edge[onnx]"',
    ),
    ("onnxruntime", host("riscv64", 13)): (
        "no wheel of onnxruntime for riscv64",
        "build it from its sources",
    ),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: CASES[case][0])
def test_where_there_is_none_it_says_why_and_what_to_do(case):
    assert not has_wheel(*case)
    assert why_none(*case) == CASES[case]


def test_what_is_named_instead_has_a_wheel_there():
    for (package, here), (_, remedy) in CASES.items():
        if extra := re.search(r'pip install "mnist-edge\[(\w+)\]"', remedy):
            (other,) = [name for name, known in SMALL.items() if known == extra[1]]
            assert other != package
            assert remedy.startswith(f"use {other}: ")
            assert has_wheel(other, here)


def test_the_table_has_every_package_of_the_ladder_and_every_python_of_ours(root):
    assert {row.package for row in LADDER} == set(WHEELS)
    assert {row.package: row.extra for row in LADDER if row.package in SMALL} == SMALL
    oldest = re.search(r'requires-python = ">=3\.(\d+)"', Path(root / "pyproject.toml").read_text())
    for package, rows in WHEELS.items():
        assert rows[0].system == "Linux", package
        assert rows[0].tags[0] == f"cp3{oldest[1]}", package

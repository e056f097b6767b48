import os
import platform
import struct
import sys
import sysconfig

import pytest

from mnist_edge import interpreter
from mnist_edge.interpreter import this_interpreter


def test_it_says_what_this_python_is():
    here = this_interpreter()
    assert here.python == ".".join(map(str, sys.version_info[:3]))
    assert here.tag.startswith(f"cp{sys.version_info.major}{sys.version_info.minor}")
    assert here.bits == (64 if sys.maxsize > 2**32 else 32)
    if platform.libc_ver()[0] == "glibc":
        assert here.libc == "glibc"
        assert ".".join(map(str, here.libc_version)) == platform.libc_ver()[1]


@pytest.mark.parametrize(
    ("kernel", "machine"),
    [("aarch64", "armv7l"), ("x86_64", "i686"), ("armv7l", "armv7l"), ("armv6l", "armv6l")],
)
def test_a_64_bit_kernel_does_not_hide_a_32_bit_python(monkeypatch, kernel, machine):
    monkeypatch.setattr(platform, "machine", lambda: kernel)
    monkeypatch.setattr(struct, "calcsize", lambda _form: 4)
    here = this_interpreter()
    assert (here.machine, here.bits) == (machine, 32)


def test_musl_is_told_by_what_python_was_built_for(monkeypatch):
    def deny(_name):
        raise ValueError("unrecognized configuration name")

    known = {"HOST_GNU_TYPE": "aarch64-alpine-linux-musl"}
    monkeypatch.setattr(os, "confstr", deny)
    monkeypatch.setattr(sysconfig, "get_config_var", known.get)
    here = this_interpreter()
    assert (here.libc, here.libc_version) == ("musl", None)
    known["HOST_GNU_TYPE"] = "aarch64-apple-darwin"
    assert this_interpreter().libc is None


def test_a_free_threaded_python_has_a_tag_of_its_own(monkeypatch):
    monkeypatch.setattr(interpreter.sysconfig, "get_config_var", {"Py_GIL_DISABLED": 1}.get)
    assert this_interpreter().tag.endswith("t")

import hashlib
import sys

import pytest

from mnist_edge.digest import sha256_hex


@pytest.mark.parametrize("content", [b"", b"abc", bytes(range(256)) * 1000])
def test_it_is_the_sha256_of_the_standard_library(content):
    assert sha256_hex(content) == hashlib.sha256(content).hexdigest()


def test_without_its_own_the_one_of_hashlib_is_taken(monkeypatch):
    import importlib

    import mnist_edge.digest as digest

    monkeypatch.setitem(sys.modules, "_sha2", None)
    monkeypatch.setitem(sys.modules, "_sha256", None)
    again = importlib.reload(digest)
    assert again.sha256 is hashlib.sha256
    assert again.sha256_hex(b"abc").startswith("ba7816bf")
    monkeypatch.undo()
    importlib.reload(digest)

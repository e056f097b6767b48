"""A board for the tests: this machine, seen through a real SSH server, with a home of its own."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mnist_edge.bench.remote import agent
from mnist_edge.bundle import manifest_text
from mnist_edge.digest import sha256_hex
from tools.loopback_sshd import Loopback, loopback

PASSED = ("PIP_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REQUESTS_")


@dataclass
class Board:
    server: Loopback
    home: Path
    started: set  # folders that were seen

    def left(self):
        """What is in its home beyond what was there, and what runs of that which was started."""
        found = [str(path) for path in self.home.iterdir() if path.name != ".bashrc"]
        self.started |= set(found)
        return found + [process for folder in self.started for process in agent.started(folder)]


@contextmanager
def make_board(folder, path=None, **environment):
    """A board whose Python is this one; it says something to everybody who logs in."""
    home, programs = folder / "home", folder / "bin"
    home.mkdir(parents=True)
    (home / ".bashrc").write_text("echo Welcome, there are updates; echo mnist-edge >&2\n")
    if path is None:
        programs.mkdir()
        (programs / "python3").symlink_to(sys._base_executable)
        path = f"{programs}:/usr/bin:/bin"
    given = {name: value for name, value in os.environ.items() if name.upper().startswith(PASSED)}
    for place in (".config/pip/pip.conf", ".pip/pip.conf"):  # of a home that the board does not see
        if (Path.home() / place).is_file():
            given.setdefault("PIP_CONFIG_FILE", str(Path.home() / place))
    given |= {"HOME": str(home), "PATH": path, "TMPDIR": "", **environment}
    with loopback(folder / "sshd", **given) as server:
        yield Board(server, home, set())


@pytest.fixture(scope="package")
def board(tmp_path_factory):
    with make_board(tmp_path_factory.mktemp("board")) as made:
        yield made


@pytest.fixture
def ssh(board, monkeypatch):
    """Nothing was left on the board by the test before; commands find it."""
    assert board.left() == []
    monkeypatch.setenv("MNIST_EDGE_SSH", board.server.client)


def few_models(bundle, folder, files):
    """A bundle with some of its models."""
    shutil.copytree(bundle.folder, folder)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["models"] = [item for item in manifest["models"] if item["file"] in files]
    path.write_text(manifest_text(manifest), encoding="utf-8")
    return folder


@pytest.fixture(scope="package")
def small(bundle, tmp_path_factory):
    files = ("edge.keras", "edge-float32.onnx", "edge-float32.tflite", "edge-int8.tflite")
    return few_models(bundle, tmp_path_factory.mktemp("small") / "small", files)


@pytest.fixture(scope="package")
def spoilt(bundle, tmp_path_factory):
    """A bundle whose golden answers are not those of its models, and whose hashes hold."""
    files = ("edge-float32.tflite", "edge-int8.tflite")
    folder = few_models(bundle, tmp_path_factory.mktemp("spoilt") / "spoilt", files)
    with np.load(folder / "golden.npz") as golden:
        arrays = dict(golden)
    arrays["edge-int8.tflite"] = arrays["edge-int8.tflite"][:, ::-1]
    np.savez(folder / "golden.npz", **arrays)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["golden"]["sha256"] = sha256_hex((folder / "golden.npz").read_bytes())
    path.write_text(manifest_text(manifest), encoding="utf-8")
    return folder


@pytest.fixture
def boards():
    """Makes boards of other kinds: `with boards(folder, path=..., **environment) as board`."""
    return make_board


@pytest.fixture
def desk(root):
    """Starts Python in a process of its own that can be ended: `desk(code)`."""
    begun = []

    def start(code):
        begun.append(
            subprocess.Popen(
                [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True, env={**os.environ, "PYTHONPATH": str(root)},
            )
        )  # fmt: skip
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.communicate()

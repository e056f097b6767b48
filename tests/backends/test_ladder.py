"""Which runtime is taken, and what is said of those that were not."""

import importlib.metadata
import sys
import types
from dataclasses import replace

import numpy as np
import pytest

from mnist_edge.backends import ladder, open_backend, runtime, runtimes
from mnist_edge.backends.base import Backend
from mnist_edge.backends.ladder import LADDER, installed_runtime, none_usable, usable
from mnist_edge.backends.runtime import Runtime
from mnist_edge.classifier import SHIPPED
from mnist_edge.errors import MissingExtraError
from mnist_edge.interpreter import Interpreter
from mnist_edge.quantize import TensorSpec

PI_32_BIT = Interpreter("3.13.5", "cp313", "Linux", "armv7l", 32, "glibc", (2, 41))
MODEL = SHIPPED / "edge-int8.tflite"
ROWS = {row.name: row for row in LADDER}


@pytest.fixture
def pretend(monkeypatch):
    """Let it look as though these modules were installed, and no others."""

    def install(*modules):
        found = types.SimpleNamespace(origin="somewhere")
        monkeypatch.setattr(runtime, "find_spec", lambda name: found if name in modules else None)

    return install


def test_each_rung_says_why_it_cannot_be_used(pretend, monkeypatch):
    pretend()
    monkeypatch.setattr("mnist_edge.interpreter.this_interpreter", lambda: PI_32_BIT)
    said = {row.name: str(row.obstacle()) for row in LADDER}
    assert said["litert"].startswith("no wheel of ai-edge-litert for armv7l (32-bit): install")
    assert said["tflite-runtime"].startswith("no wheel of tflite-runtime for Python 3.13")
    assert said["keras"].startswith("no wheel of tensorflow for armv7l (32-bit): install")
    at_the_desk = replace(PI_32_BIT, machine="x86_64", bits=64)
    assert str(ROWS["onnxruntime"].obstacle(at_the_desk)) == (
        'not installed: pip install "mnist-edge[onnx]"'
    )
    assert ROWS["onnxruntime"].obstacle(at_the_desk).kind == "not installed"
    pretend("onnxruntime")
    assert ROWS["onnxruntime"].obstacle(PI_32_BIT) is None  # it is here, whatever the index has


def test_tflite_runtime_is_passed_over_where_numpy_is_too_new(pretend, monkeypatch):
    pretend("tflite_runtime")
    monkeypatch.setattr(np, "__version__", "2.4.6")
    row = ROWS["tflite-runtime"]
    assert row.installed
    assert not row.usable
    said = 'tflite-runtime needs numpy below 2, here is 2.4.6: pip install "numpy<2"'
    assert str(row.obstacle()) == said
    assert runtimes() == ()
    with pytest.raises(MissingExtraError, match=r'cannot be used here: .*pip install "numpy<2"'):
        installed_runtime("tflite-runtime")
    monkeypatch.setattr(np, "__version__", "1.26.4")
    assert row.usable
    assert row.obstacle() is None
    assert runtimes() == ("tflite-runtime",)


def test_a_leftover_folder_is_no_runtime(tmp_path, monkeypatch):
    (tmp_path / "leftover").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    row = ROWS["onnxruntime"]._replace(module="leftover")
    assert not row.installed
    (tmp_path / "leftover" / "__init__.py").write_text("")
    importlib.invalidate_caches()
    assert row.installed


@pytest.mark.needs("litert", "tensorflow-lite")
def test_who_falls_to_a_lower_rung_is_told_why(monkeypatch):
    with open_backend(MODEL) as backend:
        assert (backend.runtime, backend.passed_over) == ("litert", ())
    monkeypatch.setattr(Runtime, "installed", Absent("litert", "tflite-runtime"))
    with open_backend(MODEL) as backend:
        assert backend.runtime == "tensorflow-lite"
        litert, tflite_runtime = backend.passed_over
        assert litert == 'litert: not installed: pip install "mnist-edge[litert]"'
        assert tflite_runtime.startswith("tflite-runtime: n")
    with open_backend(MODEL, "tensorflow-lite") as backend:
        assert backend.passed_over == ()


class Absent(property):
    """Lets the runtimes of these names look as though they were not installed."""

    def __init__(self, *names):
        super().__init__(lambda row: row.name not in names)


@pytest.mark.needs("litert", "tensorflow-lite")
def test_a_runtime_that_breaks_on_opening_is_told_of_too(monkeypatch):
    broken = types.ModuleType("ai_edge_litert.interpreter")

    def fail(**_settings):
        raise SystemError("built for another numpy")

    broken.Interpreter = fail
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", broken)
    with open_backend(MODEL) as backend:
        assert backend.runtime == "tensorflow-lite"
        assert backend.passed_over[0].startswith("litert: ")
        assert backend.passed_over[0].endswith("built for another numpy")


def test_where_none_can_be_used_the_first_that_pip_could_bring_is_named(pretend, monkeypatch):
    def on(here):
        monkeypatch.setattr("mnist_edge.interpreter.this_interpreter", lambda: here)
        return str(none_usable(("tflite", "onnx")))

    pretend()
    said = on(replace(PI_32_BIT, machine="aarch64", bits=64))
    assert said == (
        "a runtime for .tflite, .onnx files (ai-edge-litert) is not installed: "
        'pip install "mnist-edge[litert]"'
    )
    older = replace(PI_32_BIT, python="3.11.2", tag="cp311", libc_version=(2, 36))
    assert on(older).endswith('(tflite-runtime) is not installed: pip install "mnist-edge[tflite]"')
    assert on(PI_32_BIT) == (
        "a runtime for .tflite, .onnx files cannot be had here: litert: no wheel of "
        "ai-edge-litert for armv7l (32-bit): install a 64-bit system, or use mnist-edge[tflite] "
        "with Python 3.10 or 3.11"
    )
    pretend("tflite_runtime")
    monkeypatch.setattr(np, "__version__", "2.4.6")
    assert on(older).endswith('here is 2.4.6: pip install "numpy<2"')


class Theirs(Backend):
    formats = ("onnx", "tflite")

    def _open(self, path, content, threads):
        return TensorSpec("in", (1, 28, 28, 1), "float32"), TensorSpec("out", (1, 4), "float32")

    def _run(self, raw):
        return np.full((len(raw), 4), np.float32(0.25))

    def _close(self):
        pass


def test_runtimes_of_others_are_taken_where_none_of_ours_can_be_used(pretend, monkeypatch):
    row = Runtime("theirs", Theirs.formats, "json", "their-package", None, lambda: Theirs)
    monkeypatch.setattr(ladder, "known_runtimes", lambda: (*LADDER, row))
    pretend("onnxruntime", "json")
    assert [each.name for each in usable(("onnx",))] == ["onnxruntime"]
    assert [each.name for each in usable(("tflite",))] == ["theirs"]
    assert [each.name for each in usable(("tflite", "onnx"))] == ["onnxruntime"]
    assert usable(("keras",)) == []
    assert runtimes(("onnx",)) == ("onnxruntime", "theirs")
    pretend()
    assert str(row.obstacle()) == "not installed: pip install their-package"


def test_a_lower_rung_of_somebody_else_tells_of_all_of_ours(pretend, monkeypatch):
    row = Runtime("theirs", Theirs.formats, "json", "their-package", None, lambda: Theirs)
    monkeypatch.setattr(ladder, "known_runtimes", lambda: (*LADDER, row))
    pretend("json")
    with open_backend(MODEL) as backend:
        assert backend.runtime == "theirs"
        names = [line.partition(":")[0] for line in backend.passed_over]
        assert names == ["litert", "tflite-runtime", "tensorflow-lite"]

import sys
from dataclasses import replace

import pytest

from mnist_edge.errors import ModelError
from mnist_edge.structure import check_with_onnx, examine, onnx_checker

has_onnx = pytest.mark.needs("keras")  # the package, which comes with the training extra


@has_onnx
def test_a_whole_model_passes(onnx_model):
    assert check_with_onnx(onnx_model, examine(onnx_model, "a.onnx"), "a.onnx")


@has_onnx
def test_what_the_operators_schema_denies_is_refused(made):
    content = made.model([made.node("Softmax", ["x"], ["y"], beta=2)])
    structure = examine(content, "a.onnx")  # a setting that Softmax does not have
    with pytest.raises(ModelError, match=r"a\.onnx is damaged: onnx .* says: .*beta") as caught:
        check_with_onnx(content, structure, "a.onnx")
    assert "\n" not in str(caught.value)


@has_onnx
def test_a_file_newer_than_the_checker_is_left_to_the_runtime(onnx_model):
    structure = examine(onnx_model, "a.onnx")
    assert not check_with_onnx(b"", replace(structure, opset=999), "a.onnx")
    assert not check_with_onnx(b"", replace(structure, ir_version=999), "a.onnx")


def test_without_onnx_nothing_is_imported(onnx_model, monkeypatch):
    structure = examine(onnx_model, "a.onnx")
    monkeypatch.setattr(onnx_checker, "find_spec", lambda _name: None)
    monkeypatch.setitem(sys.modules, "onnx", None)  # importing it would fail
    assert not check_with_onnx(onnx_model, structure, "a.onnx")

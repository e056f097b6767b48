import json

import pytest

from mnist_edge.backends.needs import KNOWN, why_not
from mnist_edge.structure import Op, Structure, examine


def tflite(*ops):
    return Structure("tflite", tuple(Op(*op) for op in ops), (), (), any_batch=True)


def onnx(*names, opset=17, ir_version=8, domain=""):
    ops = tuple(Op(name, opset, domain) for name in names)
    return Structure("onnx", ops, (), (), True, ir_version, opset)


def test_what_every_supported_version_knows_is_fine(bundle):
    for entry in bundle.models:
        if entry.format == "keras" or entry.quantization == "dynamic":
            continue
        structure = examine((bundle.folder / entry.file).read_bytes(), entry.file)
        runtimes = {
            "tflite": ("litert", "tflite-runtime", "tensorflow-lite"),
            "onnx": ("onnxruntime",),
        }
        for runtime in runtimes[entry.format]:
            assert why_not(structure, runtime) is None


def test_an_operator_that_came_later_gets_the_versions_and_the_remedy():
    structure = tflite(("CONV_2D", 3), ("FULLY_CONNECTED", 12))
    assert why_not(structure, "tflite-runtime", "2.14.0") == (
        "FULLY_CONNECTED version 12 is needed, tflite-runtime 2.14.0 knows up to 10: "
        'pip install "mnist-edge[litert]" "ai-edge-litert>=1.1.1", '
        "or export it in another quantization"
    )
    assert why_not(structure, "litert") is None


def test_the_first_version_that_knows_it_is_named():
    structure = tflite(("FULLY_CONNECTED", 14))
    assert '"ai-edge-litert>=2.1.0"' in why_not(structure, "litert", "2.0.3")
    assert why_not(structure, "litert", "2.1.0") is None
    assert why_not(structure, "litert", "2.1.6") is None
    assert "ai-edge-litert 1.1.1 knows up to 13" in why_not(structure, "litert")


def test_an_operator_that_nobody_has_is_said_to_be_none():
    found = why_not(tflite(("NO_SUCH", 1)), "litert", "2.3.0")
    assert found == (
        "NO_SUCH is needed, ai-edge-litert 2.3.0 knows no such operator: "
        "export it in another quantization"
    )


def test_a_version_that_nobody_has_asked_is_left_to_say_for_itself():
    structure = tflite(("FULLY_CONNECTED", 99))
    assert why_not(structure, "litert", "2.3.9") is not None
    assert why_not(structure, "litert", "2.4.0") is None
    assert why_not(structure, "litert", "10.0.0rc1") is None


def test_one_older_than_supported_is_taken_for_the_oldest():
    assert why_not(tflite(("FULLY_CONNECTED", 13)), "litert", "1.0.1") is None


def test_a_runtime_of_somebody_else_is_left_to_say_for_itself():
    assert why_not(tflite(("NO_SUCH", 1)), "theirs", "1.0") is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"opset": 22}, "operator set 22 is needed, onnxruntime 1.18.1 knows up to 21"),
        ({"ir_version": 11}, "format version 11 is needed, onnxruntime 1.18.1 knows up to 10"),
    ],
)
def test_a_newer_onnx_file_gets_the_versions_and_the_remedy(changes, said):
    found = why_not(onnx("Conv", **changes), "onnxruntime")
    assert found.startswith(f"{said}: pip install")
    assert found.endswith("or export it with a lower operator set")
    assert why_not(onnx("Conv", **changes), "onnxruntime", "1.31.1") is None


def test_an_onnx_operator_that_does_not_exist_is_refused_by_its_name():
    assert why_not(onnx("Erfc"), "onnxruntime").startswith("Erfc is needed, onnxruntime 1.18.1")
    assert "Gelu of operator set 17 is needed" in why_not(onnx("Gelu"), "onnxruntime")
    assert why_not(onnx("Gelu", opset=20), "onnxruntime") is None
    assert why_not(onnx("Anything", domain="com.microsoft"), "onnxruntime") is None


def test_the_oldest_version_in_the_table_is_the_oldest_that_may_be_installed(root):
    project = (root / "pyproject.toml").read_text()
    table = json.loads(KNOWN.read_text())
    for runtime, stated in {
        "litert": "ai-edge-litert>=1.1.1",
        "tflite-runtime": "tflite-runtime>=2.14",
        "tensorflow-lite": "tensorflow>=2.18",
        "onnxruntime": "onnxruntime>=1.18.1",
    }.items():
        assert f'"{stated}' in project
        oldest = next(iter(table[runtime]["versions"]))
        assert f"{oldest}.".startswith(stated.partition(">=")[2] + ".")


@pytest.mark.needs("litert", "onnxruntime")
def test_the_table_says_what_the_installed_runtime_says(int8_file):
    """The same question as tools/known_ops.py asks, of one operator, of what is installed here."""
    from importlib.metadata import version

    from ai_edge_litert.interpreter import Interpreter

    content, place = int8_file
    runtime = version("ai-edge-litert")
    highest = next(
        number
        for number in range(1, 30)
        if why_not(tflite(("CONV_2D", number + 1)), "litert", runtime)
    )
    for number, known in ((highest, True), (highest + 1, False)):
        changed = bytearray(content)
        changed[place] = number
        if known:
            Interpreter(model_content=bytes(changed))
        else:
            with pytest.raises(ValueError, match=f"'CONV_2D' version '{number}'"):
                Interpreter(model_content=bytes(changed))


@pytest.fixture
def int8_file(root):
    """A model, and where it has the version of CONV_2D."""
    content = (root / "artifacts/edge/edge-int8.tflite").read_bytes()
    versions = {op.name: op.version for op in examine(content, "a").ops}
    for place in range(len(content)):
        if content[place] != versions["CONV_2D"]:
            continue
        changed = bytearray(content)
        changed[place] = 77
        try:
            found = examine(bytes(changed), "a").ops
        except Exception:
            continue
        if Op("CONV_2D", 77) in found:
            return content, place
    raise AssertionError("no such byte")

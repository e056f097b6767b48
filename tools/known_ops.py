"""Ask each supported version of each runtime what it knows, for mnist_edge/backends/needs.py.

    python tools/known_ops.py [RUNTIME ...]

With names, only those are asked anew. Nothing is copied from a table: each version is installed
into an environment of its own (in .venv-known-ops, removed afterwards; ten minutes and the package
index are needed) and is given files to open:

- TensorFlow Lite: a file that speaks of operator X version V and uses none. The interpreter looks
  X up when it opens the file. This finds what it has registered; whether an operator then takes
  certain types or shapes is not asked.
- ONNX: a file with one Identity, in each version of the format and of the operator set. Since
  which operator set there is an operator, ONNX Runtime's own list of schemas says.

The oldest version is written down with all that it knows, a later one with what it added.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
RESULT = ROOT / "mnist_edge" / "backends" / "known_ops.json"
ENVIRONMENTS = ROOT / ".venv-known-ops"
MOST_VERSION = 24  # of an operator; the highest that was found is 14
OPSETS, IR_VERSIONS = range(7, 41), range(3, 21)

# The first supported version, and the first of each minor version after it.
MINORS = ("1.18.1", "1.19.0", "1.20.0", "1.21.0", "1.22.0", "1.23.0", "1.24.1", "1.25.0", "1.26.0",
          "1.27.0", "1.28.0", "1.29.0", "1.30.0", "1.31.0")  # fmt: skip
LITERT = ("1.1.1", "1.2.0", "1.3.0", "1.4.0", "2.0.2", "2.1.0", "2.2.0", "2.3.0")
VERSIONS = {
    "litert": ("ai-edge-litert", LITERT),
    "tflite-runtime": ("tflite-runtime", ("2.14.0",)),
    "tensorflow-lite": ("tensorflow-cpu", ("2.18.0", "2.19.0", "2.20.0", "2.21.0")),
    "onnxruntime": ("onnxruntime", MINORS),
}
OLD_NUMPY = {"tflite-runtime": ("2.14.0",), "onnxruntime": ("1.18.1",)}

# Run within the environments: the names of the files that open, one a line.
TFLITE_PROBE = """
import sys
from pathlib import Path
if sys.argv[2] == "tensorflow-lite":
    import tensorflow
    Interpreter = tensorflow.lite.Interpreter
elif sys.argv[2] == "litert":
    from ai_edge_litert.interpreter import Interpreter
else:
    from tflite_runtime.interpreter import Interpreter
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        Interpreter(model_content=path.read_bytes())
    except ValueError as error:
        assert "find op for builtin opcode" in str(error), error
        continue
    print("opens", path.name)
"""
ONNX_PROBE = """
import sys
from pathlib import Path
import onnxruntime
from onnxruntime.capi import _pybind_state
onnxruntime.set_default_logger_severity(4)
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    except Exception:
        continue
    print("opens", path.name)
for schema in _pybind_state.get_all_operator_schema():
    if schema.domain == "":
        print("since", schema.name, schema.since_version)
"""


def main() -> None:
    """Ask them all, and write down what they say."""
    write_tflite_files(ENVIRONMENTS / "files-tflite")
    write_onnx_files(ENVIRONMENTS / "files-onnx")
    found = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    since: dict[str, int] = {}
    for runtime in sys.argv[1:] or VERSIONS:
        package, versions = VERSIONS[runtime]
        known: dict[str, int] = {}
        added: dict[str, dict[str, int]] = {}
        for version in versions:
            said = ask(runtime, package, version)
            opens = [line.split()[1] for line in said if line.startswith("opens ")]
            answer = highest(opens, contiguous=runtime != "onnxruntime")
            if any(answer.get(name, 0) < number for name, number in known.items()):
                raise SystemExit(f"{runtime} {version} knows less than the version before it")
            new = {name: number for name, number in answer.items() if known.get(name) != number}
            if new:
                added[version] = new
            known = answer
            print(f"{runtime} {version}: {summary(answer)}", flush=True)
            for _, name, number in (line.split() for line in said if line.startswith("since ")):
                since[name] = min(since.get(name, 1 << 30), int(number))
        found[runtime] = {"versions": added, "newest": versions[-1]}
        if since:
            found["since"] = dict(sorted(since.items()))
        RESULT.write_text(compact(found))
    print(f"It is in {RESULT.relative_to(ROOT)}, {RESULT.stat().st_size} bytes")
    shutil.rmtree(ENVIRONMENTS)


def ask(runtime: str, package: str, version: str) -> list[str]:
    """Return the lines that one version's probe says; its environment is removed again."""
    folder = ENVIRONMENTS / f"{runtime}-{version}"
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    numpy = "numpy<2" if version in OLD_NUMPY.get(runtime, ()) else "numpy"
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, f"{package}=={version}", numpy], check=True)
    onnx = runtime == "onnxruntime"
    files = ENVIRONMENTS / ("files-onnx" if onnx else "files-tflite")
    command = [python, "-c", ONNX_PROBE if onnx else TFLITE_PROBE, str(files), runtime]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": ""}
    asked = subprocess.run(command, capture_output=True, text=True, env=quiet)
    if asked.returncode:
        raise SystemExit(f"{runtime} {version} cannot be asked: {asked.stderr[-2000:]}")
    shutil.rmtree(folder)
    return asked.stdout.splitlines()


def highest(opens: list[str], *, contiguous: bool) -> dict[str, int]:
    """Return the highest number of each name, from files called NAME.NUMBER."""
    numbers: dict[str, list[int]] = {}
    for file in opens:
        name, number = file.rsplit(".", 1)
        numbers.setdefault(name, []).append(int(number))
    for name, known in numbers.items():
        if contiguous and sorted(known) != list(range(1, max(known) + 1)):
            print(f"  {name} is known in versions {sorted(known)} only")
        if max(known) >= MOST_VERSION and contiguous:
            raise SystemExit(f"{name} is known in every version asked for: raise MOST_VERSION")
    return {name: max(known) for name, known in sorted(numbers.items())}


def summary(answer: dict[str, int]) -> str:
    """Return an answer on one line."""
    return str(answer) if len(answer) < 5 else f"{len(answer)} operators"


def compact(found: dict[str, dict[str, Any]]) -> str:
    """Return the answers as JSON with one line for each version of a runtime."""
    lines = []
    for runtime, rows in sorted(found.items()):
        if runtime == "since":
            lines.append(f' "since": {json.dumps(rows, separators=(",", ":"))}')
            continue
        versions = ",\n".join(
            f"   {json.dumps(version)}: {json.dumps(known, separators=(',', ':'))}"
            for version, known in rows["versions"].items()
        )
        newest = json.dumps(rows["newest"])
        lines.append(f' "{runtime}": {{"newest": {newest}, "versions": {{\n{versions}}}}}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write_tflite_files(folder: Path) -> None:
    """Write a file for each operator and version, called NAME.VERSION."""
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    from mnist_edge.structure.tflite import CUSTOM, STABLEHLO
    from mnist_edge.structure.tflite_schema import OPERATORS

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, name in enumerate(OPERATORS[:STABLEHLO]):  # what is not let through anyway
        if number == CUSTOM:
            continue
        for version in range(1, MOST_VERSION + 1):
            code = schema.OperatorCodeT()
            code.builtinCode, code.deprecatedBuiltinCode = number, min(number, 127)
            code.version = version
            tensor = schema.TensorT()
            tensor.shape, tensor.name = [1], b"x"
            graph = schema.SubGraphT()
            graph.tensors, graph.inputs, graph.outputs, graph.operators = [tensor], [0], [0], []
            model = schema.ModelT()
            model.version, model.operatorCodes = 3, [code]
            model.subgraphs, model.buffers = [graph], [schema.BufferT()]
            builder = flatbuffers.Builder(512)
            builder.Finish(model.Pack(builder), b"TFL3")
            (folder / f"{name}.{version}").write_bytes(builder.Output())


def write_onnx_files(folder: Path) -> None:
    """Write a file for each operator set and each version of the format."""
    from onnx import TensorProto, helper

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    node = helper.make_node("Identity", ["x"], ["y"])
    graph = helper.make_graph([node], "probe", values[:1], values[1:])

    def write(name: str, opset: int, ir_version: int) -> None:
        opsets = [helper.make_opsetid("", opset)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=ir_version)
        (folder / name).write_bytes(model.SerializeToString())

    for opset in OPSETS:
        write(f"opset.{opset}", opset, 8)
    for ir_version in IR_VERSIONS:
        write(f"ir_version.{ir_version}", 13, ir_version)


if __name__ == "__main__":
    main()

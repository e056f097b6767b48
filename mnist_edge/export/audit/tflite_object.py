"""A TensorFlow Lite file as Python objects."""

from __future__ import annotations

from typing import Any

from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

KINDS = {code: name for name, code in vars(schema.BuiltinOperator).items() if name[0].isupper()}
DTYPES = {
    schema.TensorType.FLOAT32: "float32",
    schema.TensorType.FLOAT16: "float16",
    schema.TensorType.INT8: "int8",
    schema.TensorType.UINT8: "uint8",
    schema.TensorType.INT16: "int16",
    schema.TensorType.INT32: "int32",
    schema.TensorType.INT64: "int64",
}


def parsed(content: bytes) -> Any:
    """Read a file; index 0 of its subgraphs is the network."""
    return flatbuffer_utils.convert_bytearray_to_object(bytearray(content))


def name_of(graph: Any, index: int) -> str:
    """Return the name of a tensor."""
    return str(graph.tensors[index].name.decode())


def kind_of(model: Any, op: Any) -> str:
    """Return what an operator is called."""
    code = model.operatorCodes[op.opcodeIndex]
    return str(KINDS[max(code.builtinCode, code.deprecatedBuiltinCode)])


def dtype_of(tensor: Any) -> str:
    """Return the numpy name of a tensor's type; empty where it has none."""
    return DTYPES.get(tensor.type, "")


def constant_places(model: Any) -> set[int]:
    """Return the indices of the tensors that have their values in the file."""
    return {
        index
        for index, tensor in enumerate(model.subgraphs[0].tensors)
        if model.buffers[tensor.buffer].data is not None and len(model.buffers[tensor.buffer].data)
    }

"""A TensorFlow Lite file without what no runtime reads twice.

A converter names a tensor after everything that was fused into it, 180 bytes for a convolution,
and writes the zero points of every channel anew, eight bytes each and all of them 0. In a file of
16 kB that is a quarter. Names are cut to their last parts, and vectors that hold the same bytes are
written once: a flatbuffer's tables may point to one vector (https://flatbuffers.dev/internals).
What is computed has no data: its tensors share the buffer 0, which is there for that (schema.fbs,
`Tensor.buffer`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flatbuffers
import numpy as np
from tensorflow.lite.tools import flatbuffer_utils

if TYPE_CHECKING:
    from numpy.typing import NDArray

IDENTIFIER = b"TFL3"
# With which converter a file was made: a bundle's manifest says it too.
LEFT_OUT = b"CONVERSION_METADATA"
ALIGNMENT = 16  # of the data of tensors: schema.fbs, `Buffer.data` (force_align: 16)


class _Sharing(flatbuffers.Builder):  # type: ignore[misc]
    """Writes a vector of numbers once, however many tables have it."""

    def __init__(self) -> None:
        super().__init__(1024)
        self._written: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: NDArray[Any]) -> int:  # noqa: N802 - its name there
        key = (x.dtype.str, x.tobytes())
        if key not in self._written:
            if x.dtype == np.uint8:  # a tensor's data
                self.Prep(ALIGNMENT, x.size)
            self._written[key] = super().CreateNumpyVector(x)
        return self._written[key]


def compact(content: bytes) -> bytes:
    """Return the same model with short names and nothing twice, without LEFT_OUT.

    The names of its input and output stay, and so does every number. A file that keeps data behind
    its tables, as those above 2 GB do, is returned as it is: its tables say at which bytes of the
    file that data is, and those would be others.

    Args:
        content: a TensorFlow Lite file.
    """
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    if _has_data_behind(model):
        return content
    _leave_out_origin(model)
    _leave_out_buffers(model)
    for graph in model.subgraphs:
        ends = {*graph.inputs, *graph.outputs}
        taken = {tensor.name for index, tensor in enumerate(graph.tensors) if index in ends}
        for index, tensor in enumerate(graph.tensors):
            if index not in ends:
                tensor.name = _distinct(short(tensor.name.decode()).encode(), taken)
                taken.add(tensor.name)
    builder = _Sharing()
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def short(name: str) -> str:
    """Return the end of the first of the names that a converter joined.

    >>> short("net_1/edge_1/re_lu_2_1/Relu;net_1/edge_1/conv2d_2_1/convolution")
    're_lu_2_1/Relu'
    """
    return "/".join(name.partition(";")[0].split("/")[-2:])


def _leave_out_origin(model: Any) -> None:
    kept = [each for each in model.metadata or () if each.name != LEFT_OUT]
    for each in model.metadata or ():
        if each.name == LEFT_OUT and each.buffer not in {other.buffer for other in kept}:
            model.buffers[each.buffer].data = None
    model.metadata = kept


def _leave_out_buffers(model: Any) -> None:
    """Take buffer 0, which is empty, for every tensor without data, and drop what nothing takes."""
    empty = model.buffers and model.buffers[0].data is None
    if not empty or model.metadataBuffer is not None:
        return
    tensors = [tensor for graph in model.subgraphs for tensor in graph.tensors]
    for tensor in tensors:
        # A constant of no elements has a vector, of no bytes: it is not computed.
        if model.buffers[tensor.buffer].data is None and not tensor.isVariable:
            tensor.buffer = 0
    takers = [*tensors, *(model.metadata or ())]
    taken = sorted({0, *(each.buffer for each in takers)})
    places = {buffer: place for place, buffer in enumerate(taken)}
    for each in takers:
        each.buffer = places[each.buffer]
    model.buffers = [model.buffers[buffer] for buffer in taken]


def _has_data_behind(model: Any) -> bool:
    """Say whether a buffer, or a custom operator's settings, lie outside of the tables."""
    operators = (op for graph in model.subgraphs for op in graph.operators or ())
    # 1 is no place: a converter writes it first, and the true one when the file is whole.
    return any(buffer.offset > 1 for buffer in model.buffers or ()) or any(
        getattr(op, "largeCustomOptionsOffset", 0) > 0 for op in operators
    )


def _distinct(name: bytes, taken: set[bytes]) -> bytes:
    own, number = name, 2
    while own in taken:
        own, number = name + b"_%d" % number, number + 1
    return own

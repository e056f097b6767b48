"""A model as C source, for microcontrollers that have no files: TensorFlow Lite Micro's way.

    made = c_array(content, "my-net", labels)      # of an int8 .tflite file
    (folder / made.header_file).write_text(made.header)
    (folder / made.source_file).write_text(made.source)

The two compile as C99, C11 and C++98 and later. What they say is read from the model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnist_edge.digest import sha256_hex
from mnist_edge.errors import ModelError
from mnist_edge.export.micro import Edge, MicroModel, read_micro

if TYPE_CHECKING:
    from collections.abc import Sequence

A_LINE = 12  # bytes of the model

HEADER = """\
/* {name}: an image classifier for TensorFlow Lite Micro.
 * Made by mnist-edge from a model of SHA-256
 * {sha256}
 * Do not edit: export it anew. */
#ifndef {macro}_H_
#define {macro}_H_

#include <stdint.h>

/* A pixel p of 0..255 goes in as round(p / 255 / INPUT_SCALE) + INPUT_ZERO_POINT, held to
 * {low}..{high}; an output q is the probability (q - OUTPUT_ZERO_POINT) * OUTPUT_SCALE. */
#define {macro}_INPUT_TYPE {input_type}
#define {macro}_INPUT_SHAPE {input_shape}
#define {macro}_INPUT_DIMS {input_dims}
#define {macro}_INPUT_ELEMENTS {input_elements}
#define {macro}_INPUT_SCALE {input_scale}
#define {macro}_INPUT_ZERO_POINT ({input_zero_point})
#define {macro}_OUTPUT_TYPE {output_type}
#define {macro}_OUTPUT_SHAPE {output_shape}
#define {macro}_OUTPUT_DIMS {output_dims}
#define {macro}_OUTPUT_ELEMENTS {output_elements}
#define {macro}_OUTPUT_SCALE {output_scale}
#define {macro}_OUTPUT_ZERO_POINT ({output_zero_point})
#define {macro}_CLASSES {classes}

/* So many bytes of activations are in use at once. The tensor arena must hold them and what the
 * interpreter and its kernels need besides, which depends on their version and processor: give
 * it plenty, and see arena_used_bytes() after AllocateTensors() for how much it takes. */
#define {macro}_ACTIVATION_BYTES {activation_bytes}

#define {macro}_MODEL_BYTES {model_bytes}
#define {macro}_OPERATORS {operators}

#ifdef __cplusplus
extern "C" {{
#endif

/* For tflite::GetModel(); begins at a multiple of 16 bytes. */
extern const uint8_t {name}_model[{macro}_MODEL_BYTES];
/* What each class is called, in UTF-8. */
extern const char *const {name}_labels[{macro}_CLASSES];

#ifdef __cplusplus
}}

/* Add what the model needs to a tflite::MicroMutableOpResolver<{macro}_OPERATORS>;
 * false if it has no room. */
template <typename Resolver>
bool {name}_add_operators(Resolver &resolver) {{
  return {calls};
}}
#endif

#endif /* {macro}_H_ */
"""

SOURCE = """\
/* {name}: see {name}.h. */
#include "{name}.h"

#if defined(__cplusplus) && __cplusplus >= 201103L
#define {macro}_ALIGNED alignas(16)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define {macro}_ALIGNED _Alignas(16)
#elif defined(__GNUC__)
#define {macro}_ALIGNED __attribute__((aligned(16)))
#else
#error "a compiler for C11 or C++11 is needed to align the model to 16 bytes"
#endif

const char *const {name}_labels[{macro}_CLASSES] = {{
{labels}
}};

{macro}_ALIGNED const uint8_t {name}_model[{macro}_MODEL_BYTES] = {{
{table}
}};
"""


@dataclass(frozen=True)
class CArray:
    """A model as two files of C.

    Attributes:
        name: the identifier that everything in them begins with, and the files' stem.
        header: text of the header.
        source: text of the source, which includes the header by its name.
    """

    name: str
    header: str
    source: str

    @property
    def header_file(self) -> str:
        """What the header is to be called."""
        return f"{self.name}.h"

    @property
    def source_file(self) -> str:
        """What the source is to be called; a C++ compiler takes it as well."""
        return f"{self.name}.c"


def c_array(content: bytes, name: str, labels: Sequence[str]) -> CArray:
    """Return a fully quantized .tflite file as C source; the same for the same arguments.

    Args:
        content: the whole file, with int8 (or int16) input and output.
        name: of a bundle or model, whatever it is; see `identifier`.
        labels: what each class is called, by index.

    Raises:
        ModelError: TensorFlow Lite Micro cannot run it (see `micro.read_micro`), or it has
            another number of classes.
    """
    micro = read_micro(content, name)
    classes = micro.output.shape[-1] if micro.output.shape else 0
    if classes != len(labels):
        raise ModelError(f"{name} has {classes} classes, and there are {len(labels)} labels")
    own = identifier(name)
    both = {"name": own, "macro": own.upper()}
    header = HEADER.format(**both, **_facts(micro), model_bytes=len(content),
                           sha256=sha256_hex(content), classes=classes)  # fmt: skip
    source = SOURCE.format(
        **both,
        labels="\n".join(f"  {literal(label)}," for label in labels),
        table="\n".join(
            "  " + " ".join(f"0x{byte:02x}," for byte in content[start : start + A_LINE])
            for start in range(0, len(content), A_LINE)
        ),
    )
    return CArray(own, header, source)


def identifier(name: str) -> str:
    """Return `name` as what identifiers may begin with.

    It never stands alone (`int` gives `int_model` and `INT_CLASSES`), so keywords need no care.

    >>> identifier("my-net 2"), identifier("2 fast"), identifier("π")
    ('my_net_2', 'model_2_fast', 'model')
    """
    words = re.findall("[a-z0-9]+", name.lower())
    if not words or words[0][0].isdigit():
        words.insert(0, "model")
    return "_".join(words)


def literal(text: str) -> str:
    """Return a text as a C string: ASCII, other signs as the octal bytes of their UTF-8.

    Octal escapes end after three digits, so that nothing behind one can belong to it; `?` is
    escaped, since two of them begin a trigraph.
    """
    plain = set(range(0x20, 0x7F)) - set(b'"\\?')
    encoded = text.encode("utf-8", "surrogatepass")
    return '"' + "".join(chr(each) if each in plain else f"\\{each:03o}" for each in encoded) + '"'


def _facts(micro: MicroModel) -> dict[str, object]:
    low, high = micro.input.quant.limits
    return {
        **_edge("input", micro.input),
        **_edge("output", micro.output),
        "low": low,
        "high": high,
        "activation_bytes": micro.activation_bytes,
        "operators": len(micro.methods),
        "calls": " &&\n         ".join(f"resolver.{each}() == 0" for each in micro.methods),
    }


def _edge(which: str, edge: Edge) -> dict[str, object]:
    scale = f"{np.float32(edge.quant.scale):.9g}"  # 9 digits give a float32 back
    found = {
        "type": f"{edge.quant.dtype}_t",
        "shape": f"{{{', '.join(map(str, edge.shape))}}}",
        "dims": len(edge.shape),
        "elements": int(np.prod(edge.shape)),
        "scale": (scale if set(scale) & set(".e") else f"{scale}.0") + "f",
        "zero_point": edge.quant.zero_point,
    }
    return {f"{which}_{key}": value for key, value in found.items()}

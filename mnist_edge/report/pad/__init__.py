"""A pad to draw on that runs a bundle's own int8 model in the reader's browser, from one HTML file.

The .tflite file itself is in the page as base64, and a small interpreter in plain JavaScript beside
these lines runs its graph: tflite.js reads the file, arithmetic.js has its integers, interpreter.js
its operators, reading.js does what `image_file` does with a picture, pad.js is the pad.

It was chosen by weight. Beside the model (61 kB as int8 .tflite, a third more as base64) a page
needs 34 kB for this interpreter, and 14,314 kB for ONNX Runtime's, the .wasm a third more again:
`npm pack onnxruntime-web@1.30.0` has ort.wasm.min.js, and ort-wasm-simd-threaded.mjs and .wasm.

Its arithmetic is that of LiteRT's reference kernels (integer factors of 31 bits, rounded once or
twice, an integer exponential), which is the same on every processor: every tensor is equal to the
bit. XNNPACK, which LiteRT takes by itself, multiplies in float32; so LiteRT's own two answers
differ where an image is doubtful. `python -m tools.compare_pad`, of the first 1,000 test images:
on an x86-64 processor the pad answers 986 exactly as XNNPACK does with edge, 963 with micro, 910
with nano; with another label none, none and one.
"""

from __future__ import annotations

import json
from base64 import b64encode
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mnist_edge.archive import unpacked
from mnist_edge.bundle import checked_bytes, own_name
from mnist_edge.errors import BundleError
from mnist_edge.preprocess import IMAGE_SIZE
from mnist_edge.report.pad.fitness import int8_entry, obstacle

if TYPE_CHECKING:
    from mnist_edge.bundle import Bundle

__all__ = ["Fragment", "fragment", "library", "obstacle"]

LIBRARY = (
    "tflite.js", "arithmetic.js", "kernels.js", "operators.js", "interpreter.js", "reading.js",
)  # fmt: skip
PAD = ("paint.js", "pad.js")
REJECT_BELOW = 0.9  # a label that is less sure is shown as doubtful
MOST_SAMPLES = 10
MOST_UNPACKED = 64 << 20  # bytes of golden samples


class Fragment(NamedTuple):
    """What a page takes in, once; every id and class in it begins with `pad-`.

    It loads nothing: a Content-Security-Policy of `default-src 'none'` with inline scripts and
    styles is enough.

    Attributes:
        html: for the body, where the pad is to be.
        style: for a <style> element. Colours are the page's, see the top of pad.css.
        script: for a <script> element after `html`.
    """

    html: str
    style: str
    script: str


def fragment(bundle: Bundle, *, reject_below: float = REJECT_BELOW) -> Fragment | None:
    """Return the pad for a bundle; None where it has no model for it: `obstacle` says why.

    Args:
        bundle: whose int8 TensorFlow Lite model runs in the page.
        reject_below: the confidence, 0..1, below which an answer is shown as not sure.

    Raises:
        BundleError: its model or golden samples are absent or not what its manifest says.
    """
    if obstacle(bundle) is not None:
        return None
    entry = int8_entry(bundle)
    assert entry is not None  # noqa: S101 - its absence is an obstacle
    given = {
        "model": b64encode(bundle.read_file(entry)).decode(),
        "sha256": entry.sha256,
        "labels": bundle.labels,
        "samples": _samples(bundle),
        "rejectBelow": reject_below,
    }
    html = Template(_text("pad.html")).substitute(
        file=escape(entry.file),
        bytes=f"{entry.bytes:,}",
        sha256=entry.sha256,
        short=entry.sha256[:12],
    )
    argument = json.dumps(given).replace("<", "\\u003c")  # no label ends the script element
    body = "\n".join((library(), *map(_text, PAD), f"startPad({argument});"))
    return Fragment(html, _text("pad.css"), f'(() => {{\n"use strict";\n{body}\n}})();\n')


def library() -> str:
    """Return the JavaScript that reads drawings and runs models, without the pad.

    It defines `Model`, `ModelError` and `readDrawing`, and touches no page.
    """
    return "\n".join(map(_text, LIBRARY))


def _text(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def _samples(bundle: Bundle) -> list[dict[str, Any]]:
    """Return the first golden sample of each class: its label, and its pixels as base64."""
    about = bundle.manifest.get("golden")
    if about is None:
        return []
    try:
        content = checked_bytes(bundle.folder / own_name(about["file"]), about["sha256"])
        golden = unpacked(content, MOST_UNPACKED)
        images, classes = golden["images"], golden.get("labels", np.zeros(0, np.uint8))
        images = images.reshape(-1, IMAGE_SIZE, IMAGE_SIZE).astype(np.uint8, casting="safe")
        found = {int(each): at for at, each in reversed(list(enumerate(classes[: len(images)])))}
        return [
            {"label": bundle.labels[each], "image": b64encode(images[found[each]]).decode()}
            for each in sorted(found)[:MOST_SAMPLES]
        ]
    except BundleError:
        raise
    except Exception as error:  # zipfile, zlib and numpy have exceptions of their own
        raise BundleError(
            f"{bundle.folder} has damaged golden samples ({error}): export it anew"
        ) from None

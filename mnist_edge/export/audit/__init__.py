"""A quantized model against float, layer by layer, in both families.

`audit` runs both files on the same images and looks at every tensor that they share; then it
quantizes each layer alone, to find the one that does the harm; then it asks of the output what
must hold for any classifier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.export.audit.alone import Alone
from mnist_edge.export.audit.compare import compare
from mnist_edge.export.audit.measures import decibels, noise_to_signal
from mnist_edge.export.audit.reason import reason_of_output, reason_of_weights
from mnist_edge.export.audit.result import Audit, LayerAudit
from mnist_edge.invariants import findings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from mnist_edge.export.audit.graph import Constant, Format
    from mnist_edge.export.audit.measures import Comparison
    from mnist_edge.export.audit.rows import Row

__all__ = ["Audit", "LayerAudit", "audit", "culprits", "document"]

SCHEMA = 1
ALONE = 16  # images for each layer alone, unless told otherwise: they are run once a layer
INTEGER = ("int8", "int16x8")  # quantizations whose operators should compute in integers


def audit(
    original: bytes,
    quantized: bytes,
    model_format: str,
    quantization: str,
    images: NDArray[np.float32],
    names: Mapping[str, str],
    *,
    alone: int = ALONE,
    say: Callable[[str], None] = lambda _line: None,
) -> Audit:
    """Compare a quantized file with the float file that it was made from.

    Args:
        original: the float32 file of the same format.
        quantized: the other.
        model_format: `tflite` or `onnx`.
        quantization: of `quantized`, as the manifest has it.
        images: float32 [N,H,W,C] in 0..1, at least one; never test images where the audit
            decides anything.
        names: of layers by tensor of the float file (`export.layers.layer_names`).
        alone: how many of the images each layer alone is run on.
        say: takes a line on what is going on.

    Raises:
        ModelError: the two files have no tensor in common, or one cannot be run.
    """
    family = _family(model_format)
    graph = family.read(original)
    exact = family.constants(original)
    stored = _shared(exact, family.constants(quantized))
    say("running both files")
    seen = compare(original, quantized, model_format, family, graph, images, names)
    single = Alone(original, model_format, family, graph, stored, images[:alone])
    added = []
    for place, row in enumerate(seen.rows, start=1):
        say(f"layer {place} of {len(seen.rows)} alone: {row.name}")
        added.append(single.added(row))
    layers = tuple(
        _layer(row, comparison, noise, sum(added), exact, stored)
        for row, comparison, noise in zip(seen.rows, seen.comparisons, added, strict=True)
    )
    worst, reason = None, "nothing differs"
    if sum(added) > 0:
        place = int(np.argmax(added))
        worst = layers[place].name
        reason = _reason(seen.rows[place], seen.comparisons[place], single, exact, stored)
    structure = family.structure(quantized)
    whole = quantization in INTEGER  # others compute in float by design
    labels = {**names, **{row.quantized: row.name for row in seen.rows}}
    islands = tuple(
        tuple(dict.fromkeys(labels.get(name, kind) for kind, name in run))
        for run in structure.islands
    )
    return Audit(
        model_format,
        quantization,
        len(images),
        layers,
        worst,
        reason,
        structure.integer,
        structure.floating,
        islands if whole else (),
        structure.inserted if whole else 0,
        findings(seen.found, seen.wanted, seen.output, quantization),
    )


def culprits(
    original: bytes,
    quantized: bytes,
    model_format: str,
    images: NDArray[np.float32],
) -> list[tuple[str, ...]]:
    """Return the layers that add error, the one that adds most first: what to keep in float.

    Args:
        original: the float32 file that the quantizer started from.
        quantized: what it made of it.
        model_format: `tflite` or `onnx`.
        images: float32 [N,H,W,C] in 0..1; 16 tell enough.

    Returns:
        Of each layer the names of what its operators give in `original`, the layer's output
        first. A convolution and its ReLU are two operators in ONNX: both stay float, or neither.

    Raises:
        ModelError: as `audit`.
    """
    family = _family(model_format)
    graph = family.read(original)
    seen = compare(original, quantized, model_format, family, graph, images[:1], {})
    stored = _shared(family.constants(original), family.constants(quantized))
    single = Alone(original, model_format, family, graph, stored, images)
    added = {row.parts: single.added(row) for row in seen.rows if row.parts}
    return sorted((parts for parts in added if added[parts]), key=lambda parts: -added[parts])


def document(audits: Mapping[str, Audit], **about: Any) -> dict[str, Any]:
    """Return the audits of a bundle's models, by file name, as one JSON document.

    Args:
        audits: by the quantized model's file name.
        about: what else is to be said, such as the bundle's name.
    """
    return {
        "schema": SCHEMA,
        **about,
        "models": [{"file": file, **each.as_dict()} for file, each in audits.items()],
    }


def _family(model_format: str) -> Format:
    from importlib import import_module

    family: Any = import_module(f"mnist_edge.export.audit.{model_format}_file")
    return family  # type: ignore[no-any-return]


def _shared(exact: Mapping[str, Constant], stored: Mapping[str, Constant]) -> dict[str, Constant]:
    """Return the constants that the float file has in the same form."""
    return {
        name: each
        for name, each in stored.items()
        if name in exact and exact[name].values.shape == each.values.shape
    }


def _layer(
    row: Row,
    comparison: Comparison,
    added: float,
    total: float,
    exact: Mapping[str, Constant],
    stored: Mapping[str, Constant],
) -> LayerAudit:
    weights = _largest(row, exact, stored)
    return LayerAudit(
        name=row.name,
        tensor=row.tensor,
        snr_db=decibels(comparison.noise_to_signal),
        cosine=comparison.cosine,
        max_error=comparison.max_error,
        range_used=comparison.range_used,
        saturated=comparison.saturated,
        weights_snr_db=None
        if weights is None
        else decibels(noise_to_signal(exact[weights].values, stored[weights].values)),
        added=added,
        added_db=decibels(added),
        share=added / total if total else 0.0,
    )


def _largest(row: Row, exact: Mapping[str, Constant], stored: Mapping[str, Constant]) -> str | None:
    """Return the largest constant of a layer that is stored otherwise than in float: its kernel."""
    changed = [
        name for name in row.constants if name in stored and stored[name].stored != "float32"
    ]
    return max(changed, key=lambda name: exact[name].values.size, default=None)


def _reason(
    row: Row,
    comparison: Comparison,
    single: Alone,
    exact: Mapping[str, Constant],
    stored: Mapping[str, Constant],
) -> str:
    """Say why a layer adds its error: its weights or its output, whichever adds more alone."""
    weights = _largest(row, exact, stored)
    by_weights = single.added(row, output=False)
    by_output = single.added(row, weights=False)
    if weights is not None and by_weights > by_output:
        return reason_of_weights(exact[weights].values, stored[weights])
    return reason_of_output(comparison)

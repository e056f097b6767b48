"""Which tensor of an exported file is what which Keras layer gives.

Converters rename, fuse and reorder, so names are no guide: tensors are recognised by what they
hold for a few images. Both families then speak of the same layers, in the names of the Keras model.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge.export.keras_layers import Known, keras_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from mnist_edge.export.activations import Traced

    Values = NDArray[np.float32]

IMAGES = 4  # are enough to tell tensors apart, unless told otherwise
CLOSE = 1e-3  # of the greatest value: folded normalisation rounds otherwise than its parts


def layer_names(
    model: Any, traced: Iterable[Mapping[str, Traced]], images: Values
) -> dict[str, str]:
    """Name the tensors of a float file after the layers of the Keras model that it was made of.

    Args:
        model: the Keras model, of any build; what is not a graph of layers gives no names.
        traced: one mapping an image: what each tensor of the file held, in order of computation,
            as `export.activations` gives it. No more than `len(images)` of them are taken.
        images: float32 [n,H,W,C], the images of `traced`; 4 are enough.

    Returns:
        By tensor name, in order of computation, a name that no other tensor has. A tensor that
        holds what a layer gives has the layer's name, the weighted layer's where others are fused
        into it; what a layer computes before its own activation has `dense (logits)` or
        `conv2d (before relu)`; any other keeps a short form of its own name.
    """
    held = _stacked(traced, len(images))
    known = keras_values(model, images)
    found = {tensor: _recognise(values, known) for tensor, values in held.items()}
    names = {
        tensor: place.name if place else _before_activation(held[tensor], known) or _short(tensor)
        for tensor, place in found.items()
    }
    return _distinct(names, found)


def _stacked(traced: Iterable[Mapping[str, Traced]], count: int) -> dict[str, Values]:
    """Join what was traced image by image: tensor name -> float32 [n,...]."""
    images = [image for image, _number in zip(traced, range(count), strict=False)]
    return {
        name: np.stack([image[name].values[0] for image in images])
        for name, first in images[0].items()
        if np.ndim(first.values) > 1
    }


def _recognise(values: Values, known: list[Known]) -> Known | None:
    """Return the layer that gives `values`: the nearest, the first where two are as near."""
    best, nearest = CLOSE, None
    for place in known:
        distance = _distance(values, place.values)
        # The same numbers in the same shape are a better match than those of Flatten.
        distance += 0 if values.ndim == place.values.ndim else CLOSE / 10
        if distance < best:
            best, nearest = distance, place
    return nearest


def _distance(found: Values, wanted: Values) -> float:
    """Return the greatest difference, as a share of the greatest wanted value; inf if no match."""
    if found.size != wanted.size or len(found) != len(wanted) or not wanted.any():
        return np.inf
    scale = float(np.abs(wanted).max())
    readings = [found]
    if found.ndim == 4:
        readings.append(np.moveaxis(found, 1, -1))  # ONNX has channels before height and width
    flat = wanted.reshape(len(wanted), -1)
    return min(
        float(np.abs(reading.reshape(len(reading), -1) - flat).max()) / scale
        for reading in readings
    )


def _before_activation(values: Values, known: list[Known]) -> str | None:
    """Return the name of what a layer computes before the activation that is part of it."""
    for place in known:
        function = getattr(place.layer, "activation", None)
        kind = getattr(function, "__name__", "linear")
        if kind == "linear" or not callable(function) or values.size != place.values.size:
            continue
        shaped = np.moveaxis(values, 1, -1) if values.shape != place.values.shape else values
        if shaped.shape == place.values.shape and (
            _distance(np.asarray(function(shaped), np.float32), place.values) < CLOSE
        ):
            return f"{place.name} ({'logits' if kind == 'softmax' else f'before {kind}'})"
    return None


def _short(tensor: str) -> str:
    """Return the end of a converter's name.

    >>> _short("net_1/edge_1/re_lu_2_1/Relu;net_1/edge_1/conv2d_2_1/convolution")
    're_lu_2_1/Relu'
    >>> _short("edge_1/global_average_pooling2d_1/Mean_Squeeze__36:0")
    'global_average_pooling2d_1/Mean_Squeeze'
    """
    name = re.sub(r"__\d+$", "", tensor.partition(";")[0].partition(":")[0])
    return "/".join(name.split("/")[-2:]) or "tensor"


def _distinct(names: dict[str, str], found: dict[str, Known | None]) -> dict[str, str]:
    """Give each tensor a name of its own.

    Of those that a layer and what is fused into it give, the last has the layer's name; where a
    transposition or the like holds the same numbers again, the first.
    """
    last = {names[tensor]: place for tensor, place in found.items()}
    holders: dict[str, str] = {}
    for tensor, name in names.items():
        if found[tensor] is last[name] and (name not in holders or last[name] is None):
            holders[name] = tensor
    taken = set(holders)
    result = {}
    for tensor, name in names.items():
        if holders[name] == tensor:
            result[tensor] = name
            continue
        place = found[tensor]
        part = _short(tensor).rpartition("/")[2]
        if place is not None and place is not last[name]:
            part = place.layer.name
        own, number = f"{name} ({part})", 2
        while own in taken:
            own, number = f"{name} ({part} {number})", number + 1
        taken.add(own)
        result[tensor] = own
    return result

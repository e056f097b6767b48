"""Ranges that a run has learnt (`training.finetune`), as the quantizers of both formats take them.

They are in the manifest by layer; `export.layers` says which tensor of a file is which layer's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mnist_edge.errors import BundleError, CheckFailed
from mnist_edge.export.activations import trace
from mnist_edge.export.layers import IMAGES, layer_names
from mnist_edge.preprocess import to_unit
from mnist_edge.training.fake_quant import insert, predict_int8
from mnist_edge.training.placement import Placement

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from mnist_edge.bundle import Bundle

    Ranges = dict[str, tuple[float, float]]

METHOD = "learnt"  # in the place of a calibration method, in a manifest
ALIKE = 0.9995  # of images, that a file and the model that trained for it name alike


def layer_ranges(run: Bundle) -> Ranges:
    """Return the range of each layer's output that a run has learnt; {} if it has learnt none.

    Raises:
        BundleError: the manifest has something else there.
    """
    stated = _stated(run)
    if stated is None:
        return {}
    try:
        found = {str(name): (float(low), float(high)) for name, (low, high) in stated.items()}
        fair = all(-math.inf < low <= 0 <= high < math.inf for low, high in found.values())
    except (AttributeError, TypeError, ValueError):
        found, fair = {}, False
    if not (found and fair):
        raise BundleError(
            f"{run.folder} has learnt ranges that are none; wanted low <= 0 <= high for each "
            "layer: fine-tune it anew"
        )
    return found


def tensor_ranges(
    learnt: Ranges, model: Any, model_format: str, base: bytes, images: NDArray[np.float32]
) -> Ranges:
    """Return learnt ranges by the names of a float file's tensors.

    Args:
        learnt: by layer; layers that keep the range of another need not be there.
        model: the Keras model of the run.
        model_format: `tflite` or `onnx`.
        base: the float file, made of `model`.
        images: float32 [N,H,W,C] in 0..1; the first few are run to tell tensors apart.

    Raises:
        ModelError: a layer without a range, or whose output is none of the file's tensors.
    """
    few, placement = images[:IMAGES], Placement(model)
    names = layer_names(model, trace(model_format, base, few), few)
    known = placement.complete(learnt)
    lost = sorted(set(placement.ranged) - set(names.values()))
    if lost:
        raise BundleError(f"no tensor of the {model_format} file is what {', '.join(lost)} gives")
    return {tensor: known[layer] for tensor, layer in names.items() if layer in known}


def fake_quantized(run: Bundle, model: Any) -> Any:
    """Return the model that the run's int8 files are to agree with, made again.

    Args:
        run: that has learnt ranges.
        model: its Keras model.

    Raises:
        BundleError: it has learnt none.
    """
    ranges = layer_ranges(run)
    if not ranges:
        raise BundleError(f"{run.folder} has learnt no ranges: mnist-edge finetune {run.folder}")
    granularity = run.manifest["training"]["quantization_aware"].get("granularity")
    return insert(model, ranges, per_channel=granularity != "per-tensor")


def agreement(fake: Any, inputs: NDArray[np.float32], probabilities: NDArray[np.float32]) -> float:
    """Return the share of images that an int8 file and a fake-quantized model name alike, 0..1.

    Args:
        fake: from `fake_quantized`.
        inputs: float32 [N,H,W,C] in 0..1.
        probabilities: float32 [N,K], what the file says of them.
    """
    alike = predict_int8(fake, inputs).argmax(1) == probabilities.argmax(1)
    return float(alike.mean())


def hold_to_training(
    file: str,
    learnt: Ranges,
    model: Any,
    images: NDArray[Any],
    probabilities: NDArray[np.float32],
    *,
    per_channel: bool,
) -> float:
    """Return the share of images that a file names as the model did that trained for it.

    Args:
        file: for the message.
        learnt: by layer.
        model: the run's Keras model.
        images: uint8 [N,H,W] that the file was run on.
        probabilities: float32 [N,K], what it says of them.
        per_channel: whether the file's weights have a scale for each channel.

    Raises:
        CheckFailed: less than ALIKE of them, and more than one image.
    """
    fake = insert(model, learnt, per_channel=per_channel)
    share = agreement(fake, to_unit(images[..., None]), probabilities)
    if share < ALIKE and round((1 - share) * len(images)) > 1:
        raise CheckFailed(
            f"{file} agrees with the fake-quantized model that it was trained as on "
            f"{100 * share:.2f} % of {len(images)} images; wanted {100 * ALIKE} %"
        )
    return share


def _stated(run: Bundle) -> Mapping[str, Any] | None:
    try:
        stated: Mapping[str, Any] = run.manifest["training"]["quantization_aware"]["ranges"]
    except (KeyError, TypeError):
        return None
    return stated

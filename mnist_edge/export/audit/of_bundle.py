"""The audit of every quantized model in a bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_edge.errors import BundleError
from mnist_edge.export.activations import trace
from mnist_edge.export.audit import audit
from mnist_edge.export.calibration import AUDITED, audited, of_run
from mnist_edge.export.layers import IMAGES, layer_names
from mnist_edge.export.run import check_data, keras_model

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from mnist_edge.bundle import Bundle
    from mnist_edge.data import Dataset
    from mnist_edge.export.audit import Audit


def audit_images(bundle: Bundle, dataset: Dataset, count: int = AUDITED) -> NDArray[np.float32]:
    """Draw images that the bundle's network learnt from, not those that it was calibrated on.

    Never test images: what an audit says is used to choose. Another draw than calibration's shows
    what leaves the ranges that calibration found.

    Args:
        bundle: whose manifest says how its training data were split; all of the training part
            is drawn from where it does not.
        dataset: what it learnt from.
        count: how many, fewer where there are not so many.

    Returns:
        float32 [N,H,W,C] in 0..1.

    Raises:
        DataError: another dataset than the bundle's.
    """
    check_data(bundle, dataset)
    split = bundle.manifest.get("training", {}).get("hyperparameters", {})
    pool = of_run(
        dataset,
        split.get("validation_share", 0.0),
        split.get("seed", 0),
        split.get("split_seed"),
    )
    return audited(pool, count)


def audit_bundle(
    bundle: Bundle,
    images: NDArray[np.float32],
    say: Callable[[str], None] = lambda _line: None,
) -> dict[str, Audit]:
    """Audit every quantized model of a bundle against its float32 model of the same format.

    Args:
        bundle: with its `.keras` model layers have their names; without it, tensors have theirs.
        images: from `audit_images`.
        say: takes a line on what is going on.

    Returns:
        Audits by file name, in the manifest's order.

    Raises:
        BundleError: it has no quantized model, or none in float to compare one with.
    """
    originals = {entry.format: entry for entry in bundle.models if entry.quantization == "float32"}
    quantized = [entry for entry in bundle.models if entry.quantization != "float32"]
    if not quantized:
        raise BundleError(f"{bundle.folder} has no quantized model: export one with --int8")
    model = None if originals.pop("keras", None) is None else keras_model(bundle)
    contents: dict[str, bytes] = {}
    names: dict[str, dict[str, str]] = {}
    audits = {}
    for entry in quantized:
        if entry.format not in originals:
            raise BundleError(
                f"{bundle.folder} has no float32 .{entry.format} to compare {entry.file} with: "
                "export the run anew"
            )
        if entry.format not in contents:
            content = bundle.read_file(originals[entry.format])
            few = images[:IMAGES]
            contents[entry.format] = content
            names[entry.format] = layer_names(model, trace(entry.format, content, few), few)
        audits[entry.file] = audit(
            contents[entry.format],
            bundle.read_file(entry),
            entry.format,
            entry.quantization,
            images,
            names[entry.format],
            say=lambda what, file=entry.file: say(f"{file}: {what}"),  # type: ignore[misc]
        )
    return audits

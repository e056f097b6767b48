"""One format of one network: the float file, and every quantized file made from it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from mnist_edge.export import onnx_model, tflite
from mnist_edge.export.activations import trace
from mnist_edge.export.audit import audit, culprits
from mnist_edge.export.graph import moved
from mnist_edge.export.layers import IMAGES, layer_names
from mnist_edge.export.learnt import tensor_ranges
from mnist_edge.export.ranges import PERCENTILE, instability, observe, ranges, same

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from mnist_edge.export.audit import Audit
    from mnist_edge.export.calibration import Calibration, Pool
    from mnist_edge.export.graph import Operation
    from mnist_edge.export.plan import Target
    from mnist_edge.export.ranges import Ranges, Seen

UNIT = (0.0, 1.0)  # of pixels and of probabilities: known, so that no sample need show it
UNSTABLE = 1.25  # times as wide in one half of the calibration images as in the other


class Family:
    """The files of one format; each is made once, when it is asked for.

    Attributes:
        format: `tflite` or `onnx`.
        float32: the float file.
    """

    def __init__(
        self,
        model_format: str,
        model: Any,
        pool: Pool,
        learnt: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        """Convert the network to float32.

        Args:
            model_format: `tflite` or `onnx`.
            model: a Keras model, float32 [N,H,W,C] in 0..1 to probabilities [N,K].
            pool: images for ranges are drawn from it.
            learnt: ranges by layer that training found; they stand instead of seen ones.

        Raises:
            ModelError: the conversion fails.
        """
        self.format, self._model, self._pool = model_format, model, pool
        self._learnt_layers = dict(learnt or {})
        self._converter: Any = {"tflite": tflite, "onnx": onnx_model}[model_format]
        self.float32: bytes = self._converter.convert(model)
        self._base: bytes | None = None
        self._seen: dict[int, dict[str, Seen]] = {}

    @property
    def base(self) -> bytes:
        """The float file that the quantizer starts from: its tensors are those of int8 files."""
        if self._base is None:
            onnx = self.format == "onnx"
            self._base = onnx_model.prepare(self.float32) if onnx else self.float32
        return self._base

    @cached_property
    def _units(self) -> set[str]:
        """The tensors that hold 0..1: the input, what only moves its pixels, and the output."""
        taken, given = self._converter.ends(self.base)
        return moved(self.operations(), taken) | {given}

    @cached_property
    def _names(self) -> dict[str, str]:
        """What each tensor of `base` is called in the Keras model."""
        few = self._few
        return layer_names(self._model, trace(self.format, self.base, few), few)

    @cached_property
    def _few(self) -> NDArray[np.float32]:
        return self._pool.draw(min(IMAGES, len(self._pool.images))).inputs()

    @cached_property
    def _learnt(self) -> Ranges:
        """The learnt ranges by the names of the tensors of `base`."""
        if not self._learnt_layers:
            return {}
        return tensor_ranges(self._learnt_layers, self._model, self.format, self.base, self._few)

    def make(self, target: Target) -> bytes:
        """Return the file of a target of this format.

        Raises:
            ModelError: the conversion fails.
        """
        if target.quantization == "float32":
            return self.float32
        if target.quantization == "int8":
            made: bytes = self._converter.quantize(self.base, target, self.ranges(target))
            return made
        if self.format == "onnx":
            return onnx_model.convert_dynamic(self.float32)
        if target.quantization == "int16x8":
            return tflite.convert_int16(self._model, target, self.calibration(target).inputs())
        return tflite.convert_weights(self._model, target)

    def operators(self, content: bytes) -> tuple[str, ...]:
        """Return the sorted names of the operators in a file of this format."""
        found: tuple[str, ...] = self._converter.operators(content)
        return found

    def operations(self) -> list[Operation]:
        """Return the operators of `base`, in their order."""
        found: list[Operation] = self._converter.operations(self.base)
        return found

    def ranges(self, target: Target) -> Ranges:
        """Return the range of each tensor of `base` for a calibrated target."""
        seen = self._observed(target)
        found = ranges(seen, target.method, target.percentile or PERCENTILE)
        return {**found, **self._learnt, **dict.fromkeys(self._units, UNIT)}

    def doubts(self, target: Target) -> list[str]:
        """Say what is doubtful about the ranges of a calibrated target, a line each."""
        if target.quantization != "int8":
            return []
        seen, found = self._observed(target), []
        share = target.percentile or PERCENTILE
        worst = instability(self._free(seen), target.method, share)
        if worst is not None and worst.ratio > UNSTABLE:
            found.append(
                f"{self.format} {target.method}: the range of {self.named(worst.tensor)} is "
                f"{worst.ratio:.2f} times as wide in one half of the calibration images as in the "
                "other: give more images"
            )
        plain = ranges(seen, "minmax")
        if target.method != "minmax" and same(ranges(seen, target.method, share), plain):
            found.append(f"{self.format} {target.method}: came to the ranges of minmax, no gain")
        return found

    def instability(self, target: Target) -> dict[str, Any] | None:
        """Return which range depends most on the choice of images, as a manifest writes it."""
        worst = instability(self._observed(target), target.method, target.percentile or PERCENTILE)
        if worst is None:
            return None
        return {"layer": self.named(worst.tensor), "ratio": round(worst.ratio, 4)}

    def _free(self, seen: Mapping[str, Seen]) -> dict[str, Seen]:
        """Return what was seen of the tensors whose ranges come from it."""
        fixed = self._units | set(self._learnt)
        return {name: each for name, each in seen.items() if name not in fixed}

    def named(self, tensor: str) -> str:
        """Return what a tensor of `base` is called in the Keras model."""
        return self._names.get(tensor, tensor)

    def rank(self, content: bytes, images: NDArray[np.float32]) -> list[str]:
        """Return the names of layers' outputs, the one that adds most error first.

        Args:
            content: a quantized file made from `base`.
            images: float32 [N,H,W,C] in 0..1.
        """
        return [parts[0] for parts in culprits(self.base, content, self.format, images)]

    def audit(self, content: bytes, quantization: str, images: NDArray[np.float32]) -> Audit:
        """Hold a quantized file of this format against float, layer by layer.

        Args:
            content: a file from `make`.
            quantization: of it.
            images: float32 [N,H,W,C] in 0..1.
        """
        return audit(self.base, content, self.format, quantization, images, self._names)

    def calibration(self, target: Target) -> Calibration:
        """Return the images that a calibrated target's ranges come from."""
        return self._pool.draw(target.count)

    def _observed(self, target: Target) -> dict[str, Seen]:
        images = self.calibration(target)
        known = self._seen.get(len(images.images))
        wanted = target.method != "minmax"
        if known is None or (wanted and next(iter(known.values())).histogram is None):
            inputs = images.inputs()
            known = observe(lambda: trace(self.format, self.base, inputs), histograms=wanted)
            self._seen[len(images.images)] = known
        return known

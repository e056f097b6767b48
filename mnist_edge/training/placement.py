"""Where a converter puts a quantized tensor, layer by layer, and which range it is given.

The operators' own demands are in the TensorFlow Lite quantization specification: pooling, padding
and reshaping keep the scale of what they take, softmax ends at 1/256. ONNX agrees with all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers

from mnist_edge.errors import ModelError
from mnist_edge.training.fold import FUSED, WEIGHTED, activation_of
from mnist_edge.training.graph import Call, calls, consumers, input_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Ends = tuple[float, float]  # least and greatest real number that a tensor can hold

LEVELS = 255  # steps from the least to the greatest number of 8 bits
INPUT = (0.0, 1.0)  # pixels as `preprocess` gives them
FIXED = {
    "softmax": (0.0, 255 / 256),
    "sigmoid": (0.0, 255 / 256),
    "tanh": (-1.0, 127 / 128),
}
VANISHING = (  # do nothing but in training
    *(layers.Dropout, layers.SpatialDropout2D, layers.GaussianNoise, layers.GaussianDropout),
    *(layers.Identity, layers.ActivityRegularization),
)
MOVING = (  # make no number that was not there
    *(layers.MaxPooling2D, layers.GlobalMaxPooling2D, layers.Flatten, layers.Reshape),
    *(layers.Permute, layers.ZeroPadding2D, layers.Cropping2D),
)
AVERAGING = (layers.AveragePooling2D,)  # makes new numbers, on the scale of the old ones
RANGED = (*WEIGHTED, layers.Add, layers.GlobalAveragePooling2D)
RECTIFIERS = FUSED[1:]


class Placement:
    """What becomes of the output of each layer of a folded model.

    A tensor goes by the name of the layer that makes it: the convolution, where a rectifier is a
    layer after it and fused with it.

    Attributes:
        ranged: tensors with a range of their own, to be seen or learnt: the name -> the layer
            whose output it is.
        fixed: tensors whose range the operator demands; the input, under its own name, too.
        kept: layers whose output is on the scale of another tensor -> the name of that tensor.
        averaging: those of `kept` whose numbers must be rounded again.
        within: layers whose output no quantized tensor holds, as the next is fused with it -> the
            name of the tensor that it ends in.
    """

    def __init__(self, model: Any) -> None:
        """Place the ranges of a model that `fold` made.

        Raises:
            ModelError: a layer of a kind that is not known here.
        """
        found = calls(model)
        takers = consumers(found)
        self.ranged: dict[str, str] = {}
        self.fixed: dict[str, Ends] = {input_name(model): INPUT}
        self.kept: dict[str, str] = {}
        self.averaging: set[str] = set()
        self.within: dict[str, str] = {}
        for call in found:
            name, source = call.name, call.sources[0]
            rectifies = _rectifies(call)
            if isinstance(call.layer, VANISHING) and source in self.within:
                self.within[name] = self.within[source]
            elif isinstance(call.layer, (*VANISHING, *MOVING, *AVERAGING)) or (
                rectifies and source in self.kept  # pooling may be fused with it: one scale
            ):
                self.kept[name] = self._tensor(source)
                if isinstance(call.layer, AVERAGING):
                    self.averaging.add(name)
            elif rectifies:
                self.ranged[self.within.get(source, name)] = name
            elif activation_of(call.layer) in FIXED and not isinstance(call.layer, WEIGHTED):
                self.fixed[name] = FIXED[activation_of(call.layer)]
            elif not isinstance(call.layer, RANGED):
                raise ModelError(
                    f"layer {name} is a {type(call.layer).__name__}, whose quantized form is not "
                    "known here: it cannot be fine-tuned; export it as it is"
                )
            elif _fused_with_next(call, takers):
                self.within[name] = name
            else:
                self.ranged[name] = name

    def complete(self, ranges: Mapping[str, Ends]) -> dict[str, Ends]:
        """Return the range of every tensor by its name, and of the layers in `kept` by theirs.

        Args:
            ranges: of the tensors in `ranged`, by name.

        Raises:
            ModelError: one of them is not there.
        """
        absent = sorted(set(self.ranged) - set(ranges))
        if absent:
            raise ModelError(f"no range for {', '.join(absent)}: fine-tune the run anew")
        known = {**self.fixed, **{name: ranges[name] for name in self.ranged}}
        return {**known, **{name: known[tensor] for name, tensor in self.kept.items()}}

    def _tensor(self, layer: str) -> str:
        """Return the name of the tensor on whose scale the output of `layer` is."""
        held = {output: name for name, output in self.ranged.items()}
        return self.kept.get(layer, held.get(layer, layer))


def observed(folded: Any, inputs: NDArray[np.float32], batch: int = 100) -> dict[str, Ends]:
    """Return the least and greatest number that each tensor in `ranged` held, zero among them.

    Args:
        folded: made by `fold`.
        inputs: float32 [N,H,W,C], for calibration.
        batch: how many of them to hold at a time.
    """
    outputs = Placement(folded).ranged
    watched = keras.Model(
        folded.input, [folded.get_layer(name).output for name in outputs.values()]
    )
    low, high = dict.fromkeys(outputs, 0.0), dict.fromkeys(outputs, 0.0)
    for start in range(0, len(inputs), batch):
        values = watched(inputs[start : start + batch], training=False)
        values = values if isinstance(values, list) else [values]
        for name, value in zip(outputs, values, strict=True):
            seen = np.asarray(value)
            low[name] = min(low[name], float(seen.min()))
            high[name] = max(high[name], float(seen.max()))
    return {name: (low[name], high[name]) for name in outputs}


def _rectifies(call: Call) -> bool:
    """Whether `call` is a layer that does nothing but rectify."""
    alone = isinstance(call.layer, (layers.ReLU, layers.Activation))
    return alone and activation_of(call.layer) in RECTIFIERS


def _fused_with_next(call: Call, takers: dict[str, list[Call]]) -> bool:
    """Whether a rectifier takes the output of `call`, alone, and becomes part of it."""
    if activation_of(call.layer) != "linear" or not isinstance(call.layer, (*WEIGHTED, layers.Add)):
        return False
    nexts = takers[call.name]
    while len(nexts) == 1 and isinstance(nexts[0].layer, VANISHING):
        nexts = takers[nexts[0].name]
    return len(nexts) == 1 and _rectifies(nexts[0])

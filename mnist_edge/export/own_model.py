"""A network that somebody brings: opened safely, and refused with a reason where it does not fit.

What a bundle wants is float32 [N,H,W,C] in 0..1 to probabilities [N,K] of two classes or more.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

from mnist_edge.errors import ModelError
from mnist_edge.export.own_file import load

if TYPE_CHECKING:
    from pathlib import Path

MOST_CHANNELS = 4  # of a picture; more in the last place, and as few in the first, are the sides
ARROW = "keras.Model(image, model(image))"  # how one builds a network around another


@dataclass(frozen=True)
class OwnModel:
    """A Keras model that fits, but perhaps for the range of its pixels and a softmax.

    Attributes:
        path: where it came from.
        network: the Keras model.
        image_shape: height, width and channels.
        flat: it takes [N,H,W], without an axis of channels.
        classes: how many numbers it gives for an image.
    """

    path: Path
    network: Any
    image_shape: tuple[int, int, int]
    flat: bool
    classes: int

    def wrapped(self, input_range: tuple[float, float], softmax: bool) -> Any:
        """Return the network as a bundle wants it; it shares the weights.

        Args:
            input_range: of pixels, as the network learnt on them.
            softmax: append one.
        """
        low, high = input_range
        fixed = self.network.inputs[0].shape[0] is not None
        if (low, high) == (0, 1) and not (self.flat or fixed or softmax):
            return self.network
        image = keras.Input(self.image_shape, name="image")
        x = image
        if (low, high) != (0, 1):
            x = keras.layers.Rescaling(high - low, low, name="input_range")(x)
        if self.flat:
            x = keras.layers.Reshape(self.image_shape[:2], name="without_channels")(x)
        try:
            x = self.network(x)
        except Exception as error:  # a batch size that is built in
            batch = self.network.inputs[0].shape[0]
            raise ModelError(
                f"{self.path} works on {batch} images at once and on no other number: build it "
                f"with keras.Input({self.image_shape}), and save it anew"
            ) from error
        if softmax:
            x = keras.layers.Softmax(name="probabilities")(x)
        return keras.Model(image, x)

    @property
    def ending(self) -> str:
        """The name of the last layer's activation, such as `softmax`; empty where unknown."""
        layer = self.network
        while isinstance(layer, keras.Model):
            layer = layer.layers[-1]
        if isinstance(layer, keras.layers.Softmax):
            return "softmax"
        return str(getattr(getattr(layer, "activation", None), "__name__", ""))


def open_own(path: Path) -> OwnModel:
    """Open a .keras file that anybody may have made; no code within it is run.

    Raises:
        ModelError: not such a file, layers that are not Keras' own, or not a classifier of images
            of one size.
    """
    network = load(path)
    try:
        taken, given = network.inputs, network.outputs
    except (AttributeError, ValueError):
        taken = given = None
    if not taken or not given:
        raise ModelError(
            f"{path} does not say what it takes: call it on an image before it is saved, or, where "
            f"its class is one's own, save {ARROW}"
        )
    if len(taken) != 1 or len(given) != 1:
        raise ModelError(
            f"{path} has {len(taken)} inputs and {len(given)} outputs; wanted one image in and one "
            "list of probabilities out: keras.Model(one input, one output), and save that"
        )
    for tensor, what in ((taken[0], "takes"), (given[0], "gives")):
        if tensor.dtype != "float32":
            raise ModelError(
                f"{path} {what} {tensor.dtype}; wanted float32: build its first and last layer "
                'with dtype="float32"'
            )
    shape, flat = _image_shape(tuple(taken[0].shape), path)
    return OwnModel(path, network, shape, flat, _classes(tuple(given[0].shape), path))


def _image_shape(shape: tuple[int | None, ...], path: Path) -> tuple[tuple[int, int, int], bool]:
    """Return height, width and channels, and whether the last is left out."""
    shown = f"[{','.join('?' if side is None else str(side) for side in shape)}]"
    if len(shape) == 3 and shape[0] not in (None, 1):
        raise ModelError(
            f"{path} takes {shown}, with no axis for the batch; wanted [N,height,width,channels]: "
            f"keras.Input({shape}) says the shape of one image, batch_shape that of all"
        )
    if len(shape) not in (3, 4):
        raise ModelError(
            f"{path} takes {shown}, which are no images; wanted [N,height,width,channels]: "
            "keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), model]), say, and "
            "save that"
        )
    sides = shape[1:] if len(shape) == 4 else (*shape[1:], 1)
    if None in sides:
        raise ModelError(
            f"{path} takes {shown}, of any size; wanted one that is fixed: "
            f"image = keras.Input((96, 96, 3)); {ARROW}, and save that"
        )
    height, width, channels = (int(side or 0) for side in sides)
    if height <= MOST_CHANNELS < channels:
        raise ModelError(
            f"{path} takes {shown}, channels first; wanted [N,height,width,channels]: begin it "
            "with keras.layers.Permute((3, 1, 2)), and save that"
        )
    return (height, width, channels), len(shape) == 3


def _classes(shape: tuple[int | None, ...], path: Path) -> int:
    shown = f"[{','.join('?' if side is None else str(side) for side in shape)}]"
    if len(shape) != 2 or shape[1] is None:
        raise ModelError(
            f"{path} gives {shown}; wanted probabilities [N,classes]: end it with "
            "GlobalAveragePooling2D or Flatten, and a Dense layer with a softmax"
        )
    if shape[1] == 1:
        raise ModelError(
            f"{path} gives one number, of a sigmoid it seems; wanted a probability for each of two "
            "classes: keras.Model(model.input, keras.ops.concatenate([1 - model.output, "
            "model.output], -1)), and save that"
        )
    return shape[1]

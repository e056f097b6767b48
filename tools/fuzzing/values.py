"""Everything that might be handed over as images: right ones in odd forms, and wrong ones.

What is right is known by how a value was made: each carries the plain bytes of its images, or None
where it has to be refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    Array = np.ndarray[Any, Any]

SIDE = 28
OTHER_DTYPES = (
    *("bool", "int8", "uint16", "int32", "int64", "uint64", "float16", "float64", "longdouble"),
    *("complex64", "complex128", ">f4", ">u2", ">f8", "U3", "S3", "O", "M8[s]", "m8[s]", "V4"),
    [("red", "u1"), ("green", "u1")],
)
OTHER_SHAPES: tuple[tuple[int, ...], ...] = (
    *((), (0,), (28,), (784,), (1, 784), (28, 27), (29, 29), (27, 28, 1), (28, 28, 0), (28, 28, 3)),
    *((2, 28, 27), (2, 27, 28, 1), (1, 1, 28, 28, 1), (1, 1, 1, 28, 28), (1, 28, 28, 3), (0, 0)),
    *((0, 28), (28, 0), (2, 0, 28), (2, 28, 28, 0), (1, 28, 1, 28), (2, 1, 28, 28), (1,) * 32),
)
NEITHER: tuple[Callable[[], Any], ...] = (  # no images at all
    lambda: None, lambda: 7, lambda: 2.5, lambda: True, lambda: "image.png", lambda: b"\x00" * 784,
    lambda: bytearray(784), lambda: [], lambda: [[]], lambda: {}, lambda: {1, 2}, lambda: object(),
    lambda: np.float32(0), lambda: np.uint8(1), lambda: range(784), lambda: iter([1]), lambda: ...,
    lambda: (each for each in [1]), lambda: NotImplemented, lambda: Exception("x"), lambda: int,
    lambda: [None], lambda: ["a", "b"], lambda: [[1, 2], [3]], lambda: [[[1.0]]], lambda: 10**400,
    lambda: [10**400], lambda: {"image": 1}, lambda: memoryview(bytes(784)), lambda: "\ud800",
    lambda: np.datetime64("2026-01-01"), lambda: [np.zeros(28), np.zeros(27)], lambda: 1j,
    lambda: np.array(None), lambda: np.array([]), lambda: [[[[[[[[0]]]]]]]],
)  # fmt: skip


class Given(NamedTuple):
    """What is handed over, the images [N,28,28] that it stands for (None: refuse it), and words."""

    value: Any
    images: Array | None
    words: str


class Subclass(np.ndarray):  # type: ignore[type-arg]
    """An array of a class of one's own."""


class Holder:
    """Something that is no array, but gives one when asked."""

    def __init__(self, array: Array) -> None:
        self._array = array

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        """Return the array, as numpy's protocol has it."""
        return self._array.astype(dtype) if dtype else self._array


class Interface:
    """Something that only tells where its bytes lie."""

    def __init__(self, array: Array) -> None:
        self._array = array
        self.__array_interface__ = array.__array_interface__


def given(random: Random, numbers: np.random.Generator) -> Given:
    """Return something to hand over, right or wrong."""
    if random.random() < 0.1:
        index = random.randrange(len(NEITHER))
        value = NEITHER[index]()
        return Given(value, None, f"{type(value).__name__}, neither's {index}")
    images = _images(random, numbers)
    roll = random.random()
    if roll < 0.12:
        shape = random.choice(OTHER_SHAPES)
        dtype = random.choice((np.uint8, np.float32))
        return Given(np.zeros(shape, dtype), None, f"shape {shape}")
    if roll < 0.24:
        other = random.choice(OTHER_DTYPES)
        array = np.zeros(images.shape, other) if isinstance(other, list) else _cast(images, other)
        return Given(array, None, f"dtype {other}")
    as_floats = random.random() < 0.5
    array = images.astype(np.float32) / np.float32(255) if as_floats else images
    words = f"{array.dtype} {array.shape}"
    if as_floats and array.size and random.random() < 0.3:
        bad = random.choice((np.nan, np.inf, -np.inf, -1e-6, 1.001, 255.0, -0.5, 1e38))
        array = array.copy()
        array.reshape(-1)[random.randrange(array.size)] = bad
        return _wrapped(random, array, None, f"{words} with {bad}")
    if random.random() < 0.1:  # as many as no memory could answer
        count = random.choice((10**12, 1 << 50))
        huge = np.broadcast_to(array[:1], (count, SIDE, SIDE)) if len(array) else array
        return Given(huge, None if len(array) else images, f"{words} seen {count} times")
    return _wrapped(random, array, images, words)


def _images(random: Random, numbers: np.random.Generator) -> Array:
    """Return uint8 [N,28,28] of strokes or of noise."""
    count = random.choice((1, 1, 1, 2, 3, 5, 0))
    images = numbers.integers(0, 256, (count, SIDE, SIDE), np.uint8)
    if random.random() < 0.6:
        images[:] = 0
        for image in images:
            left, top = numbers.integers(4, 16, 2)
            image[top : top + numbers.integers(2, 12), left : left + numbers.integers(2, 12)] = 255
    return images


def _cast(images: Array, dtype: Any) -> Array:
    if dtype == "V4":
        return np.zeros(images.shape, "V4")
    return images.astype(dtype)


def _wrapped(random: Random, array: Array, images: Array | None, words: str) -> Given:
    """Return [N,28,28] in another shape, lie of memory and wrapping, with the images it then is."""
    if len(array) == 1 and random.random() < 0.6:
        array = array[0]
    if random.random() < 0.4:
        array = array[..., None]
    lie = random.choice(sorted(LIES))
    array = LIES[lie](array)
    if lie == "mirrored" and images is not None:
        images = images[..., ::-1]
    wrap = random.choice((*sorted(WRAPS), "none", "none", "none"))
    value: Any = array
    if wrap != "none":
        value, kept = WRAPS[wrap](array)
        images = images if kept else None
    return Given(value, images, f"{words}, {lie}, {wrap}")


def _mirrored(array: Array) -> Array:
    channel = array.ndim > 2 and array.shape[-1] == 1
    return array[..., ::-1, :] if channel else array[..., ::-1]


def _unaligned(array: Array) -> Array:
    place = np.zeros(array.nbytes + 1, np.uint8)
    found = place[1:].view(array.dtype) if array.size else place[:0].view(array.dtype)
    found = found.reshape(array.shape)
    found[...] = array
    return found


def _spread(array: Array) -> Array:
    place = np.zeros(tuple(3 * size for size in array.shape), array.dtype)
    found = place[tuple(slice(None, None, 3) for _ in array.shape)]
    found[...] = array
    return found


def _read_only(array: Array) -> Array:
    found = array.copy()
    found.flags.writeable = False
    return found


LIES: dict[str, Callable[[Array], Array]] = {
    "contiguous": np.ascontiguousarray,
    "Fortran's order": np.asfortranarray,
    "mirrored": _mirrored,
    "mirrored twice": lambda array: _mirrored(_mirrored(array).copy()),
    "unaligned": _unaligned,
    "spread": _spread,
    "read-only": _read_only,
}


def _masked(array: Array) -> tuple[Any, bool]:
    mask = np.zeros(array.shape, bool)
    mask.reshape(-1)[:50] = True
    return np.ma.masked_array(array, mask), not array.size  # what is masked is no image


# Each returns what is handed over, and whether it still stands for the same images.
WRAPS: dict[str, Callable[[Array], tuple[Any, bool]]] = {
    "a subclass": lambda array: (array.view(Subclass), True),
    "nothing masked": lambda array: (np.ma.masked_array(array), True),
    "masked": _masked,
    "a list of arrays": lambda array: (list(array), array.size > 0),
    "a tuple of arrays": lambda array: (tuple(array), array.size > 0),
    "lists of numbers": lambda array: (array.tolist(), False),
    "an array of objects": lambda array: (array.astype(object), False),
    "a generator": lambda array: ((each for each in array), False),
    "a dict": lambda array: (dict(enumerate(array)), False),
    "a memoryview": lambda array: (memoryview(np.ascontiguousarray(array)), True),
    "__array__": lambda array: (Holder(array), True),
    "__array_interface__": lambda array: (Interface(array), True),
    "ragged": lambda array: ([*array, np.zeros((3, 3), array.dtype)], False),
    "a string": lambda array: (str(array), False),
    "bytes": lambda array: (array.tobytes(), False),
    "in a list": lambda array: ([array], True),
    "in three lists": lambda array: ([[[array]]], False),
}

import numpy as np
import pytest

from mnist_edge.errors import InputError
from mnist_edge.preprocess import Encoder, as_batch, to_unit
from mnist_edge.quantize import QuantParams, TensorSpec, quantize

SHAPE = (28, 28, 1)
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (3, 28, 28), np.uint8)


@pytest.mark.parametrize(
    ("images", "count"),
    [
        (IMAGES[0], 1),
        (IMAGES[0][..., None], 1),
        (IMAGES, 3),
        (IMAGES[..., None], 3),
        (list(IMAGES), 3),
        (np.zeros((28, 28, 28), np.uint8), 28),
        (np.zeros((0, 28, 28), np.uint8), 0),
        (IMAGES[:1], 1),
        (np.asfortranarray(IMAGES), 3),
        (IMAGES[::2], 2),
        (to_unit(IMAGES), 3),
    ],
)
def test_every_known_form_becomes_a_batch(images, count):
    assert as_batch(images, SHAPE).shape == (count, 28, 28, 1)


def test_colour_images_keep_their_channels():
    assert as_batch(np.zeros((32, 20, 3), np.uint8), (32, 20, 3)).shape == (1, 32, 20, 3)
    with pytest.raises(InputError, match=r"wanted \[32,20,3\] or \[N,32,20,3\]"):
        as_batch(np.zeros((32, 20), np.uint8), (32, 20, 3))


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros((27, 28), np.uint8), r"shape \[27, 28\]; wanted \[28,28\]"),
        (np.zeros((2, 2, 28, 28), np.uint8), "shape"),
        (np.zeros(784, np.uint8), "shape"),
        (np.zeros((28, 28, 3), np.uint8), "shape"),
        (np.uint8(3), "shape"),
        (np.zeros((28, 28)), "float64"),
        (np.zeros((28, 28), np.int64), "int64"),
        (np.zeros((28, 28), bool), "bool"),
        (np.full((28, 28), np.nan, np.float32), "NaN"),
        (np.full((28, 28), 255, np.float32), "divide by 255"),
        (np.full((28, 28), -0.1, np.float32), "from -0.1"),
        (np.full((28, 28), np.inf, np.float32), "to inf"),
        ([np.zeros((28, 28), np.uint8), np.zeros((27, 28), np.uint8)], "different shapes"),
        ("digit", "dtype"),
        (None, "dtype"),
        (np.ma.masked_greater(IMAGES[0], 100), "masked pixels"),
    ],
)
def test_anything_else_is_refused_in_one_line(images, said):
    encoder = Encoder(TensorSpec("image", (None, 28, 28, 1), "float32"))
    with pytest.raises(InputError, match=said) as caught:
        encoder(as_batch(images, SHAPE))
    assert "\n" not in str(caught.value)
    assert "wanted" in str(caught.value)


def test_a_mask_that_masks_nothing_is_no_mask():
    assert as_batch(np.ma.array(IMAGES), SHAPE).shape == (3, 28, 28, 1)


@pytest.mark.parametrize("images", [IMAGES, IMAGES[:0]])
def test_one_image_is_one(images):
    assert len(as_batch(IMAGES[0], SHAPE, single=True)) == 1
    with pytest.raises(InputError, match=f"{len(images)} images; wanted one"):
        as_batch(images, SHAPE, single=True)


def test_bytes_and_floats_are_the_same_numbers():
    assert np.array_equal(to_unit(IMAGES), IMAGES.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize(
    ("scale", "zero_point", "dtype"),
    [(1 / 255, -128, "int8"), (0.0317, 5, "int8"), (1 / 255, 0, "uint8"), (3e-5, -9, "int16")],
)
def test_the_table_is_quantization_of_every_byte(scale, zero_point, dtype):
    quant = QuantParams(scale, zero_point, dtype)
    encoder = Encoder(TensorSpec("image", (1, 28, 28, 1), dtype, quant))
    batch = as_batch(IMAGES, SHAPE)
    encoded = encoder(batch)
    assert encoded.dtype == dtype
    assert encoded.shape == batch.shape
    assert np.array_equal(encoded, quantize(batch / np.float32(255), quant))
    assert np.array_equal(encoder(to_unit(batch)), encoded)


def test_a_float_model_takes_bytes_in_0_to_1_and_floats_as_they_are():
    encoder = Encoder(TensorSpec("image", (None, 28, 28, 1), "float32"))
    batch = as_batch(IMAGES, SHAPE)
    assert np.array_equal(encoder(batch), to_unit(batch))
    floats = to_unit(batch)
    assert encoder(floats) is floats
    assert encoder(np.asfortranarray(floats)).flags.c_contiguous


def test_integers_without_a_scale_are_refused():
    with pytest.raises(InputError, match="without a scale"):
        Encoder(TensorSpec("image", (1, 28, 28, 1), "int8"))


def test_what_comes_in_is_never_changed():
    image = IMAGES[0].copy()
    image.flags.writeable = False
    encoder = Encoder(TensorSpec("i", (1, 28, 28, 1), "int8", QuantParams(0.1, 0, "int8")))
    encoder(as_batch(image, SHAPE))
    assert np.array_equal(image, IMAGES[0])


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point"),
    [
        ("int8", 1 / 255, -128),
        ("int8", 0.0041, -117),
        ("uint8", 1 / 255, 0),
        ("uint8", 0.01, 37),
        ("int16", 1 / 32767, 0),
        ("float32", None, None),
    ],
)
def test_a_slot_is_filled_with_what_the_encoder_gives(dtype, scale, zero_point):
    quant = None if scale is None else QuantParams(scale, zero_point, dtype)
    encode = Encoder(TensorSpec("in", (1, 28, 28, 1), dtype, quant))
    array, fill = encode.slot(SHAPE)
    for image in (IMAGES[0], IMAGES[1][..., None], IMAGES[2].T, IMAGES[0][::-1, ::-1], IMAGES[:1]):
        fill(image)
        assert array.dtype == dtype
        assert np.array_equal(array, encode(image.reshape(1, 28, 28, 1)))
    real = IMAGES[0].reshape(1, 28, 28, 1) / np.float32(255)
    assert np.array_equal(encode(real.astype(np.float32)), encode(IMAGES[0].reshape(real.shape)))


def test_what_the_encoder_gives_can_be_written_to():
    for quant in (None, QuantParams(1 / 255, -128, "int8"), QuantParams(1 / 32767, 0, "int16")):
        dtype = quant.dtype if quant else "float32"
        raw = Encoder(TensorSpec("in", (1, 28, 28, 1), dtype, quant))(IMAGES[:1, :, :, None])
        raw[:] = 0
        assert IMAGES[0].any()

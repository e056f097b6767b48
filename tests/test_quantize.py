import numpy as np
import pytest

from mnist_edge.errors import InputError
from mnist_edge.quantize import (
    QuantParams,
    TensorSpec,
    dequantize,
    dequantize_one,
    least_at,
    quantize,
)


@pytest.mark.parametrize(
    ("real", "stored"),
    [(0.0, -128), (1.0, 127), (-5.0, -128), (9.0, 127), (0.5, 0), (1 / 255, -127)],
)
def test_quantize_rounds_shifts_and_clips(real, stored):
    params = QuantParams(1 / 255, -128, "int8")
    assert quantize(np.array(real), params) == stored


def test_quantize_rounds_half_to_even():
    params = QuantParams(1.0, 0, "int16")
    assert quantize(np.array([0.5, 1.5, 2.5, -0.5]), params).tolist() == [0, 2, 2, 0]


def test_dequantize_widens_before_it_subtracts():
    params = QuantParams(0.5, -128, "int8")
    assert dequantize(np.array([127, -128], np.int8), params).tolist() == [127.5, 0.0]
    params = QuantParams(0.5, 200, "uint8")
    assert dequantize(np.array([0], np.uint8), params).tolist() == [-100.0]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_every_stored_value_survives_a_round_trip(dtype):
    info = np.iinfo(dtype)
    params = QuantParams(0.0123, 7, dtype)
    stored = np.arange(info.min, info.max + 1).astype(dtype)
    assert np.array_equal(quantize(dequantize(stored, params), params), stored)


def test_one_value_is_dequantized_as_many_are():
    params = QuantParams(0.0123, -7, "int8")
    stored = np.arange(-128, 128).astype(np.int8)
    assert [dequantize_one(int(value), params) for value in stored] == (
        dequantize(stored, params).tolist()
    )


@pytest.mark.parametrize(
    ("scale", "zero_point", "dtype"),
    [
        (1 / 256, -128, "int8"),
        (1 / 255, -128, "int8"),
        (0.0123, 7, "int8"),
        (1 / 256, 0, "uint8"),
        (0.0039, 3, "uint8"),
        (1 / 32768, 0, "int16"),
        (0.7 / 32767, -5, "int16"),
    ],
)
def test_the_least_integer_at_a_value_parts_all_integers_as_the_value_does(
    scale, zero_point, dtype
):
    params = QuantParams(scale, zero_point, dtype)
    low, high = params.limits
    stored = np.arange(low, high + 1)
    real = dequantize(stored, params).astype(np.float64)
    random = np.random.default_rng(0)
    some = random.choice(real, 40) if dtype == "int16" else real
    values = [*some, *np.nextafter(some, 2), *np.nextafter(some, -2), *random.random(40), 0.9]
    for value in [*values, 0.0, 1.0, real[0] - 1, real[-1] + 1]:
        assert np.array_equal(stored < least_at(value, params), real < value), value
    assert least_at(real[-1] + 1, params) == high + 1
    assert least_at(real[0] - 1, params) == low


def test_quantize_refuses_nan():
    with pytest.raises(InputError, match="NaN"):
        quantize(np.array([0.0, np.nan]), QuantParams(1.0, 0, "int8"))


@pytest.mark.parametrize(
    ("scale", "zero_point", "dtype", "said"),
    [
        (0.0, 0, "int8", "scale is 0"),
        (float("nan"), 0, "int8", "scale is nan"),
        (float("inf"), 0, "int8", "scale is inf"),
        (1.0, 128, "int8", "zero point is 128"),
        (1.0, -1, "uint8", "zero point is -1"),
        (1.0, 0, "float32", "dtype is 'float32'"),
    ],
)
def test_impossible_parameters_are_refused(scale, zero_point, dtype, said):
    with pytest.raises(InputError, match=said):
        QuantParams(scale, zero_point, dtype)


def test_a_tensor_is_written_with_its_scale():
    spec = TensorSpec("image", (None, 28, 28, 1), "int8", QuantParams(0.5, -3, "int8"))
    assert spec.as_dict() == {
        "name": "image",
        "shape": [None, 28, 28, 1],
        "dtype": "int8",
        "scale": 0.5,
        "zero_point": -3,
    }
    assert TensorSpec("x", (1,), "float32").as_dict()["scale"] is None

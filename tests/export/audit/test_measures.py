import math

import numpy as np
import pytest

from mnist_edge.export.audit.measures import Comparison, decibels, noise_to_signal
from mnist_edge.quantize import QuantParams

GRID = QuantParams(0.5, 0, "int8")  # -64 .. 63.5


def compared(wanted, found, quant=GRID, channels_last=True):
    comparison = Comparison(quant, channels_last)
    for one, other in zip(np.float32(wanted), np.float32(found), strict=True):
        comparison.add(one[None], other[None])
    return comparison


def test_decibels_of_no_noise_and_of_no_signal_are_none():
    assert decibels(0.01) == pytest.approx(20)
    assert decibels(0.0) is None
    assert decibels(math.inf) is None
    assert noise_to_signal(np.zeros(3), np.ones(3)) == math.inf
    assert noise_to_signal(np.zeros(3), np.zeros(3)) == 0


def test_sums_over_images_are_those_of_all_images_at_once():
    random = np.random.default_rng(0)
    wanted = random.normal(size=(5, 4, 4, 3))
    found = np.rint(wanted * 2) / 2
    comparison = compared(wanted, found)
    assert comparison.noise_to_signal == pytest.approx(noise_to_signal(wanted, found), rel=1e-5)
    a, b = wanted.ravel(), found.ravel()
    cosine = (a @ b) / np.linalg.norm(a) / np.linalg.norm(b)
    assert comparison.cosine == pytest.approx(cosine, rel=1e-5)
    assert comparison.max_error == pytest.approx(np.abs(a - b).max(), rel=1e-5)
    assert np.allclose(comparison.channel_peaks, np.abs(wanted).max((0, 1, 2)))


def test_a_channel_peaks_in_whichever_image_it_does():
    images = np.zeros((3, 2, 2, 3))
    images[0, 1, 1, 0], images[1, 0, 1, 1], images[2, 0, 0, 2] = 5, -7, 2
    assert compared(images, images).channel_peaks.tolist() == [5, 7, 2]


def test_channels_are_the_first_axis_of_an_onnx_image_and_the_last_of_a_row():
    values = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    assert compared(values, values, channels_last=False).channel_peaks.shape == (3,)
    rows = values.reshape(2, -1)
    assert compared(rows, rows, channels_last=False).channel_peaks.shape == (60,)


def test_the_range_used_is_counted_in_integers():
    assert compared([[-64.0, 63.5]], [[-64.0, 63.5]]).range_used == 1
    assert compared([[0.0, 0.5]], [[0.0, 0.5]]).range_used == pytest.approx(2 / 256)


def test_saturated_is_what_the_grid_cannot_hold_by_more_than_half_a_step():
    comparison = compared([[0.0, 63.7, 63.8, 70.0]], [[0.0, 63.5, 63.5, 63.5]])
    assert comparison.saturated == pytest.approx(2 / 4)
    assert comparison.clipping > 0.9
    rounding = compared([[0.2, 0.3, -0.2]], [[0.0, 0.5, 0.0]])
    assert (rounding.saturated, rounding.clipping) == (0, 0)


def test_floats_have_neither_range_nor_saturation():
    comparison = compared([[1.0, 2.0]], [[1.0, 2.5]], None)
    assert comparison.range_used is None
    assert comparison.saturated is None
    assert comparison.max_error == 0.5

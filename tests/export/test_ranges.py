import math

import numpy as np
import pytest

from mnist_edge.errors import ModelError, SettingError
from mnist_edge.export.activations import Traced
from mnist_edge.export.ranges import _divergence, instability, observe, ranges, same


def traces(*images, name="t"):
    return lambda: [{name: Traced(np.float32(image), None)} for image in images]


def spiky():
    """One value of 100 among many of 0 to 1."""
    values = np.random.default_rng(0).random((20, 1000))
    values[3, 5] = 100
    return traces(*values)


def test_minmax_is_all_that_was_seen_and_zero():
    seen = observe(traces([1, 2], [0.5, 7], [3, 4]), histograms=False)
    assert ranges(seen, "minmax") == {"t": (0.0, 7.0)}
    assert ranges(seen, "minmax", half=0) == {"t": (0.0, 4.0)}
    assert ranges(seen, "minmax", half=1) == {"t": (0.0, 7.0)}
    seen = observe(traces([-3, -1]), histograms=False)
    assert ranges(seen, "minmax") == {"t": (-3.0, 0.0)}


def test_percentile_clips_the_tails_by_as_much_as_it_says():
    values = np.linspace(-1, 1, 10001)
    seen = observe(traces(values), histograms=True)
    low, high = ranges(seen, "percentile", 90.0)["t"]
    assert low == pytest.approx(-0.9, abs=0.002)
    assert high == pytest.approx(0.9, abs=0.002)
    assert ranges(seen, "percentile", 100.0)["t"] == pytest.approx((-1, 1))
    low, high = ranges(observe(spiky(), histograms=True), "percentile", 99.9)["t"]
    assert low == 0
    assert 0.95 < high < 1.1


def test_entropy_throws_a_lone_spike_away_and_keeps_an_even_spread():
    low, high = ranges(observe(spiky(), histograms=True), "entropy")["t"]
    assert low == 0
    assert high < 50
    even = np.random.default_rng(0).random((20, 1000)) * 2 - 1
    low, high = ranges(observe(traces(*even), histograms=True), "entropy")["t"]
    assert low < -0.8
    assert high > 0.8


def test_entropy_is_not_fooled_by_the_zeros_of_a_relu():
    values = np.random.default_rng(0).normal(size=(20, 2000)).clip(0)
    _, high = ranges(observe(traces(*values), histograms=True), "entropy")["t"]
    assert 2 < high <= values.max()


def test_entropy_does_not_take_a_blank_background_for_all_there_is():
    values = np.full((20, 1000), 0.03)
    values[:, 900:] = np.random.default_rng(0).random((20, 100))
    _, high = ranges(observe(traces(*values), histograms=True), "entropy")["t"]
    assert high > 0.9


def test_a_tensor_that_is_always_zero_has_a_range():
    seen = observe(traces([0, 0], [0, 0]), histograms=True)
    for method in ("minmax", "percentile", "entropy"):
        assert ranges(seen, method) == {"t": (0.0, 0.0)}
    assert instability(seen, "minmax") is None


def test_a_tensor_that_is_never_positive_has_a_range():
    values = -np.random.default_rng(0).random((20, 1000))
    seen = observe(traces(*values), histograms=True)
    for method in ("minmax", "percentile", "entropy"):
        low, high = ranges(seen, method)["t"]
        assert -1 <= low < -0.8
        assert high == 0


def test_the_two_halves_of_the_images_are_held_against_each_other():
    steady = observe(traces([0, 4], [0, 4], [1, 4], [0, 4]), histograms=False)
    assert instability(steady, "minmax").ratio == 1
    lucky = observe(traces([0, 4], [0, 12], [0, 4], [0, 4]), histograms=False)
    assert instability(lucky, "minmax").ratio == 3
    assert instability(lucky, "minmax").tensor == "t"


def test_two_methods_with_one_result_are_told():
    seen = observe(spiky(), histograms=True)
    assert same(ranges(seen, "percentile", 100.0), ranges(seen, "minmax"))
    assert not same(ranges(seen, "percentile", 99.0), ranges(seen, "minmax"))


def test_what_cannot_be_a_range_is_refused():
    with pytest.raises(ModelError, match="t held NaN or infinity on calibration image 1"):
        observe(traces([1, 2], [1, np.nan]), histograms=False)
    seen = observe(traces([1, 2]), histograms=False)
    with pytest.raises(SettingError, match="wanted one of minmax, percentile, entropy"):
        ranges(seen, "mse")
    with pytest.raises(SettingError, match="percentile is 30"):
        ranges(seen, "percentile", 30)
    with pytest.raises(SettingError, match="observe with them"):
        ranges(seen, "entropy")


def test_entropy_counts_what_is_clipped_into_the_outermost_bins():
    counts = np.ones(520)
    counts[:5] = counts[-5:] = 51  # 510 are clipped, as many as are kept
    inside = np.zeros(520, bool)
    inside[5:-5] = True
    # p is 1/1020 a bin but 256/1020 at both ends, q is 1/510
    wanted = 508 / 1020 * math.log(1 / 2) + 2 * 256 / 1020 * math.log(256 / 2)
    assert _divergence(counts, np.arange(520.0), inside) == pytest.approx(wanted)


def test_entropy_takes_the_histogram_in_255_steps():
    inside = np.ones(1020, bool)
    by_step = np.repeat(np.tile([1.0, 3.0, 2.0], 85), 4)  # four bins a step, all the same
    assert _divergence(by_step, np.arange(1020.0), inside) == pytest.approx(0, abs=1e-12)
    within = np.tile([1.0, 3.0], 510)
    wanted = (math.log(1 / 2) + 3 * math.log(3 / 2)) / 4
    assert _divergence(within, np.arange(1020.0), inside) == pytest.approx(wanted)


def test_each_half_of_the_images_has_a_histogram_of_its_own():
    narrow, wide = np.linspace(0, 1, 1001), np.linspace(0, 10, 1001)
    seen = observe(traces(narrow, wide, narrow, wide), histograms=True)
    for half, most in enumerate((1, 10)):
        assert ranges(seen, "percentile", 80.0, half=half)["t"][1] == pytest.approx(
            0.9 * most, abs=0.02
        )


@pytest.mark.parametrize("method", ["percentile", "entropy"])
def test_a_clipped_range_ends_where_values_do_and_holds_zero(method):
    # Bins are as wide as both halves together need: their edges go beyond what the first held.
    narrow, wide = np.linspace(-0.9991, 0.9991, 4001), np.linspace(-10, 10, 1001)
    seen = observe(traces(narrow, wide), histograms=True)
    low, high = ranges(seen, method, 100.0, half=0)["t"]
    assert (low, high) == pytest.approx((-0.9991, 0.9991), abs=1e-6)
    far = observe(traces(np.linspace(2, 3, 1001)), histograms=True)
    low, high = ranges(far, method, 90.0)["t"]
    assert low == 0
    assert high > 2.9
    below = observe(traces(np.linspace(-3, -2, 1001)), histograms=True)
    low, high = ranges(below, method, 90.0)["t"]
    assert low < -2.9
    assert high == 0

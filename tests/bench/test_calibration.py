import numpy as np
import pytest

from mnist_edge.bench.calibration import BINS, calibration_error


def error(*given):
    """The error of images, each with how sure the model is of it, and whether it is right."""
    sure, right = (np.array(each) for each in zip(*given, strict=True))
    probabilities = np.zeros((len(sure), BINS + 1), np.float32)
    probabilities[:, 0] = sure
    probabilities[:, 1:] = ((1 - sure) / BINS)[:, None]
    return calibration_error(probabilities, right.astype(bool))


def together(one, other):
    """Whether two degrees of sureness are in one bin: what is too sure there makes up for less."""
    apart = (one + (1 - other)) / 2
    found = error((one, False), (other, True))
    assert found == pytest.approx(apart, abs=1e-6) or found < apart - 1e-3
    return found < apart - 1e-3


@pytest.mark.parametrize("upper", range(2, BINS))
def test_a_bin_holds_its_upper_end_and_not_its_lower(upper):
    end = upper / BINS  # in float32, which is what a model says
    assert together(end, end - 0.5 / BINS)
    assert not together(end, end + 0.5 / BINS)


def test_what_is_beyond_an_end_by_the_least_is_in_the_next_bin():
    for end in (np.float32(9 / BINS), np.float32(0.8)):
        beyond = np.nextafter(end, np.float32(1))
        assert together(beyond, end + 0.5 / BINS)
        assert not together(beyond, end - 0.5 / BINS)


def test_who_is_wholly_sure_is_in_the_last_bin():
    assert together(1, 14.01 / BINS)
    assert not together(1, 13.99 / BINS)
    assert error((1, True), (1, True)) == 0
    assert error((1, False)) == 1


def test_more_than_1_is_taken_for_1():
    assert error((1.004, True)) == 0  # as 8-bit steps may have it


def test_bins_count_by_their_images():
    assert error(*[(0.95, True)] * 3, (0.5, False)) == pytest.approx((3 * 0.05 + 0.5) / 4, abs=1e-6)

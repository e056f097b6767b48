import numpy as np
import pytest

from mnist_edge.errors import InputError
from mnist_edge.quantize import QuantParams
from mnist_edge.report.int8_picture import channels_picture, error_picture, grid_picture
from mnist_edge.report.style import png

RANDOM = np.random.default_rng(0)
RELU = np.maximum(0, RANDOM.normal(0, 1, (20, 12, 12, 4))).astype(np.float32)
OF_RELU = QuantParams(float(RELU.max()) / 255, -128, "int8")


def heights(axes):
    return np.array([patch.get_height() for patch in axes.patches])


def test_the_grid_is_drawn_over_all_numbers_and_close_by():
    figure = grid_picture(RELU, OF_RELU, "What a layer gives")
    assert figure._suptitle.get_text() == "What a layer gives"
    whole, close = figure.axes
    assert heights(whole).sum() == RELU.size  # none is left out
    ends = [line.get_xdata()[0] for line in whole.lines]
    assert ends == pytest.approx([0, RELU.max()])
    assert f"{OF_RELU.scale:.4g}" in whole.get_title(loc="left")
    lines = np.array([line.get_xdata()[0] for line in close.lines])
    assert np.diff(lines) == pytest.approx(OF_RELU.scale)
    steps = [int(label.get_text().replace("−", "-")) for label in close.get_xticklabels()]
    assert lines == pytest.approx((np.array(steps) + 128) * OF_RELU.scale)
    assert heights(close).sum() > 0
    assert png(figure).startswith(b"\x89PNG")


def test_a_grid_that_does_not_reach_shows_what_lies_outside():
    narrow = QuantParams(0.01, 0, "int8")
    (whole, _close) = grid_picture(np.array([-3.0, 0.1, 0.11, 2.0]), narrow, "x").axes
    assert heights(whole).sum() == 4
    assert whole.get_xlim()[0] < -3
    assert whole.get_xlim()[1] > 2
    assert [line.get_xdata()[0] for line in whole.lines] == pytest.approx([-1.28, 1.27])


def test_the_closer_look_stays_within_the_grid():
    for value in (-1.28, 1.27):
        (_whole, close) = grid_picture(np.full(5, value), QuantParams(0.01, 0, "int8"), "x").axes
        steps = [int(label.get_text().replace("−", "-")) for label in close.get_xticklabels()]
        assert (len(steps), min(steps) >= -128, max(steps) <= 127) == (9, True, True)
        assert heights(close).sum() == 1  # the same five times over


def test_rounding_is_off_by_half_a_step_at_most_and_clipping_by_more():
    (axes,) = error_picture(RELU, OF_RELU, "x").axes
    shown = {round(patch.get_x(), 6): patch.get_height() for patch in axes.patches}
    assert sum(shown.values()) == np.count_nonzero(RELU)
    assert min(x for x, count in shown.items() if count) == pytest.approx(-0.5, abs=0.02)
    assert "0.28" in axes.get_title(loc="left")
    clipped = QuantParams(OF_RELU.scale / 4, -128, "int8")
    (axes,) = error_picture(RELU, clipped, "x").axes
    assert heights(axes).sum() == np.count_nonzero(RELU)
    assert axes.get_xlim()[1] > 100


def test_a_loud_channel_sets_the_step_of_all():
    kernel = RANDOM.normal(0, 0.1, (3, 3, 2, 5))
    kernel[..., 3] *= 100
    (axes,) = channels_picture(kernel, "x").axes
    reach, own, common = (np.array(line.get_ydata()) for line in axes.lines)
    assert reach == pytest.approx(np.abs(kernel).max((0, 1, 2)))
    assert own == pytest.approx(reach / 127)
    assert common == pytest.approx(reach[3] / 127)
    assert axes.lines[0].get_marker() != axes.lines[1].get_marker()
    assert axes.get_yscale() == "log"


@pytest.mark.parametrize("values", [np.zeros(4), np.array([1.0, np.nan]), np.array([np.inf])])
def test_what_cannot_be_drawn_is_refused(values):
    for draw in (grid_picture, error_picture):
        with pytest.raises(InputError, match="draw"):
            draw(values, OF_RELU, "x")
    with pytest.raises(InputError, match="draw"):
        channels_picture(values.reshape(1, -1), "x")

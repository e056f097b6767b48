import numpy as np

from mnist_edge.report.digits_picture import digits, field_picture
from mnist_edge.report.style import INK, RED, png


def test_each_image_has_its_words_and_its_frame():
    images = np.arange(3 * 28 * 28).reshape(3, 28, 28).astype(np.uint8)
    figure = digits(images, ["a", "b", "c"], "Three", colours=[INK, RED, INK], columns=2)
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c"]
    assert [axes.title.get_color() for axes in figure.axes] == [INK, RED, INK]
    for axes, image in zip(figure.axes, images, strict=True):
        assert (axes.images[0].get_array() == image).all()
        assert axes.images[0].get_clim() == (0, 255)  # as bright as it is, not stretched
        assert all(spine.get_visible() for spine in axes.spines.values())
        assert not len(axes.get_xticks())
    assert figure.axes[2].get_subplotspec().rowspan.start == 1
    colour = digits(np.zeros((1, 8, 4, 3), np.uint8), ["x"], "In colour")
    assert png(colour).startswith(b"\x89PNG")


def test_a_field_is_drawn_where_a_number_looks():
    field = np.zeros((28, 28))
    field[4:23, 5:24] = 0.25
    (axes,) = field_picture(field, (19, 19), "Middle").axes
    shown = np.asarray(axes.images[0].get_array())
    assert (shown.astype(bool) == (field > 0)).all()
    assert axes.get_xlabel() == "19x19 of 28x28 pixels"

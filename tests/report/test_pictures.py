import warnings

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from mnist_edge.data import Split
from mnist_edge.report.pictures import confusion, curves, mistakes, samples, save_run_pictures
from mnist_edge.report.style import BLUE, ORANGE

LABELS = tuple("0123")
TRUTH = np.array([0, 0, 1, 1, 2, 2, 3, 3, 3, 3], np.uint8)
FOUND = np.array([0, 0, 1, 2, 2, 2, 3, 1, 1, 3])


def split():
    images = np.random.default_rng(0).integers(0, 256, (len(TRUTH), 28, 28)).astype(np.uint8)
    return Split(images, TRUTH)


def probabilities():
    """The places of mistakes are 3, 7 and 8, of which 8 is the surest."""
    sure = np.array([0.9, 0.9, 0.9, 0.6, 0.9, 0.9, 0.9, 0.7, 0.8, 0.9], np.float32)
    found = np.full((len(TRUTH), 4), 0.05, np.float32)
    found[np.arange(len(TRUTH)), FOUND] = sure
    return found


def history(*rows):
    keys = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")
    return [dict(zip(keys, row, strict=False)) for row in rows]


def ticks(axes):
    FigureCanvasAgg(axes.figure).draw()
    low, high = sorted(axes.get_ylim())
    texts = ((each.get_position()[1], each.get_text()) for each in axes.get_yticklabels())
    return [text for height, text in texts if low <= height <= high]


def test_curves_show_training_and_validation_by_colour_and_mark():
    rows = history(
        (1, 0.7, 0.8, 0.1, 0.97), (2, 0.1, 0.97, 0.05, 0.985), (3, 0.02, 0.995, 0.04, 0.99)
    )
    loss, accuracy = curves(rows).axes
    training, validation = accuracy.lines
    assert list(training.get_ydata()) == [80, 97, 99.5]
    assert list(validation.get_ydata()) == [97, 98.5, 99]
    assert (training.get_color(), validation.get_color()) == (BLUE, ORANGE)
    assert training.get_marker() != validation.get_marker()
    assert training.get_linestyle() != validation.get_linestyle()
    assert [each.get_text() for each in loss.get_legend().texts] == ["training", "validation"]
    assert ticks(accuracy) == ["99.5", "99", "98", "95", "90", "80"]
    assert ticks(loss) == ["0.02", "0.05", "0.1", "0.2", "0.5"]


def test_what_is_learnt_late_has_room():
    (_, accuracy) = curves(history((1, 1, 0.5), (2, 1, 0.98), (3, 1, 0.99), (4, 1, 0.995))).axes
    FigureCanvasAgg(accuracy.figure).draw()
    heights = accuracy.transData.transform([(1, 98), (1, 99), (1, 99.5)])[:, 1]
    first, second = np.diff(heights)
    assert second == pytest.approx(first, rel=0.1)


@pytest.mark.parametrize(
    "rows",
    [
        history((1, 0.0, 1.0)),
        history((1, 1.3, 0.25, 1.0, 0.0)),
        history((1, 0.4, 0.971), (2, 0.39, 0.9715)),
        history((1, 2.0, 0.3), (2, 0.1, 0.97), (3, 0.0, 1.0)),
    ],
)
def test_every_history_can_be_drawn(rows):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for axes in curves(rows).axes:
            assert len(ticks(axes)) > 0
            low, high = axes.get_ylim()
            for line in axes.lines:
                assert all(low < value < high for value in line.get_ydata())


def test_confusion_counts_what_was_named_how_and_stays_legible():
    figure = confusion(TRUTH, FOUND, LABELS)
    assert figure._suptitle.get_text() == "3 of 10 test images named wrongly"
    (axes,) = figure.axes
    counts = {each.get_position(): each.get_text() for each in axes.texts}
    assert counts == {
        (0, 0): "2", (1, 1): "1", (2, 1): "1", (2, 2): "2", (3, 3): "2", (1, 3): "2",
    }  # fmt: skip
    assert [each.get_text() for each in axes.get_xticklabels()] == list(LABELS)
    (image,) = axes.images
    assert image.get_array().mask[0].all()  # where nothing is wrong, the paper shows
    darkest = image.to_rgba(image.get_array())[3, 1, :3]
    assert darkest @ [0.2126, 0.7152, 0.0722] > 0.3  # black words can be read on it
    assert confusion(TRUTH, TRUTH, LABELS)._suptitle.get_text().startswith("0 of 10")


def test_samples_come_in_order_and_mistakes_the_surest_first():
    shown = [axes.get_title() for axes in samples(split(), probabilities(), LABELS).axes]
    assert shown[:4] == ["0, 90 %", "0, 90 %", "1, 90 %", "2, 60 %\ntrue: 1"]
    figure = mistakes(split(), probabilities(), LABELS)
    assert figure._suptitle.get_text() == "The worst of 3 mistakes"
    shown = [axes.get_title() for axes in figure.axes]
    assert shown == ["1, 80 %\ntrue: 3", "1, 70 %\ntrue: 3", "2, 60 %\ntrue: 1"]
    assert (figure.axes[0].images[0].get_array() == split().images[8]).all()
    perfect = mistakes(split(), np.eye(4, dtype=np.float32)[TRUTH], LABELS)
    assert (perfect._suptitle.get_text(), perfect.axes) == ("No mistakes", [])


def test_they_become_files(tmp_path):
    rows = history((1, 0.7, 0.8))
    paths = save_run_pictures(tmp_path, rows, split(), probabilities(), LABELS)
    assert [path.name for path in paths] == [
        "curves.png", "confusion.png", "samples.png", "mistakes.png"
    ]  # fmt: skip
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)

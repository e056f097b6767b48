import numpy as np
import pytest

from mnist_edge.bench.stress.corruptions import corrupt, find
from mnist_edge.data import Split
from mnist_edge.errors import InputError
from mnist_edge.report.bench_pictures import save_bench_pictures
from mnist_edge.report.stress_picture import stress_picture
from mnist_edge.report.style import png


def split(count=40, shape=(28, 28), classes=10):
    images = np.random.default_rng(3).integers(0, 256, (count, *shape)).astype(np.uint8)
    return Split(images, (np.arange(count) * 3 % classes).astype(np.uint8))


def grid(figure):
    return [axes for axes in figure.axes if axes.images]


def test_every_corruption_is_a_row_with_what_it_does_and_costs(records):
    images = split()
    record = records.stressed(records.of_images(images.images))
    found = grid(stress_picture(record, images))
    assert len(found) == 9 * 4
    assert [axes.get_ylabel() for axes in found[::4]] == [name for name, _unit, _ in records.KINDS]
    assert found[0].get_xlabel() == "as it is\n99.6 %"
    assert found[1].get_xlabel() == "25 levels\n93.0–99.0 %"
    assert found[27].get_xlabel() == "30°\n81.0–87.0 %"
    for row, (name, amount) in enumerate((("noise", 25), ("blur", 0.5), ("thin strokes", 0.25))):
        index = int(np.flatnonzero(images.truth == row)[0])  # a class a row
        assert (found[4 * row].images[0].get_array() == images.images[index]).all()
        worse = corrupt(images.images, find(name), amount)[index]  # as all of them were benched
        assert (found[4 * row + 1].images[0].get_array() == worse).all()


def test_one_model_has_one_number_and_colour_stays_colour(records):
    images = split(shape=(20, 12, 3), classes=2)
    record = records.stressed(records.of_images(images.images, results=[records.row()]))
    found = grid(stress_picture(record, images))
    assert found[3].get_xlabel() == "75 levels\n87.0 %"
    assert found[3].images[0].get_array().shape == (20, 12, 3)
    assert len(png(stress_picture(record, images))) > 10_000


def test_no_stress_no_labels_no_picture_and_other_images_are_refused(records):
    images = split()
    record = records.stressed(records.of_images(images.images))
    assert stress_picture(records.of_images(images.images), images) is None
    assert stress_picture(records.old(), images) is None
    assert stress_picture(record, Split(images.images, None)) is None
    with pytest.raises(InputError, match="39 images; the record is of 40"):
        stress_picture(record, images.part(np.arange(39)))
    with pytest.raises(InputError, match="other images than those of the record"):
        stress_picture(record, images.part(np.arange(40)[::-1]))


def test_a_corruption_of_a_later_version_is_left_out(records):
    images = split()
    record = records.stressed(records.of_images(images.images, results=[records.row()]))
    record["results"][0]["stress"]["corruptions"][4]["name"] = "rain"
    found = grid(stress_picture(record, images))
    assert len(found) == 8 * 4
    assert found[16].get_ylabel() == "shift"


def test_it_is_among_the_pictures_of_a_bench(records, tmp_path):
    images = split(classes=4)
    record = records.stressed(records.of_images(images.images, results=[records.row()]))
    paths = save_bench_pictures(tmp_path, record, images)
    assert paths[-1].name == "bench-stress.png"
    assert paths[-1].read_bytes().startswith(b"\x89PNG")

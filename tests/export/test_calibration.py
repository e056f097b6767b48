import dataclasses
import hashlib

import numpy as np
import pytest

from mnist_edge.data import Dataset, Split, stratified_split
from mnist_edge.errors import DataError, SettingError
from mnist_edge.export.calibration import Calibration, Pool, of_run


def images(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 28, 28), np.uint8)


def calibration(chosen, labels=None, classes=4):
    return Calibration(chosen, labels, classes, "train", 0)


NONE = np.empty((0, 28, 28), np.uint8)


def test_it_is_chosen_by_class_from_what_was_learnt(dataset):
    pool = of_run(dataset, 0.1, seed=3)
    chosen = pool.draw(40)
    kept, held = stratified_split(dataset.train.labels, 0.1, 3)
    learnt = {image.tobytes() for image in dataset.train.images[kept]}
    held_out = {image.tobytes() for image in dataset.train.images[held]}
    test = {image.tobytes() for image in dataset.test.images}
    there = {image.tobytes() for image in chosen.images}
    assert len(there) == 40
    assert there <= learnt
    assert not there & (held_out | test)
    assert chosen.as_dict() == of_run(dataset, 0.1, seed=3).draw(40).as_dict()
    assert chosen.as_dict() != of_run(dataset, 0.1, seed=4).draw(40).as_dict()
    assert chosen.as_dict()["per_class"] == [10, 10, 10, 10]
    assert chosen.inputs().shape == (40, 28, 28, 1)
    assert chosen.inputs().dtype == np.float32
    with pytest.raises(SettingError, match="calibration of 9999 images"):
        pool.draw(9999)


def test_its_hash_is_that_of_every_image():
    one, other = images(120), images(120)
    other[-1, 5, 5] ^= 1
    found = calibration(one).as_dict()["sha256"]
    assert found == hashlib.sha256(one.tobytes()).hexdigest()
    assert found != calibration(other).as_dict()["sha256"]


def test_a_larger_draw_holds_the_smaller(dataset):
    pool = of_run(dataset, 0.1, seed=3)
    few = {image.tobytes() for image in pool.draw(20).images}
    many = {image.tobytes() for image in pool.draw(80).images}
    assert few < many


def test_an_image_that_is_judged_on_is_never_calibrated_on():
    shared = images(120)
    pool = Pool(shared, None, np.concatenate([images(5, 1), shared[7:9]]), 4, "my.npz", 0)
    with pytest.raises(DataError, match="2 of 120 calibration images are among those that"):
        pool.draw()
    assert len(dataclasses.replace(pool, judged=NONE).draw().images) == 120


def test_images_that_were_held_out_twice_over_are_left_out_and_said():
    pictures = images(40)
    pictures[7] = pictures[31]
    train, test = Split(pictures[:30], None), Split(pictures[30:], None)
    held_out = Dataset("own", train, test, ("a", "b"), held_out=True)
    pool = of_run(held_out, 0.0, seed=0)
    assert len(pool.images) == 29
    assert pool.labels is None
    drawn = pool.draw()
    assert drawn.warnings()[0] == "1 calibration images left out: they are judged on as well"
    given = Dataset("own", train, test, ("a", "b"))
    with pytest.raises(DataError, match="1 of 30 calibration images are among those"):
        of_run(given, 0.0, seed=0).draw()


def test_good_images_give_no_warning():
    assert calibration(images(120), np.arange(120) % 4).warnings() == []
    assert calibration(images(120)).warnings() == []


@pytest.mark.parametrize(
    ("chosen", "labels", "said"),
    [
        (images(99), None, "99 calibration images are few"),
        (images(120) * 0 + np.uint8(200), None, "120 calibration images have one grey value"),
        (images(120) // 3, None, "no calibration image is brighter than 0.33 of 1"),
        (np.concatenate([images(119), images(1)]), None, "1 calibration images are there twice"),
        (images(120), np.arange(120) % 3, "hardly any calibration image of class 3"),
        (images(120), np.r_[np.arange(118) % 3, 3, 3], "hardly any calibration image of class 3"),
    ],
)
def test_doubtful_images_are_said_to_be_so(chosen, labels, said):
    assert any(said in line for line in calibration(chosen, labels).warnings())


def test_what_was_left_out_of_the_data_is_said(dataset):
    said = ("my: 1 of 120 images left out: NaN or infinity",)
    part = dataclasses.replace(dataset, left_out=said)
    assert of_run(part, 0.1, 0).draw().warnings() == list(said)

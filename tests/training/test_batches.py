from dataclasses import replace

import numpy as np
import pytest

from mnist_edge.training.batches import EPOCHS_A_BEND, Batches, changed, targets_of
from mnist_edge.training.lessons import View
from mnist_edge.training.recipes import find

PLAIN = replace(find("edge"), augmentation="none", intensity=0.0, batch_size=16, seed=3)
BENT = replace(PLAIN, augmentation="elastic", strength=0.0)
LABELS = np.arange(40, dtype=np.uint8) % 10


@pytest.fixture(scope="module")
def images():
    made = np.zeros((40, 28, 28, 1), np.float32)
    made[:, 8:20, 12:16] = 1
    made[np.arange(40), 0, 0, 0] = np.arange(40) / 255  # tells them apart
    return made


def epoch(batches, number):
    """Return an epoch's images and targets, put back in order."""
    parts = list(batches.of_epoch(number))
    assert [len(part[1]) for part in parts] == [16, 16, 8]
    pixels, targets = (np.concatenate([part[side].numpy() for part in parts]) for side in (0, 1))
    return pixels, targets


def test_every_image_comes_once_an_epoch_in_an_order_of_its_own(images):
    batches = Batches(images, LABELS.astype(np.int32), PLAIN)
    orders = []
    for number in (0, 1):
        pixels, targets = epoch(batches, number)
        places = np.rint(255 * pixels[:, 0, 0, 0]).astype(int)
        assert sorted(places) == list(range(40))
        assert np.array_equal(targets, LABELS[places])
        orders.append(list(places))
    assert orders[0] != orders[1]
    assert list(np.rint(255 * epoch(batches, 0)[0][:, 0, 0, 0]).astype(int)) == orders[0]


def test_bent_images_serve_for_some_epochs_and_are_bent_anew(images):
    batches = Batches(images, LABELS.astype(np.int32), BENT)
    inner = (slice(None), slice(4, 24), slice(4, 24))

    def bent(number):
        return np.unique(epoch(batches, number)[0][inner].reshape(40, -1), axis=0)

    first = bent(0)
    assert np.array_equal(first, bent(EPOCHS_A_BEND - 1))
    assert not np.array_equal(first, bent(EPOCHS_A_BEND))
    assert np.array_equal(first, bent(0))  # as after a stop
    assert len(first) == 40


def test_what_teachers_say_is_learnt_of_what_they_saw(images):
    class Lessons:
        count = 2

        def view(self, number):
            answers = np.full((40, 10), number, np.float32)
            return View(np.full((40, 28, 28, 1), 51 * (number + 1), np.uint8), answers)

    taught = Batches(images, np.eye(10)[LABELS], replace(PLAIN, teachers=("a",)), Lessons())
    for number, view in ((0, 1), (1, 0), (2, 1)):  # seed 3 begins with the second
        pixels, targets = epoch(taught, number)
        np.testing.assert_allclose(pixels, 0.2 * (view + 1))
        assert (targets == view).all()


def test_targets_are_of_the_form_that_the_loss_takes():
    assert targets_of(LABELS, PLAIN, 10).dtype == np.int32
    for recipe in (replace(PLAIN, one_hot=True), replace(PLAIN, teachers=("a",))):
        assert np.array_equal(targets_of(LABELS, recipe, 10).argmax(1), LABELS)


def test_all_that_a_recipe_does_to_images_is_done(images):
    def done(recipe):
        return changed(images, recipe, [1, 2])

    assert np.array_equal(done(PLAIN), images)
    moved = done(replace(PLAIN, augmentation="affine")).numpy()
    both = done(replace(PLAIN, augmentation="elastic")).numpy()
    assert not np.array_equal(moved, images)
    assert not np.array_equal(moved, both)
    bent = done(BENT).numpy()
    assert not np.array_equal(bent, images)
    assert not np.array_equal(bent, both)


@pytest.mark.parametrize("what", ["intensity", "contrast", "noise"])
def test_other_contrast_and_noise_come_last_and_anew_each_epoch(images, what):
    some = replace(PLAIN, **{what: 0.5})
    batches = Batches(images, LABELS.astype(np.int32), some)
    plain = [image.tobytes() for image in images]
    for number in (0, 1):
        pixels, _ = epoch(batches, number)
        kept = [image.tobytes() in plain for image in pixels]
        assert 8 <= sum(kept) <= 32
    assert not np.array_equal(epoch(batches, 0)[0], epoch(batches, 4)[0])

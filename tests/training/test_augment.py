import numpy as np
import tensorflow as tf

from mnist_edge.training import augment


def some(count=64):
    images = np.zeros((count, 28, 28, 1), np.float32)
    images[:, 10:18, 12:16] = 1
    return tf.constant(images)


def test_the_same_seed_gives_the_same_change_and_another_another():
    one = augment.affine(some(), [1, 2]).numpy()
    assert np.array_equal(one, augment.affine(some(), [1, 2]).numpy())
    assert not np.array_equal(one, augment.affine(some(), [1, 3]).numpy())


def test_every_image_gets_a_change_of_its_own():
    images = augment.affine(some(), [0, 0]).numpy()
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


def test_ink_stays_ink_in_range_and_about_where_it_was():
    images = augment.affine(some(), [5, 5]).numpy()
    assert images.shape == (64, 28, 28, 1)
    assert images.min() >= 0
    assert images.max() <= 1
    mass = images.sum((1, 2, 3))
    assert (mass > 0.6 * 32).all()
    assert (mass < 1.6 * 32).all()
    rows = (images.sum((2, 3)) * np.arange(28)).sum(1) / mass
    assert np.abs(rows - 13.5).max() < 2 * augment.SHIFT
    assert rows.std() > 0.3


def test_nothing_changes_where_every_amount_is_zero(monkeypatch):
    for name in ("ROTATION", "SCALE", "SHEAR", "SHIFT"):
        monkeypatch.setattr(augment, name, 0.0)
    assert np.array_equal(augment.affine(some(), [0, 0]).numpy(), some().numpy())

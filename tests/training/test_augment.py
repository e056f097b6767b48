import numpy as np
import pytest
import tensorflow as tf

from mnist_edge.training import augment


def some(count=64):
    images = np.zeros((count, 28, 28, 1), np.float32)
    images[:, 10:18, 12:16] = 1
    return tf.constant(images)


def bent(images, seed):
    return augment.elastic(images, seed, 1.5)


@pytest.mark.parametrize("change", [augment.affine, bent])
def test_the_same_seed_gives_the_same_change_and_another_another(change):
    one = change(some(), [1, 2]).numpy()
    assert np.array_equal(one, change(some(), [1, 2]).numpy())
    assert not np.array_equal(one, change(some(), [1, 3]).numpy())


@pytest.mark.parametrize("change", [augment.affine, bent])
def test_every_image_gets_a_change_of_its_own(change):
    images = change(some(), [0, 0]).numpy()
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
    assert np.array_equal(augment.affine(some(), [0, 0], 0.0).numpy(), some().numpy())
    np.testing.assert_allclose(augment.elastic(some(), [0, 0], 0.0).numpy(), some(), atol=1e-6)


def test_half_the_strength_is_half_the_shift():
    def rows(strength):
        images = augment.affine(some(), [5, 5], strength).numpy()
        return (images.sum((2, 3)) * np.arange(28)).sum(1) / images.sum((1, 2, 3)) - 13.5

    assert rows(0.5).std() == pytest.approx(rows(1.0).std() / 2, rel=0.2)


def test_bent_strokes_stay_whole_in_range_and_about_where_they_were():
    images = bent(some(200), [5, 5]).numpy()
    assert images.shape == (200, 28, 28, 1)
    assert images.min() >= 0
    assert images.max() <= 1
    mass = images.sum((1, 2, 3))
    assert (np.abs(mass / 32 - 1) < 0.6).all()
    assert (images.max((1, 2, 3)) > 0.9).all()


def test_neighbours_move_alike_and_by_what_was_asked():
    # A ramp is moved by as much as its value changes.
    ramp = np.broadcast_to(np.arange(28, dtype=np.float32)[None, :, None, None], (400, 28, 28, 1))
    inner = slice(6, 22)
    moved = (augment.elastic(tf.constant(ramp), [3, 4], 1.0) - ramp).numpy()[:, inner, inner, 0]
    # A cubic B-spline's values spread by 0.48 of its knots along each axis, in the middle of many.
    assert moved.std() == pytest.approx(0.48, abs=0.05)
    assert moved.mean() == pytest.approx(0, abs=0.03)
    assert np.abs(np.diff(moved, axis=1)).max() < 0.7
    assert np.corrcoef(moved[:, 0, 0], moved[:, 1, 1])[0, 1] > 0.9
    assert abs(np.corrcoef(moved[:, 0, 0], moved[:, 15, 15])[0, 1]) < 0.2


@pytest.mark.parametrize("size", [8, 28, 32])
def test_knots_share_each_pixel_among_them(size):
    weights = augment._spline(size)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    assert (weights >= 0).all()


def test_a_share_of_the_images_gets_another_contrast_ground_and_noise():
    before = some(2000).numpy()
    after = augment.intensity(some(2000), [1, 2], 0.3).numpy()
    same = (after == before).all((1, 2, 3))
    assert same.mean() == pytest.approx(0.7, abs=0.04)
    changed = after[~same]
    assert changed.min() >= 0
    assert changed.max() <= 1
    ink, ground = changed[:, 11:17, 13:15].mean((1, 2, 3)), changed[:, :8].mean((1, 2, 3))
    assert (ink > ground + 0.1).all()
    assert (ground > 0.2).mean() > 0.1
    assert (changed[:, :8].std((1, 2, 3)) > 0.05).mean() > 0.2
    again = augment.intensity(some(2000), [1, 2], 0.3).numpy()
    assert np.array_equal(after, again)
    assert np.array_equal(augment.intensity(some(), [1, 2], 0.0).numpy(), some().numpy())


def test_a_share_of_the_images_gets_less_contrast_on_a_black_ground():
    before = some(2000).numpy()
    after = augment.dim(some(2000), [1, 2], 0.3).numpy()
    left = after.max((1, 2, 3))
    np.testing.assert_allclose(after, before * left[:, None, None, None], atol=1e-6)
    changed = left < 1
    assert 0.26 < changed.mean() < 0.34
    assert augment.DIM <= left.min() < augment.DIM + 0.02
    assert left[changed].mean() == pytest.approx((1 + augment.DIM) / 2, abs=0.03)


def test_a_share_of_the_images_gets_noise_of_its_own_strength():
    grey = tf.fill((2000, 28, 28, 1), 0.5)
    spread = (augment.noise(grey, [1, 2], 0.3).numpy() - 0.5).std((1, 2, 3))
    changed = spread > 0
    assert 0.26 < changed.mean() < 0.34
    assert augment.NOISE * 0.95 < spread.max() < augment.NOISE * 1.1
    assert spread[changed].mean() == pytest.approx(augment.NOISE / 2, abs=0.01)
    clipped = augment.noise(some(2000), [1, 2], 1.0).numpy()
    assert clipped.min() == 0
    assert clipped.max() == 1


@pytest.mark.parametrize("change", [augment.dim, augment.noise])
def test_no_share_of_the_images_is_no_change(change):
    assert np.array_equal(change(some(), [1, 2], 0.0).numpy(), some().numpy())
    one = change(some(), [1, 2], 0.5).numpy()
    assert np.array_equal(one, change(some(), [1, 2], 0.5).numpy())
    assert not np.array_equal(one, change(some(), [1, 3], 0.5).numpy())

"""Each corruption does what its name says, on images that nobody chose."""

import numpy as np
import pytest

from mnist_edge.bench.stress.corruptions import (
    CORRUPTIONS,
    Corruption,
    corrupt,
    dilate,
    erode,
    find,
    lower_contrast,
    rotate,
    scale,
    shift,
)
from mnist_edge.errors import InputError, SettingError

CHANCE = np.random.default_rng(0)
KINDS = [pytest.param(each, id=each.name) for each in CORRUPTIONS]
IDENTITIES = {
    "noise": 0, "blur": 0, "thin strokes": 0, "thick strokes": 0, "low contrast": 100, "shift": 0,
    "rotation": 0, "smaller": 100, "larger": 100,
}  # fmt: skip


def strokes(count=40, side=28, seed=0):
    """Bright crosses of three pixels on black, their middles about the middle of the image."""
    random = np.random.default_rng(seed)
    images = np.zeros((count, side, side), np.uint8)
    for image in images:
        row, column = random.integers(side // 2 - 4, side // 2 + 3, 2)
        image[row - 1 : row + 2, 5 : side - 5] = random.integers(120, 255)
        image[5 : side - 5, column - 1 : column + 2] = random.integers(120, 255)
    return images


def middle(images):
    """The centre of mass of each image, [N,2]."""
    ink = images.astype(float)
    places = np.arange(images.shape[1]) - (images.shape[1] - 1) / 2
    across = [(ink.sum(axis) * places).sum(1) / ink.sum((1, 2)) for axis in (2, 1)]
    return np.stack(across, 1)


def levels(kind, images):
    return [corrupt(images, kind, amount).astype(float) for amount in kind.amounts]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(6, 28, 28), (6, 28, 28, 1), (6, 9, 14, 3)])
def test_bytes_come_and_bytes_go_and_what_came_stays(kind, shape):
    images = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    before = images.copy()
    images.setflags(write=False)
    for amount in kind.amounts:
        found = corrupt(images, kind, amount)
        assert (found.dtype, found.shape) == (np.uint8, shape)
        assert (found != images).any()
    assert (images == before).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bytes_and_another_does_where_there_is_chance(kind):
    images = strokes()
    amount = kind.amounts[1]
    first = corrupt(images, kind, amount, seed=3)
    assert (corrupt(images, kind, amount, seed=3) == first).all()
    other = (corrupt(images, kind, amount, seed=4) != first).any()
    assert other == (kind.name in ("noise", "shift", "rotation"))


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_becomes_the_same_whatever_comes_after_it_and_in_parts(kind, monkeypatch):
    images = strokes(12)
    whole = corrupt(images, kind, kind.amounts[0])
    assert (corrupt(images[:5], kind, kind.amounts[0]) == whole[:5]).all()
    monkeypatch.setattr("mnist_edge.bench.stress.corruptions.PART_VALUES", 28 * 28 * 12)
    assert (corrupt(images, kind, kind.amounts[0]) == whole).all()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_it_changes_nothing(kind):
    images = np.random.default_rng(2).integers(0, 256, (5, 20, 31)).astype(np.uint8)
    assert (corrupt(images, kind, IDENTITIES[kind.name]) == images).all()


@pytest.mark.parametrize("kind", KINDS)
def test_more_of_it_changes_more(kind):
    images = strokes()
    change = [np.abs(each - images).mean() for each in levels(kind, images)]
    assert 0 < change[0] < change[1] < change[2]


def test_noise_has_the_spread_that_is_asked_for():
    flat = np.full((20, 28, 28), 128, np.uint8)
    noisy = corrupt(flat, find("noise"), 20).astype(float) - 128
    assert noisy.std() == pytest.approx(20, rel=0.03)
    assert abs(noisy.mean()) < 0.5


def test_a_blur_keeps_the_ink_and_spreads_it_by_its_sigma():
    point = np.zeros((1, 41, 41), np.uint8)
    point[0, 20, 20] = 255
    found = corrupt(point, find("blur"), 1.5)[0].astype(float)
    assert found[20].argmax() == found[:, 20].argmax() == 20
    profile = found.sum(0)
    spread = (profile * (np.arange(41) - 20) ** 2).sum() / profile.sum()
    assert spread == pytest.approx(1.5**2, rel=0.1)
    flat = np.full((2, 28, 28), 77, np.uint8)
    assert (corrupt(flat, find("blur"), 1.5) == flat).all()


def test_thin_strokes_have_less_ink_and_thick_ones_more_by_as_many_pixels():
    images = strokes()
    ink = images.astype(float).mean()
    assert [each.mean() < ink for each in levels(find("thin strokes"), images)] == [True] * 3
    assert [each.mean() > ink for each in levels(find("thick strokes"), images)] == [True] * 3
    bar = np.zeros((1, 20, 20), np.uint8)
    bar[0, :, 8:12] = 200  # four pixels wide
    for pixels in (0.25, 0.5, 0.75, 1):
        thin = corrupt(bar, find("thin strokes"), pixels)[0, 10].sum() / 200
        thick = corrupt(bar, find("thick strokes"), pixels)[0, 10].sum() / 200
        assert (thin, thick) == (4 - 2 * pixels, 4 + 2 * pixels)


def test_a_whole_pixel_is_the_usual_window_of_three():
    images = np.random.default_rng(5).integers(0, 256, (3, 12, 15, 1)).astype(np.float32)
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))
    assert (erode(images, 1, CHANCE) == windows.min((-1, -2))).all()
    assert (dilate(images, 1, CHANCE) == windows.max((-1, -2))).all()
    assert (erode(images, 0.5, CHANCE) == -dilate(-images, 0.5, CHANCE)).all()


def test_contrast_is_left_about_the_mean():
    images = np.random.default_rng(6).integers(0, 256, (4, 28, 28, 1)).astype(np.float32)
    found = lower_contrast(images, 30, CHANCE)
    assert found.mean((1, 2, 3)) == pytest.approx(images.mean((1, 2, 3)), rel=1e-5)
    assert found.std((1, 2, 3)) == pytest.approx(0.3 * images.std((1, 2, 3)), rel=1e-4)


def test_a_shift_moves_the_middle_by_as_many_pixels_in_all_four_ways():
    images = strokes(60)
    found = shift(images[..., None].astype(np.float32), 3, np.random.default_rng(1))[..., 0]
    moved = np.round(middle(found) - middle(images), 6)
    assert {tuple(map(abs, each)) for each in moved} == {(0, 3), (3, 0)}
    assert len(np.unique(moved, axis=0)) == 4
    lost = corrupt(images, find("shift"), 28)  # farther than the image is wide
    assert not lost.any()


def test_a_rotation_keeps_the_centre_of_mass_and_a_quarter_is_exact():
    images = strokes(40)
    whole = np.zeros((40, 28, 28), np.uint8)
    whole[:, 4:24, 4:24] = images[:, 4:24, 4:24]  # nothing turns out of the image
    for degrees in find("rotation").amounts:
        found = corrupt(whole, find("rotation"), degrees)
        radius = np.hypot(*middle(whole).T)
        assert np.hypot(*middle(found).T) == pytest.approx(radius, abs=0.1)
        assert found.mean() == pytest.approx(whole.mean(), rel=0.02)
    pixels = np.random.default_rng(7).integers(0, 256, (8, 9, 9, 1)).astype(np.float32)
    turned = rotate(pixels, 90, np.random.default_rng(2))
    ways = {
        tuple(way for way in (1, 3) if np.allclose(new, np.rot90(old, way)))
        for old, new in zip(pixels, turned, strict=True)
    }
    assert ways == {(1,), (3,)}


def test_scaling_scales_the_spread_of_the_ink_about_the_middle():
    places = np.arange(60) - 29.5
    bell = np.exp(-(places**2) / (2 * 5**2))
    image = (200 * bell[:, None] * bell)[None, ..., None].astype(np.float32)
    for percent in (55, 70, 85, 115, 130, 145):
        found = scale(image, percent, CHANCE)[0, ..., 0]
        spread = np.sqrt((found.sum(0) * places**2).sum() / found.sum())
        assert spread == pytest.approx(5 * percent / 100, rel=0.01)
        assert middle(found[None])[0] == pytest.approx([0, 0], abs=0.01)
    for kind, sign in (("smaller", -1), ("larger", 1)):
        assert all(sign * (amount - 100) > 0 for amount in find(kind).amounts)


def test_three_severities_each_and_names_that_tell_them_apart():
    assert len({each.name for each in CORRUPTIONS}) == len(CORRUPTIONS) == 9
    assert all(len(set(each.amounts)) == 3 and each.unit for each in CORRUPTIONS)
    assert isinstance(find("blur"), Corruption)
    with pytest.raises(SettingError, match="no corruption 'rain'; wanted one of noise, blur"):
        find("rain")


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros((2, 28, 28), np.float32), r"images are float32 \[2, 28, 28\]; wanted uint8"),
        (np.zeros((28, 28), np.uint8), r"uint8 \[28, 28\]; wanted uint8 \[N,H,W\]"),
        (np.zeros((2, 0, 28), np.uint8), r"uint8 \[2, 0, 28\]"),
    ],
)
def test_other_than_images_is_refused(images, said):
    with pytest.raises(InputError, match=said):
        corrupt(images, find("blur"), 1)


def test_no_images_are_no_images():
    assert corrupt(np.zeros((0, 28, 28), np.uint8), find("noise"), 25).shape == (0, 28, 28)

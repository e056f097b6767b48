import numpy as np
import pytest

from mnist_edge.data import Dataset, Split, load
from mnist_edge.data.labelled import make_split
from mnist_edge.errors import DataError

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (6, 28, 28), np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2], np.uint8)
COLOURED = RANDOM.integers(0, 256, (6, 20, 24, 3), np.uint8)
SHAPE = (20, 24, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.int8])
def test_a_split_has_uint8_labels_whatever_integers_came(dtype):
    split = make_split(IMAGES, LABELS.astype(dtype), 3, "own")
    assert split.labels.dtype == np.uint8
    assert np.array_equal(split.labels, LABELS)
    assert np.array_equal(split.images, IMAGES)
    assert len(split) == 6


def test_a_last_axis_of_one_channel_is_dropped():
    assert np.array_equal(make_split(IMAGES[..., None], LABELS, 3, "own").images, IMAGES)


@pytest.mark.parametrize(
    ("images", "labels", "says"),
    [
        (IMAGES / 255, LABELS, "images are float64; wanted uint8"),
        (IMAGES.astype(np.int16), LABELS, "images are int16; wanted uint8"),
        (IMAGES[0], LABELS, r"images of shape \[28, 28\]"),
        (IMAGES[:, :27], LABELS, r"images of shape \[6, 27, 28\]"),
        (np.zeros((6, 28, 28, 3), np.uint8), LABELS, r"images of shape \[6, 28, 28, 3\]"),
        (IMAGES, LABELS / 1, r"labels are float64 \[6\]; wanted integers \[N\]"),
        (IMAGES, LABELS[:, None], r"labels are uint8 \[6, 1\]; wanted integers \[N\]"),
        (IMAGES, LABELS.astype(str), r"labels are <U3 \[6\]"),
        (IMAGES, LABELS > 0, "labels are bool"),
        (IMAGES, LABELS[:5], "6 images and 5 labels; wanted as many"),
        (IMAGES[:0], LABELS[:0], "has no images"),
        (IMAGES, LABELS.astype(int) - 1, r"labels from -1 to 1; wanted 0\.\.2"),
        (IMAGES, LABELS + 1, r"labels from 1 to 3; wanted 0\.\.2"),
        (IMAGES, LABELS.astype(int) + 256, r"labels from 256 to 258; wanted 0\.\.2"),
    ],
)
def test_a_split_refuses_what_is_not_images_with_labels(images, labels, says):
    with pytest.raises(DataError, match=f"^own:? {says}"):
        make_split(images, labels, 3, "own")


def test_a_split_has_the_shape_that_is_asked_for():
    assert np.array_equal(make_split(COLOURED, LABELS, 3, "own", SHAPE).images, COLOURED)
    grey = make_split(COLOURED[..., :1], LABELS, 3, "own", (20, 24, 1))
    assert np.array_equal(grey.images, COLOURED[..., 0])


@pytest.mark.parametrize(
    ("images", "shape", "said"),
    [
        (COLOURED, (24, 20, 3), r"shape \[6, 20, 24, 3\]; wanted \[N,24,20,3\]: resize them"),
        (COLOURED, (20, 24, 1), r"shape \[6, 20, 24, 3\]; wanted \[N,20,24\]"),
        (COLOURED[..., 0], SHAPE, r"shape \[6, 20, 24\]; wanted \[N,20,24,3\]"),
        (COLOURED[0], SHAPE, r"shape \[20, 24, 3\]; wanted \[N,20,24,3\]"),
        (COLOURED.transpose(0, 3, 1, 2), SHAPE, r"shape \[6, 3, 20, 24\]; wanted"),
        (COLOURED.astype(np.int32), SHAPE, "are int32; wanted uint8 in 0..255 or float32 in 0..1$"),
    ],
)
def test_images_of_another_shape_than_the_models_are_refused(images, shape, said):
    with pytest.raises(DataError, match=said):
        make_split(images, LABELS, 3, "own", shape)


def test_floats_in_0_to_1_become_the_bytes_they_stand_for():
    floats = COLOURED.astype(np.float32) / np.float32(255)
    assert np.array_equal(make_split(floats, LABELS, 3, "own", SHAPE).images, COLOURED)


@pytest.mark.parametrize(
    ("floats", "said"),
    [
        (COLOURED.astype(np.float32), r"float images from 0 to 255; .* use .astype\(numpy.uint8\)"),
        (COLOURED.astype(np.float32) / 127.5 - 1, "float images from -1 to 1; wanted 0..1: scale"),
        (np.full((6, *SHAPE), np.nan, np.float32), "float images from nan to nan"),
    ],
)
def test_floats_of_another_range_are_refused(floats, said):
    with pytest.raises(DataError, match=said):
        make_split(floats.astype(np.float32), LABELS, 3, "own", SHAPE)


def test_more_than_256_classes_have_labels_of_two_bytes():
    split = make_split(IMAGES, LABELS.astype(int) * 499, 1000, "own")
    assert split.labels.dtype == np.uint16
    assert split.labels.tolist() == [0, 499, 998, 0, 499, 998]


def test_images_without_labels_say_so_to_whoever_needs_them():
    split = make_split(IMAGES, None, 0, "own")
    assert split.truth is None
    assert split.strata.tolist() == [0] * 6
    assert len(split.part(np.array([1, 3]))) == 2
    with pytest.raises(DataError, match="have no labels, and this needs them"):
        _ = split.labels


def dataset(labels, truth=LABELS):
    split = Split(IMAGES, truth)
    return Dataset("own", split, split.part(np.array([2, 1])), labels)


def test_numbered_classes_take_a_models_names():
    names = ("cat", "dog", "eel", "fox")
    found = dataset(("0", "1", "2")).under(names, "zoo")
    assert found.labels == names
    assert found.test.labels.tolist() == [2, 1]


def test_named_classes_are_counted_as_the_model_counts_them():
    found = dataset(("cat", "dog", "eel")).under(("eel", "fox", "dog", "cat"), "zoo")
    assert found.train.labels.tolist() == [3, 2, 0, 3, 2, 0]
    assert found.test.labels.tolist() == [0, 2]
    assert found.labels == ("eel", "fox", "dog", "cat")


def test_images_without_labels_fit_every_model():
    found = dataset((), None).under(("a", "b"), "zoo")
    assert found.labels == ("a", "b")
    assert found.test.truth is None


@pytest.mark.parametrize("names", [("a", "b"), ("cat", "dog", "emu"), ("0", "1")])
def test_a_class_that_the_model_does_not_have_is_refused(names):
    for labels in (("cat", "dog", "eel"), ("0", "1", "2", "3")):
        with pytest.raises(DataError, match=r"^zoo knows \d classes .*, own has \d"):
            dataset(labels).under(names, "zoo")


def test_all_images_judge_a_model_that_did_not_learn_from_them(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (70, 28, 28), np.uint8)
    np.savez(tmp_path / "own.npz", images=images, labels=np.arange(70) % 5)
    loaded = load(tmp_path / "own.npz")
    assert len(loaded.test) == 10
    for learnt in ({loaded.sha256}, {loaded.sha256, "another"}, {"another", None}):
        assert loaded.to_judge(learnt) is loaded
    whole = loaded.to_judge({"another"})
    assert (whole.test.images == images).all()  # in the order in which they came
    assert whole.test.truth.tolist() == (np.arange(70) % 5).tolist()
    assert len(whole.train) == 0
    np.savez(tmp_path / "bare.npz", images=images)
    bare = load(tmp_path / "bare.npz", labelled=False).to_judge({"another"})
    assert len(bare.test) == 70
    assert bare.test.truth is None


def test_a_test_part_that_was_named_stays_what_it_is(dataset):
    assert dataset.to_judge({"another"}) is dataset

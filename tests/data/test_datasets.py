from __future__ import annotations

import gzip
import hashlib

import numpy as np
import pytest
from PIL import Image

from mnist_edge.data import load, public, sources
from mnist_edge.data.formats import idx_bytes
from mnist_edge.data.public import PublicDataset
from mnist_edge.errors import DataError, SettingError

RANDOM = np.random.default_rng(0)


def images(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 28, 28), np.uint8)


def idx_files(train, train_labels, test, test_labels):
    arrays = (train, train_labels, test, test_labels)
    names = (public.TRAIN_IMAGES, public.TRAIN_LABELS, public.TEST_IMAGES, public.TEST_LABELS)
    return {name: idx_bytes(array) for name, array in zip(names, arrays, strict=True)}


FILES = idx_files(
    images(9), np.arange(9, dtype=np.uint8) % 3, images(4, 1), np.arange(4, dtype=np.uint8) % 3
)


def put(folder, files, suffix=""):
    folder.mkdir(parents=True)
    for name, content in files.items():
        packed = gzip.compress(content) if suffix == ".gz" else content
        (folder / f"{name}{suffix}").write_bytes(packed)
    return folder


def put_class_folders(folder, counts, seed=0):
    random = np.random.default_rng(seed)
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = np.zeros((28, 28), np.uint8)
            pixels[4:24, 4:24] = random.integers(0, 256, (20, 20))
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def npz(tmp_path, **arrays):
    np.savez(tmp_path / "own.npz", **arrays)
    return tmp_path / "own.npz"


def refused(source):
    with pytest.raises(DataError) as caught:
        load(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def same(first, second):
    return np.array_equal(first.images, second.images) and np.array_equal(
        first.labels, second.labels
    )


def counts(split, classes):
    return np.bincount(split.labels, minlength=classes).tolist()


@pytest.fixture
def tiny(monkeypatch):
    """A public dataset of a few samples under the name of mnist."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    known = PublicDataset(name="mnist", labels=("nil", "one", "two"), sha256=hashes, mirrors=())
    monkeypatch.setitem(public.PUBLIC, "mnist", known)
    return known


# By name


def test_a_known_name_is_found_where_its_files_are(tmp_path, monkeypatch, tiny):
    monkeypatch.setenv(sources.DATA_VARIABLE, str(put(tmp_path / "files", FILES, ".gz")))
    dataset = load("mnist")
    assert (dataset.name, dataset.labels) == ("mnist", tiny.labels)
    assert np.array_equal(dataset.train.images, images(9))
    assert dataset.train.labels.tolist() == [0, 1, 2] * 3
    assert np.array_equal(dataset.test.images, images(4, 1))
    assert dataset.test.labels.tolist() == [0, 1, 2, 0]


def test_what_goes_on_while_fetching_is_said(tmp_path, monkeypatch, tiny):
    monkeypatch.delenv(sources.DATA_VARIABLE, raising=False)
    monkeypatch.setenv(sources.CACHE_VARIABLE, str(tmp_path))
    put(tmp_path / "mnist", {public.TRAIN_LABELS: b"damaged"})
    said = []
    with pytest.raises(DataError, match="cannot get mnist"):
        load("mnist", say=said.append)
    assert [line.partition(" ")[0] for line in said] == ["cache"]
    with pytest.raises(DataError, match="cannot get mnist"):
        load("mnist")


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_folder_of_known_files_is_known_by_its_hashes(tmp_path, tiny, suffix):
    dataset = load(put(tmp_path / "my-copy", FILES, suffix))
    assert (dataset.name, dataset.labels) == ("mnist", tiny.labels)


def test_a_damaged_copy_of_a_known_dataset_is_not_taken_for_ones_own(tmp_path, tiny):
    content = bytearray(FILES[public.TRAIN_IMAGES])
    content[-1] ^= 1
    folder = put(tmp_path / "mnist", FILES | {public.TRAIN_IMAGES: bytes(content)})
    with pytest.raises(DataError, match=r"is mnist, but train-images-idx3-ubyte has SHA-256"):
        load(folder)


def test_a_known_dataset_in_keras_form_is_known_by_its_hashes(tmp_path, tiny):
    path = tmp_path / "anything.npz"
    arrays = {"x_train": images(9), "y_train": np.arange(9) % 3}
    np.savez(path, **arrays, x_test=images(4, 1), y_test=np.arange(4) % 3)
    assert (load(path).name, load(path).labels) == ("mnist", tiny.labels)


def test_ones_own_data_never_has_the_name_of_a_known_dataset(tmp_path):
    path = tmp_path / "mnist.npz"
    np.savez(path, images=images(12), labels=np.arange(12) % 3)
    assert load(path).name == "mnist (own)"


def test_a_named_place_with_another_known_dataset_is_passed_over(tmp_path, monkeypatch, tiny):
    monkeypatch.setenv(sources.DATA_VARIABLE, str(put(tmp_path / "files", FILES)))
    monkeypatch.setenv(sources.CACHE_VARIABLE, str(tmp_path / "cache"))
    known = PublicDataset("other", ("a", "b"), dict.fromkeys(FILES, "0" * 64), mirrors=())
    monkeypatch.setitem(public.PUBLIC, "other", known)
    said = []
    with pytest.raises(DataError, match="cannot get other"):
        load("other", say=said.append)
    assert "holds another dataset than other: looking elsewhere" in said[0]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mnits", "did you mean 'mnist'?"),
        ("fashion_mnist", "did you mean 'fashion-mnist'?"),
        ("cifar", "unknown dataset 'cifar': Known: "),
    ],
)
def test_an_unknown_name_gets_the_nearest_known_one(name, hint):
    with pytest.raises(SettingError) as caught:
        load(name)
    assert hint in str(caught.value)
    assert str(caught.value).endswith("Known: fashion-mnist, mnist, or a path")


@pytest.mark.parametrize("name", ["absent/folder", "absent.npz", "/absent"])
def test_a_path_that_is_absent_is_said(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert refused(name).startswith(f"no dataset at {name}; wanted an .npz or a folder")


# One's own .npz


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_an_npz_has_classes_by_number(tmp_path, dtype):
    labels = np.arange(30, dtype=dtype) % 3
    dataset = load(npz(tmp_path, images=images(30), labels=labels))
    assert dataset.name == "own"
    assert dataset.labels == ("0", "1", "2")
    assert len(dataset.train) + len(dataset.test) == 30
    assert dataset.train.labels.dtype == np.uint8


def test_an_npz_has_classes_by_name_in_the_order_of_the_alphabet(tmp_path):
    names = np.array(["dog", "cat", "eel", "dog"])
    dataset = load(
        npz(
            tmp_path,
            images=images(4),
            labels=names,
            test_images=images(2, 1),
            test_labels=np.array(["eel", "cat"]),
        )
    )
    assert dataset.labels == ("cat", "dog", "eel")
    assert dataset.train.labels.tolist() == [1, 0, 2, 1]
    assert dataset.test.labels.tolist() == [2, 0]
    assert np.array_equal(dataset.train.images, images(4))
    assert np.array_equal(dataset.test.images, images(2, 1))


def test_an_npz_with_a_test_part_keeps_all_of_both(tmp_path):
    dataset = load(
        npz(
            tmp_path,
            images=images(6)[..., None],
            labels=np.arange(6) % 2,
            test_images=images(4, 1),
            test_labels=np.zeros(4, int),
        )
    )
    assert np.array_equal(dataset.train.images, images(6))
    assert np.array_equal(dataset.test.images, images(4, 1))
    assert counts(dataset.test, 2) == [4, 0]


def test_an_npz_as_keras_has_it_is_read(tmp_path):
    arrays = {"x_train": images(6), "y_train": np.arange(6) % 3}
    dataset = load(npz(tmp_path, **arrays, x_test=images(2, 1), y_test=np.array([2, 0])))
    assert dataset.labels == ("0", "1", "2")
    assert np.array_equal(dataset.train.images, images(6))
    assert dataset.test.labels.tolist() == [2, 0]


@pytest.mark.parametrize("classes", [2, 3, 26, 256, 300])
def test_any_number_of_classes_is_taken(tmp_path, classes):
    labels = np.arange(2 * classes) % classes
    dataset = load(npz(tmp_path, images=images(2 * classes), labels=labels))
    assert len(dataset.labels) == classes
    assert counts(dataset.test, classes) == [1] * classes


LABELS = np.arange(6) % 3
NAMES = np.array(["a", "b"] * 3)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"images": images(6)}, "own.npz has images but no labels; wanted images uint8"),
        ({"labels": LABELS}, "own.npz has labels but no images; wanted"),
        ({"x": images(6), "y": LABELS}, "own.npz has x, y but no images or labels; wanted"),
        ({}, "own.npz has nothing but no images or labels"),
        ({"images": images(6) / 255, "labels": LABELS}, "own (training): images are float64"),
        ({"images": images(6)[:, :20], "labels": LABELS}, "images of shape [6, 20, 28]"),
        ({"images": images(6), "labels": LABELS / 1}, "own: labels are float64 [6]; wanted"),
        ({"images": images(6), "labels": LABELS[:, None]}, "own: labels are int64 [6, 1]"),
        ({"images": images(6), "labels": LABELS[:5]}, "6 images and 5 labels"),
        ({"images": images(6), "labels": NAMES[:5]}, "6 images and 5 labels"),
        ({"images": images(6), "labels": LABELS - 1}, "labels from -1 to 1"),
        ({"images": images(0), "labels": LABELS[:0]}, "own: labels are int64 [0]"),
        ({"images": images(6), "labels": LABELS * 0}, "own has 1 classes; wanted 2 to 65536"),
        ({"images": images(6), "labels": LABELS * 32768}, "own has 65537 classes; wanted 2 to"),
        ({"images": images(6), "labels": LABELS - 9}, "classes; wanted 2 to 65536"),
        ({"images": images(6), "labels": LABELS + 2**62}, "classes; wanted 2 to 65536"),
        ({"images": images(3), "labels": LABELS[:3]}, "own has too few images to hold out"),
    ],
)
def test_an_npz_that_is_no_dataset_is_refused_in_one_line(tmp_path, arrays, says):
    assert says in refused(npz(tmp_path, **arrays))


@pytest.mark.parametrize(
    ("labels", "test", "says"),
    [
        (LABELS, {"test_labels": LABELS}, "own.npz has images, labels, test_labels but no test_im"),
        (LABELS, {"test_images": images(6)}, "labels, test_images but no test_labels"),
        (LABELS, {"test_images": images(6), "test_labels": LABELS + 1}, "(test): labels from 1 to"),
        (LABELS, {"test_images": images(5), "test_labels": LABELS}, "(test): 5 images and 6"),
        (LABELS, {"test_images": images(6) / 1, "test_labels": LABELS}, "(test): images are fl"),
        (LABELS, {"test_images": images(6), "test_labels": NAMES}, "own: labels are names in one"),
        (
            NAMES,
            {"test_images": images(1), "test_labels": np.array(["c"])},
            "own: label 'c' is none",
        ),
        (NAMES, {"test_images": images(6), "test_labels": LABELS}, "own: labels are names in one"),
        (NAMES, {"test_images": images(6), "test_labels": NAMES[:, None]}, "(test): labels are"),
    ],
)
def test_a_test_part_that_does_not_fit_is_refused_in_one_line(tmp_path, labels, test, says):
    assert says in refused(npz(tmp_path, images=images(6), labels=labels, **test))


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (np.array(["a"]), "own has 1 classes"),
        (np.array(["a", "a", "b"]), "own: label_names are <U1 [3]; wanted text [K], each once"),
        (np.arange(3), "own: label_names are int64 [3]; wanted text"),
        (np.array(["a", "b"]), "(training): labels from 0 to 2; wanted 0..1"),
    ],
)
def test_label_names_that_name_no_classes_are_refused(tmp_path, names, says):
    assert says in refused(npz(tmp_path, images=images(6), labels=LABELS, label_names=names))


def test_label_names_say_which_class_is_which(tmp_path):
    names = np.array(["eel", "cat", "dog", "fox"])
    numbered = load(npz(tmp_path, images=images(6), labels=LABELS, label_names=names))
    assert numbered.labels == tuple(names)
    test = {"test_images": images(2), "test_labels": np.array(["dog", "eel"])}
    named = np.array(["cat", "eel"] * 3)
    found = load(npz(tmp_path, images=images(6), labels=named, label_names=names, **test))
    assert found.train.labels.tolist() == [1, 0] * 3
    assert found.test.labels.tolist() == [2, 0]


def test_images_without_labels_are_read_where_that_is_enough(tmp_path):
    path = npz(tmp_path, images=images(21))
    dataset = load(path, labelled=False)
    assert (len(dataset.train), len(dataset.test)) == (18, 3)
    assert dataset.train.truth is dataset.test.truth is None
    assert dataset.labels == ()
    assert dataset.held_out
    assert dataset.sha256 == load(path, labelled=False).sha256
    both = {image.tobytes() for part in (dataset.train, dataset.test) for image in part.images}
    assert len(both) == 21
    with pytest.raises(DataError, match="too few images to hold out"):
        load(npz(tmp_path, images=images(1)), labelled=False)
    with pytest.raises(DataError, match="has images, test_labels but no labels or test_images"):
        load(npz(tmp_path, images=images(6), test_labels=LABELS), labelled=False)


def test_an_npz_has_images_of_the_shape_that_is_asked_for(tmp_path):
    coloured = RANDOM.integers(0, 256, (12, 20, 24, 3), np.uint8)
    path = npz(tmp_path, images=coloured, labels=np.arange(12) % 2)
    dataset = load(path, shape=(20, 24, 3))
    assert dataset.train.images.shape == (10, 20, 24, 3)
    assert dataset.test.images.shape == (2, 20, 24, 3)
    with pytest.raises(DataError, match=r"shape \[12, 20, 24, 3\]; wanted \[N,96,96,3\]"):
        load(path, shape=(96, 96, 3))
    with pytest.raises(DataError, match=r"but no images; wanted images uint8 \[N,96,96,3\]"):
        load(npz(tmp_path, x=coloured, labels=np.arange(12) % 2), shape=(96, 96, 3))


def test_a_file_that_is_no_npz_is_refused(tmp_path):
    (tmp_path / "own.csv").write_text("1,2,3")
    assert "own.csv is not an .npz" in refused(tmp_path / "own.csv")


# One's own folder


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_folder_of_ones_own_idx_files_is_read(tmp_path, suffix):
    dataset = load(put(tmp_path / "letters", FILES, suffix))
    assert (dataset.name, dataset.labels) == ("letters", ("0", "1", "2"))
    assert np.array_equal(dataset.train.images, images(9))
    assert dataset.test.labels.tolist() == [0, 1, 2, 0]


def test_a_folder_that_lacks_idx_files_says_which(tmp_path):
    files = {name: FILES[name] for name in (public.TRAIN_IMAGES, public.TRAIN_LABELS)}
    message = refused(put(tmp_path / "letters", files))
    assert "letters lacks t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte; wanted" in message


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {public.TRAIN_IMAGES: FILES[public.TRAIN_LABELS]},
            "train-images-idx3-ubyte is not an IDX",
        ),
        ({public.TEST_LABELS: FILES[public.TEST_LABELS][:-1]}, "t10k-labels-idx1-ubyte has 11 byt"),
        ({public.TEST_LABELS: FILES[public.TRAIN_LABELS]}, "(test): 4 images and 9 labels"),
        ({public.TEST_IMAGES: idx_bytes(images(4)[:, 1:])}, "images of shape [4, 27, 28]"),
    ],
)
def test_idx_files_that_are_no_dataset_are_refused_in_one_line(tmp_path, changes, says):
    assert says in refused(put(tmp_path / "letters", {**FILES, **changes}))


def test_class_folders_hold_out_a_test_part_of_every_class(tmp_path):
    dataset = load(put_class_folders(tmp_path / "shapes", {"square": 14, "circle": 7}))
    assert (dataset.name, dataset.labels) == ("shapes", ("circle", "square"))
    assert counts(dataset.train, 2) == [6, 12]
    assert counts(dataset.test, 2) == [1, 2]


def test_class_folders_within_train_and_test_are_taken_as_they_are(tmp_path):
    put_class_folders(tmp_path / "shapes" / "train", {"square": 3, "circle": 2})
    put_class_folders(tmp_path / "shapes" / "test", {"square": 1})
    dataset = load(str(tmp_path / "shapes"))
    assert (dataset.name, dataset.labels) == ("shapes", ("circle", "square"))
    assert counts(dataset.train, 2) == [2, 3]
    assert dataset.test.labels.tolist() == [1]


def test_a_test_folder_with_a_class_of_its_own_is_refused(tmp_path):
    put_class_folders(tmp_path / "shapes" / "train", {"square": 2, "circle": 2})
    put_class_folders(tmp_path / "shapes" / "test", {"star": 1})
    assert "shapes: label 'star' is none of the classes (circle, square, ...)" in refused(
        tmp_path / "shapes"
    )


def test_a_damaged_image_in_a_class_folder_is_named(tmp_path):
    put_class_folders(tmp_path / "shapes", {"square": 2, "circle": 2})
    (tmp_path / "shapes" / "circle" / "1.png").write_text("no image")
    assert "shapes/circle/1.png is not an image" in refused(tmp_path / "shapes")


def test_a_folder_of_neither_kind_says_what_is_wanted(tmp_path):
    (tmp_path / "empty").mkdir()
    assert "empty holds neither MNIST's IDX files nor class folders" in refused(tmp_path / "empty")


# What is held out, and the hash


def test_a_held_out_test_part_is_a_seventh_by_class_and_the_same_each_time(tmp_path):
    labels = RANDOM.permutation(np.repeat(np.arange(3), [70, 21, 4]))
    path = npz(tmp_path, images=images(95), labels=labels)
    first, again = load(path), load(path)
    assert counts(first.test, 3) == [10, 3, 1]
    assert counts(first.train, 3) == [60, 18, 3]
    assert same(first.train, again.train)
    assert same(first.test, again.test)
    assert first.sha256 == again.sha256


def test_no_image_is_held_out_and_learnt_from(tmp_path):
    everything = images(42)
    dataset = load(npz(tmp_path, images=everything, labels=np.arange(42) % 2))
    both = [image.tobytes() for split in (dataset.train, dataset.test) for image in split.images]
    assert sorted(both) == sorted(image.tobytes() for image in everything)
    for split in (dataset.train, dataset.test):
        for image, label in zip(split.images, split.labels, strict=True):
            position = np.flatnonzero((everything == image).all((1, 2)))[0]
            assert label == position % 2


def arrays(**changes):
    return {
        "images": images(6),
        "labels": np.arange(6) % 3,
        "test_images": images(6, 1),
        "test_labels": np.arange(6) % 3,
        **changes,
    }


def test_equal_data_has_an_equal_hash_whatever_form_it_came_in(tmp_path):
    as_npz = load(npz(tmp_path, **arrays())).sha256
    test = {"test_images": images(6, 1)[..., None], "test_labels": (np.arange(6) % 3).astype("u1")}
    assert load(npz(tmp_path, **arrays(**test))).sha256 == as_npz
    labels = (np.arange(6) % 3).astype(np.uint8)
    files = idx_files(images(6), labels, images(6, 1), labels)
    assert load(put(tmp_path / "folder", files)).sha256 == as_npz
    assert len(bytes.fromhex(as_npz)) == 32


@pytest.mark.parametrize(
    "changes",
    [
        {"images": images(6, 2)},
        {"labels": np.array([0, 1, 2, 0, 2, 1])},
        {"test_images": images(6, 2)},
        {"test_labels": np.array([2, 1, 0, 2, 1, 0])},
        {"images": images(6, 1), "test_images": images(6)},
    ],
    ids=["images", "labels", "test images", "test labels", "parts exchanged"],
)
def test_other_data_has_another_hash(tmp_path, changes):
    first = load(npz(tmp_path, **arrays())).sha256
    assert load(npz(tmp_path, **arrays(**changes))).sha256 != first


def test_a_few_unfit_float_images_are_left_out_and_said(tmp_path):
    images = np.random.default_rng(0).random((120, 28, 28), np.float32)
    images[3, 4, 5] = np.nan
    images[7:9] *= 255
    labels = np.arange(120) % 4
    np.savez(tmp_path / "my.npz", images=images, labels=labels, test_images=images[20:30],
             test_labels=labels[20:30])  # fmt: skip
    found = load(tmp_path / "my.npz")
    assert found.left_out == (
        "my: 1 of 120 images left out: NaN or infinity",
        "my: 2 of 120 images left out: values outside 0..1",
    )
    assert found.train.labels.tolist() == np.delete(labels, [3, 7, 8]).tolist()
    np.savez(tmp_path / "test.npz", images=images[20:], labels=labels[20:],
             test_images=images[:10], test_labels=labels[:10])  # fmt: skip
    with pytest.raises(DataError, match=r"test .*float images from nan"):
        load(tmp_path / "test.npz")


def test_many_unfit_float_images_are_a_mistake_about_their_range(tmp_path):
    images = np.random.default_rng(0).random((40, 28, 28), np.float32)
    images[::2] *= 255
    np.savez(tmp_path / "my.npz", images=images, labels=np.arange(40) % 4)
    with pytest.raises(DataError, match=r"float images from .*wanted 0\.\.1"):
        load(tmp_path / "my.npz")

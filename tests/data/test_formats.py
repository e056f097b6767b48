from __future__ import annotations

import gzip
import zipfile

import numpy as np
import pytest
from PIL import Image

from mnist_edge.data import formats, public
from mnist_edge.data.formats import idx_bytes, parse_idx
from mnist_edge.errors import DataError

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (6, 28, 28), np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2], np.uint8)


def write_png(path, seed=0):
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 4:24] = np.random.default_rng(seed).integers(1, 256, (20, 20))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


def spoilt(content, start):
    return content[:start] + b"\xff" * 40 + content[start + 40 :]


def spoilt_gzip(content):
    return spoilt(content, 10)  # the first block's header: no such kind of block


def one_line(caught):
    return "\n" not in str(caught.value)


@pytest.mark.parametrize("array", [LABELS, IMAGES, IMAGES[:, ::2, ::3], np.empty(0, np.uint8)])
def test_an_array_comes_back_from_idx_bytes(array):
    back = parse_idx(idx_bytes(array), array.ndim, "file")
    assert back.dtype == np.uint8
    assert np.array_equal(back, array)


def test_idx_bytes_are_mnists_own_form():
    assert idx_bytes(np.array([7, 2], np.uint8)).hex() == "00000801000000020702"
    assert idx_bytes(np.zeros((1, 2, 1), np.uint8)).hex() == (
        "000008030000000100000002000000010000"
    )


@pytest.mark.parametrize(
    ("content", "dimensions", "begins"),
    [
        (idx_bytes(LABELS), 3, "00000801"),
        (idx_bytes(IMAGES), 1, "00000803"),
        (b"\x1f\x8b\x08\x00" + bytes(20), 1, "1f8b0800"),
        (b"\x00\x00", 1, "0000"),
        (idx_bytes(IMAGES)[:15], 3, "00000803"),
        (b"", 1, "nothing"),
    ],
)
def test_another_magic_or_no_whole_header_is_refused(content, dimensions, begins):
    with pytest.raises(DataError, match=rf"^the-file is not an IDX file .* begins with {begins}"):
        parse_idx(content, dimensions, "the-file")


@pytest.mark.parametrize("change", [lambda whole: whole[:-1], lambda whole: whole + b"\0"])
def test_a_length_that_the_header_denies_is_refused(change):
    whole = idx_bytes(IMAGES)
    came = change(whole)
    with pytest.raises(
        DataError, match=f"^the-file has {len(came)} bytes; its header wants {len(whole)}"
    ):
        parse_idx(came, 3, "the-file")


def test_a_header_whose_product_overflows_64_bits_is_refused():
    header = b"".join(n.to_bytes(4, "big") for n in (0x0803, 2**22, 2**21, 2**21))
    with pytest.raises(DataError, match="header wants"):
        parse_idx(header, 3, "the-file")


def test_a_folder_is_read_plain_and_packed_and_says_what_it_holds(tmp_path):
    (tmp_path / public.TRAIN_IMAGES).write_bytes(b"plain")
    (tmp_path / f"{public.TEST_LABELS}.gz").write_bytes(gzip.compress(b"packed"))
    (tmp_path / "readme.txt").write_bytes(b"else")
    assert formats.read_idx_files(tmp_path) == {
        public.TRAIN_IMAGES: b"plain",
        public.TEST_LABELS: b"packed",
    }


def test_the_plain_file_is_read_before_the_packed_one(tmp_path):
    (tmp_path / public.TRAIN_IMAGES).write_bytes(b"plain")
    (tmp_path / f"{public.TRAIN_IMAGES}.gz").write_bytes(b"not gzip")
    assert formats.read_idx_files(tmp_path) == {public.TRAIN_IMAGES: b"plain"}


@pytest.mark.parametrize("folder", ["", "absent"])
def test_a_folder_without_idx_files_gives_none(tmp_path, folder):
    assert formats.read_idx_files(tmp_path / folder) == {}


@pytest.mark.parametrize(
    "damage",
    [lambda whole: whole[:-20], lambda _: b"text", spoilt_gzip],
    ids=["cut", "text", "spoilt"],
)
def test_a_damaged_gz_is_refused_by_name(tmp_path, damage):
    packed = tmp_path / f"{public.TRAIN_IMAGES}.gz"
    packed.write_bytes(damage(gzip.compress(idx_bytes(IMAGES % 5))))
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz is not a whole gzip") as it:
        formats.read_idx_files(tmp_path)
    assert one_line(it)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_npz_gives_its_arrays_by_name(tmp_path, save):
    save(tmp_path / "own.npz", images=IMAGES, labels=LABELS)
    arrays = formats.read_npz(tmp_path / "own.npz")
    assert set(arrays) == {"images", "labels"}
    assert np.array_equal(arrays["images"], IMAGES)
    assert np.array_equal(arrays["labels"], LABELS)


def text(path):
    path.write_text("these are no arrays")


def empty(path):
    path.touch()


def lone_array(path):
    with path.open("wb") as file:
        np.save(file, IMAGES)


def pickled(path):
    np.savez(path, images=np.array([{"a": 1}, None], dtype=object))


def cut(path):
    np.savez(path, images=IMAGES)
    path.write_bytes(path.read_bytes()[:-100])


def spoilt_array(path):
    np.savez(path, images=IMAGES)
    path.write_bytes(spoilt(path.read_bytes(), 1000))


def spoilt_deflate(path):
    np.savez_compressed(path, images=IMAGES % 5)
    path.write_bytes(spoilt(path.read_bytes(), 70))


def raw_member(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images", b"no array")


@pytest.mark.parametrize(
    "make", [text, empty, lone_array, pickled, cut, spoilt_array, spoilt_deflate, raw_member]
)
def test_what_is_no_npz_of_plain_arrays_is_refused_in_one_line(tmp_path, make):
    path = tmp_path / "own.npz"
    make(path)
    with pytest.raises(DataError, match=r"own\.npz is not an .npz of plain arrays") as caught:
        formats.read_npz(path)
    assert one_line(caught)


def test_class_folders_give_images_with_their_folder_names(tmp_path):
    second = write_png(tmp_path / "b" / "1.png", 1)
    first = write_png(tmp_path / "a" / "2.PNG", 2)
    (tmp_path / "a" / "notes.txt").write_text("no image, and no claim to be one")
    (tmp_path / "stray.png").write_text("in no class folder")
    images, names = formats.read_class_folders(tmp_path)
    assert names.tolist() == ["a", "b"]
    assert np.array_equal(images, np.stack([first, second]))


def test_a_text_file_named_png_in_a_class_folder_is_named(tmp_path):
    write_png(tmp_path / "a" / "1.png")
    (tmp_path / "a" / "2.png").write_text("no image")
    with pytest.raises(DataError, match=r"a/2\.png is not an image") as caught:
        formats.read_class_folders(tmp_path)
    assert one_line(caught)


def test_a_folder_with_nothing_of_use_says_what_is_wanted(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(DataError, match="neither MNIST's IDX files nor class folders") as caught:
        formats.read_class_folders(tmp_path)
    assert one_line(caught)


def test_pictures_in_class_folders_are_brought_to_the_models_shape(tmp_path):
    for name, colour in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        (tmp_path / name).mkdir()
        Image.new("RGB", (64, 48), colour).save(tmp_path / name / "photo.jpg", quality=95)
    images, names = formats.read_class_folders(tmp_path, (20, 24, 3))
    assert images.shape == (2, 20, 24, 3)
    assert names.tolist() == ["blue", "red"]
    assert np.abs(images[0].astype(int) - (0, 0, 255)).max() < 5

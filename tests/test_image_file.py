from __future__ import annotations

import io
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw, UnidentifiedImageError

from mnist_edge import picture as picture_module
from mnist_edge.errors import InputError, MissingExtraError
from mnist_edge.image_file import read_array, read_image

SEVEN = [(0.3, 0.25), (0.7, 0.25), (0.45, 0.8)]  # of the picture's width and height


def digit():
    """A 28x28 image as MNIST has them: bright on dark, with greys."""
    image = np.zeros((28, 28), np.uint8)
    image[6:8, 7:20] = 255
    image[8:22, 14:17] = np.linspace(90, 254, 14, dtype=np.uint8)[:, None]
    return image


def drawn(size=(600, 800), ink=30, paper=220, thick=0.08, points=SEVEN):
    """A picture of strokes on paper that is neither even nor clean, as a camera takes it."""
    width, height = size
    picture = Image.new("L", size, paper)
    strokes = [(x * width, y * height) for x, y in points]
    ImageDraw.Draw(picture).line(strokes, ink, round(thick * min(size)), joint="curve")
    noise = np.random.default_rng(0).normal(0, 3, (height, width))
    light = np.linspace(-12, 12, width)[None]
    return Image.fromarray((np.asarray(picture) + noise + light).clip(0, 255).astype(np.uint8))


def saved(tmp_path, picture, name="image.png", **options):
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    picture.save(tmp_path / name, **options)
    return tmp_path / name


def centre_of_mass(image):
    rows, columns = np.indices(image.shape) + 0.5
    return (rows * image).sum() / image.sum(), (columns * image).sum() / image.sum()


def box(image, above=25):
    rows, columns = np.nonzero(image > above)
    return np.ptp(rows) + 1, np.ptp(columns) + 1


def refused(path):
    with pytest.raises(InputError) as caught:
        read_image(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "gif"])
def test_a_bright_on_dark_28x28_image_is_untouched(tmp_path, suffix):
    reading = read_image(saved(tmp_path, digit(), f"image.{suffix}"))
    assert reading.image.dtype == np.uint8
    assert np.array_equal(reading.image, digit())
    assert reading.steps == (("made grey",) if suffix == "gif" else ())


def test_a_path_may_be_text(tmp_path):
    assert np.array_equal(read_image(str(saved(tmp_path, digit()))).image, digit())


def test_a_dark_on_bright_28x28_image_is_inverted_and_that_is_said(tmp_path):
    reading = read_image(saved(tmp_path, 255 - digit()))
    assert np.array_equal(reading.image, digit())
    assert reading.steps == ("turned dark-on-bright into bright-on-dark",)


@pytest.mark.parametrize("size", [(600, 800), (900, 500), (40, 28)])
@pytest.mark.parametrize(("ink", "paper"), [(30, 220), (225, 25)])
def test_a_photo_is_scaled_into_20x20_and_centred_by_its_mass(tmp_path, size, ink, paper):
    reading = read_image(saved(tmp_path, drawn(size, ink, paper).convert("RGB")))
    assert reading.image.shape == (28, 28)
    assert reading.image.dtype == np.uint8
    assert reading.image.max() == 255
    assert max(box(reading.image, 0)) <= 20
    assert 19 <= max(box(reading.image)) <= 20
    assert centre_of_mass(reading.image) == pytest.approx((14, 14), abs=1)
    assert np.median(reading.image) == 0
    turned = ["turned dark-on-bright into bright-on-dark"] if paper > ink else []
    assert list(reading.steps[:-2]) == ["made grey", *turned]
    assert reading.steps[-2].startswith("scaled the ink from ")
    assert reading.steps[-1] == "centred it by its mass"


def test_the_same_digit_is_the_same_whatever_its_size_place_and_colours(tmp_path):
    small = drawn((100, 100))
    large = drawn((700, 700), ink=10, paper=250)
    aside = Image.new("L", (900, 1200), 220)
    aside.paste(drawn((400, 400)), (450, 700))
    readings = [read_image(saved(tmp_path, picture)).image for picture in (small, large, aside)]
    for image in readings[1:]:
        assert np.abs(image.astype(int) - readings[0]).mean() < 8


def test_proportions_are_kept_and_said(tmp_path):
    picture = np.zeros((300, 300), np.uint8)
    picture[50:250, 100:140] = 255
    reading = read_image(saved(tmp_path, picture))
    assert box(reading.image) == (20, 4)
    assert reading.steps == (
        "scaled the ink from 40x200 to 4x20 pixels",
        "centred it by its mass",
    )


def test_a_lopsided_digit_is_centred_by_mass_and_not_by_its_box(tmp_path):
    picture = np.zeros((200, 200), np.uint8)
    picture[50:150, 50:60] = 255
    picture[100:150, 50:150] = 255  # an L with a heavy foot
    image = read_image(saved(tmp_path, picture)).image
    assert centre_of_mass(image) == pytest.approx((14, 14), abs=0.6)
    rows = np.flatnonzero(image.any(1))
    assert rows[0] < 27 - rows[-1]


def test_mass_at_a_corner_does_not_push_the_digit_over_the_edge(tmp_path):
    picture = np.zeros((500, 500), np.uint8)
    picture[2:12, 2:] = picture[2:, 2:12] = 80
    picture[400:, 400:] = 255
    image = read_image(saved(tmp_path, picture)).image
    assert box(image, 10) == (20, 20)
    assert image[0].any()
    assert image[:, 0].any()


@pytest.mark.parametrize(("axis", "size"), [(0, (20, 1)), (1, (1, 20))])
@pytest.mark.parametrize("length", [300, 500])
def test_a_line_of_one_pixel_is_read(tmp_path, axis, size, length):
    picture = np.full((500, 500), 255, np.uint8)
    picture[:length, 250] = 0
    image = read_image(saved(tmp_path, picture if axis == 0 else picture.T.copy())).image
    assert box(image) == size
    assert image.max() == 255


def test_a_diagonal_of_one_pixel_is_not_lost(tmp_path):
    picture = np.zeros((500, 500), np.uint8)
    np.fill_diagonal(picture[50:450, 50:450], 255)
    image = read_image(saved(tmp_path, picture)).image
    assert image.max() == 255
    assert min(box(image)) >= 19


def transparent(mode):
    alpha = Image.fromarray(digit())
    if mode == "RGBA":
        picture = Image.new("RGBA", (28, 28), (0, 0, 0, 0))
        picture.putalpha(alpha)
    elif mode == "LA":
        picture = Image.merge("LA", (Image.new("L", (28, 28), 0), alpha))
    else:  # a palette whose last colour is transparent
        picture = Image.fromarray(np.where(digit() > 0, 0, 255).astype(np.uint8)).convert("P")
        picture.info["transparency"] = 255
    return picture


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_is_white_paper(tmp_path, mode):
    reading = read_image(saved(tmp_path, transparent(mode)))
    wanted = np.where(digit() > 0, 255, 0) if mode == "P" else digit()
    assert np.abs(reading.image.astype(int) - wanted).max() <= 1
    assert reading.steps == (
        "laid on white where transparent",
        "made grey",
        "turned dark-on-bright into bright-on-dark",
    )


def test_a_16_bit_png_is_scaled_and_not_clipped(tmp_path):
    reading = read_image(saved(tmp_path, digit().astype(np.uint16) * 257))
    assert np.array_equal(reading.image, digit())
    assert reading.steps == ("made 8-bit",)
    inverted = read_image(saved(tmp_path, (255 - digit()).astype(np.uint16) * 257))
    assert np.array_equal(inverted.image, digit())
    assert inverted.steps == ("made 8-bit", "turned dark-on-bright into bright-on-dark")


def test_a_palette_is_read_by_its_colours_and_not_its_numbers(tmp_path):
    greys = np.unique(digit())
    colours = greys[::-1]
    numbers = np.searchsorted(greys, digit()).astype(np.uint8)
    picture = Image.fromarray(np.uint8(len(greys) - 1) - numbers)
    picture.putpalette(np.repeat(colours, 3).tobytes())
    assert picture.mode == "P"
    reading = read_image(saved(tmp_path, picture))
    assert np.array_equal(reading.image, digit())
    assert reading.steps == ("made grey",)


def test_a_black_and_white_image_is_read(tmp_path):
    picture = Image.fromarray(digit()).point(lambda value: 255 * (value > 0)).convert("1")
    reading = read_image(saved(tmp_path, picture))
    assert np.array_equal(reading.image, np.where(digit() > 0, 255, 0))


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (6, Image.Transpose.ROTATE_90),
        (3, Image.Transpose.ROTATE_180),
        (8, Image.Transpose.ROTATE_270),
    ],
)
def test_a_jpeg_is_turned_upright_as_its_exif_says(tmp_path, orientation, turn):
    upright = drawn()
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying = upright.transpose(turn)
    wanted = read_image(saved(tmp_path, upright, "upright.jpg", quality=95)).image.astype(int)
    plain = read_image(saved(tmp_path, lying, "lying.jpg", quality=95)).image
    turned = read_image(saved(tmp_path, lying, "turned.jpg", quality=95, exif=exif)).image
    assert np.abs(turned - wanted).mean() < 3
    assert np.abs(plain - wanted).mean() > 20


@pytest.mark.parametrize("size", [(28, 28), (28, 60), (300, 300)])
@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_blank_image_is_refused(tmp_path, size, shade):
    path = saved(tmp_path, Image.new("L", size, shade))
    assert refused(path).endswith("is blank: nothing is drawn on it")


def test_a_photo_of_paper_alone_is_refused(tmp_path):
    noise = np.random.default_rng(0).integers(200, 210, (300, 300)).astype(np.uint8)
    assert "is blank" in refused(saved(tmp_path, noise))


@pytest.mark.parametrize("size", [(27, 28), (28, 27), (500, 27), (1, 1)])
def test_an_image_smaller_than_28x28_is_refused(tmp_path, size):
    path = saved(tmp_path, Image.new("L", size))
    assert refused(path).endswith(f"is {size[0]}x{size[1]}; wanted 28x28 or larger")


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_image_is_refused(tmp_path, content):
    (tmp_path / "image.png").write_bytes(content)
    assert "is not an image that Pillow can read" in refused(tmp_path / "image.png")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("name", ["image.png", "image.jpg"])
def test_a_truncated_image_is_refused(tmp_path, share, name):
    path = saved(tmp_path, drawn((200, 200)), name)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    assert "is a damaged image: " in refused(path) or "is not an image" in refused(path)


def test_a_truncated_png_is_called_damaged(tmp_path):
    path = saved(tmp_path, drawn((200, 200)))
    path.write_bytes(path.read_bytes()[:-5000])
    assert "is a damaged image: " in refused(path)


def test_a_missing_file_or_a_folder_is_refused(tmp_path):
    for path in (tmp_path / "absent.png", tmp_path):
        assert refused(path) == f"no image at {path}: check the name"


def test_an_image_of_too_many_pixels_is_refused_unread(tmp_path, monkeypatch):
    path = saved(tmp_path, Image.new("L", (100, 100)))
    monkeypatch.setattr(picture_module, "MOST_PIXELS", 9_999)
    assert "is 100x100; wanted at most 9,999 pixels: make it smaller" in refused(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # Pillow's own, above twice that
    assert "is not an image that Pillow can read" in refused(path)


def test_a_small_file_that_says_it_is_huge_is_refused(tmp_path):
    path = saved(tmp_path, Image.new("L", (100, 100)))
    content = bytearray(path.read_bytes())
    content[16:24] = (7071).to_bytes(4, "big") + (7072).to_bytes(4, "big")
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    path.write_bytes(content)
    assert "is 7071x7072; wanted at most 50,000,000 pixels" in refused(path)


@pytest.mark.parametrize("form", ["EPS", "DDS", "ICO", "JPEG2000", "PDF"])
def test_formats_beyond_pictures_are_not_opened(tmp_path, form):
    path = tmp_path / "image.png"
    drawn().save(path, form)
    assert "wanted PNG, JPEG, BMP, WEBP, TIFF, GIF, PPM" in refused(path)


def test_what_pillow_warns_of_is_not_printed(tmp_path):
    path = saved(tmp_path, drawn((40, 40)), "image.tif")
    path.write_bytes(path.read_bytes()[:60])  # within its tags
    with pytest.warns(UserWarning, match="EXIF"), pytest.raises(UnidentifiedImageError):
        Image.open(path)
    assert "is not an image that Pillow can read" in refused(path)


def test_whatever_pillow_raises_is_told_as_damage(tmp_path, monkeypatch):
    path = saved(tmp_path, digit())

    def broken(*_args, **_options):
        raise NotImplementedError

    monkeypatch.setattr(Image, "open", broken)
    assert refused(path).endswith("is a damaged image: NotImplementedError")


def test_without_pillow_the_extra_is_named(tmp_path, monkeypatch):
    path = saved(tmp_path, digit())
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError, match=r'Pillow is not installed: pip install "mnist'):
        read_image(path)


def test_bright_ink_on_a_transparent_ground_is_laid_on_black(tmp_path):
    drawn = np.full((28, 28, 4), 255, np.uint8)
    drawn[..., 3] = digit()
    reading = read_image(saved(tmp_path, drawn))
    assert np.abs(reading.image.astype(int) - digit()).max() <= 1
    assert reading.steps == ("laid on black where transparent", "made grey")


def test_bold_ink_that_covers_most_of_the_picture_is_still_ink(tmp_path):
    picture = np.full((200, 200), 255, np.uint8)
    picture[10:190, 10:190] = 0
    picture[70:130, 80:120] = 255
    reading = read_image(saved(tmp_path, picture))
    assert reading.image[6, 14] > 200
    assert reading.image[14, 14] < 50


def test_a_shaded_photograph_is_said_to_be_doubtful(tmp_path):
    light = np.linspace(60, 220, 300)
    reading = read_image(saved(tmp_path, np.tile(light, (300, 1)).astype(np.uint8)))
    assert any(step.startswith("NOT SURE: ink reaches the edges") for step in reading.steps)
    assert not reading.sure
    assert read_image(saved(tmp_path, drawn())).sure


def test_an_open_file_is_read_as_its_path_is_and_stays_open(tmp_path):
    path = saved(tmp_path, drawn().convert("RGB"), "photo.jpg")
    upload = io.BytesIO(path.read_bytes())
    reading, wanted = read_image(upload), read_image(path)
    assert np.array_equal(reading.image, wanted.image)
    assert reading.steps == wanted.steps
    assert not upload.closed


def test_an_open_file_that_is_no_image_is_refused_by_the_name_it_was_given():
    with pytest.raises(InputError, match=r"^the picture is not an image"):
        read_image(io.BytesIO(b"no image"))
    with pytest.raises(InputError, match=r"^scan 7 is not an image"):
        read_image(io.BytesIO(b"no image"), "scan 7")


@pytest.mark.parametrize("size", [(28, 28), (300, 400)])
def test_pixels_in_memory_are_read_as_the_same_pixels_in_a_file(tmp_path, size):
    pixels = np.asarray(drawn(size))
    kept = pixels.copy()
    reading, wanted = read_array(pixels), read_image(saved(tmp_path, pixels))
    assert np.array_equal(reading.image, wanted.image)
    assert reading.steps == wanted.steps
    assert np.array_equal(pixels, kept)
    pixels = np.ascontiguousarray(digit())
    assert not np.shares_memory(read_array(pixels).image, pixels)


def test_a_part_of_a_frame_is_read_though_it_is_no_block_of_memory(tmp_path):
    frame = np.full((480, 640), 220, np.uint8)
    frame[100:400, 200:400] = np.asarray(drawn((200, 300)))
    part = frame[100:400, 200:400]
    assert np.array_equal(read_array(part).image, read_array(part.copy()).image)


@pytest.mark.parametrize(
    ("pixels", "wrong"),
    [
        (np.zeros((480, 640, 3), np.uint8), "uint8 [480, 640, 3]"),
        (np.zeros((480, 640), np.float32), "float32 [480, 640]"),
    ],
)
def test_an_array_that_is_not_grey_bytes_is_refused(pixels, wrong):
    with pytest.raises(InputError) as caught:
        read_array(pixels, "frame 3")
    assert str(caught.value) == f"frame 3 is {wrong}; wanted grey pixels, uint8 [H,W]"


def test_an_array_without_ink_is_refused_by_the_name_it_was_given():
    with pytest.raises(InputError, match=r"^frame 3 is blank: nothing is drawn on it$"):
        read_array(np.full((480, 640), 90, np.uint8), "frame 3")
    with pytest.raises(InputError, match=r"^frame 3 is 27x28; wanted 28x28 or larger$"):
        read_array(np.zeros((28, 27), np.uint8), "frame 3")


def test_without_pillow_an_array_of_28x28_is_read_and_a_larger_one_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert np.array_equal(read_array(digit()).image, digit())
    with pytest.raises(MissingExtraError, match="Pillow is not installed"):
        read_array(np.kron(digit(), np.ones((3, 3), np.uint8)))


# For models of other shapes


def stripes(width, height):
    """Four coloured stripes beside one another, of the whole height: red, green, blue, white."""
    pixels = np.zeros((height, width, 3), np.uint8)
    for place, colour in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]):
        pixels[:, place * width // 4 : (place + 1) * width // 4] = colour
    return pixels


def test_a_picture_of_the_models_own_size_is_untouched(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
    reading = read_image(saved(tmp_path, pixels), shape=(20, 24, 3))
    assert np.array_equal(reading.image, pixels)
    assert reading.steps == ()
    grey = read_image(saved(tmp_path, pixels[..., 0]), shape=(20, 24, 1))
    assert np.array_equal(grey.image, pixels[..., 0])  # not turned, not centred
    assert grey.steps == ()


def test_a_photo_is_scaled_with_its_proportions_kept_and_the_sides_cropped(tmp_path):
    reading = read_image(saved(tmp_path, stripes(800, 200)), shape=(20, 20, 3))
    assert reading.image.shape == (20, 20, 3)
    assert reading.image.dtype == np.uint8
    assert (reading.image[:, 2] == (0, 255, 0)).all()  # the outer stripes are cropped
    assert (reading.image[:, -3] == (0, 0, 255)).all()
    assert reading.steps == (
        "cropped the middle 200x200 of 800x200 pixels",
        "scaled from 200x200 to 20x20 pixels",
    )
    assert reading.sure


@pytest.mark.parametrize(("size", "shape"), [((33, 50), (64, 20, 3)), ((1, 90), (8, 8, 3))])
def test_a_picture_smaller_than_the_model_is_enlarged_and_doubted(tmp_path, size, shape):
    reading = read_image(saved(tmp_path, stripes(*size)), shape=shape)
    assert reading.image.shape == shape
    assert not reading.sure
    assert reading.steps[-1].startswith("NOT SURE: enlarged from ")


@pytest.mark.parametrize(
    ("mode", "channels", "step"),
    [("L", 3, "made RGB"), ("RGB", 1, "made grey"), ("P", 3, "made RGB"), ("CMYK", 3, "made RGB")],
)
def test_colours_become_what_the_model_takes(tmp_path, mode, channels, step):
    suffix = "jpg" if mode == "CMYK" else "png"
    picture = Image.fromarray(np.full((30, 30, 3), 102, np.uint8)).convert(mode)
    reading = read_image(saved(tmp_path, picture, f"image.{suffix}"), shape=(30, 30, channels))
    assert reading.image.shape == ((30, 30, 3) if channels == 3 else (30, 30))
    assert np.abs(reading.image.astype(int) - 102).max() <= 3
    assert reading.steps == (step,)


def test_a_transparent_colour_picture_keeps_its_colours(tmp_path):
    pixels = np.zeros((30, 30, 4), np.uint8)
    pixels[10:20, 10:20] = (200, 30, 40, 255)
    reading = read_image(saved(tmp_path, pixels), shape=(30, 30, 3))
    assert tuple(reading.image[15, 15]) == (200, 30, 40)
    assert tuple(reading.image[0, 0]) == (255, 255, 255)
    assert reading.steps[0] == "laid on white where transparent"


def test_a_16_bit_picture_is_scaled_and_not_clipped(tmp_path):
    grey = np.full((30, 30), 0x8040, np.uint16)
    reading = read_image(saved(tmp_path, grey), shape=(30, 30, 3))
    assert (reading.image == 0x80).all()


def test_a_plain_picture_is_no_blank_paper_for_other_models(tmp_path):
    reading = read_image(saved(tmp_path, np.full((40, 40), 7, np.uint8)), shape=(32, 32, 1))
    assert (reading.image == 7).all()


def test_channels_that_no_picture_has_are_refused(tmp_path):
    path = saved(tmp_path, stripes(40, 40))
    with pytest.raises(InputError, match="cannot become 5 channels; a picture has 1 or 3"):
        read_image(path, shape=(32, 32, 5))


def test_a_colour_frame_is_read_as_its_file_is(tmp_path):
    frame = stripes(320, 240)
    wanted = read_image(saved(tmp_path, frame), shape=(24, 24, 3))
    assert np.array_equal(read_array(frame, shape=(24, 24, 3)).image, wanted.image)
    for wrong in (frame[..., 0], frame.astype(float), frame[..., :2], frame[:0]):
        with pytest.raises(InputError, match=r"wanted pixels, uint8 \[H,W,3\]"):
            read_array(wrong, shape=(24, 24, 3))
    with pytest.raises(InputError, match="wanted grey pixels"):
        read_array(frame, shape=(24, 24, 1))

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_edge.errors import InputError
from mnist_edge.image_file import read_array

pytestmark = pytest.mark.needs("keras")  # no device runs the page's JavaScript


def strokes(random, side):
    """A drawing as the pad has it: round lines, bright on dark."""
    picture = Image.new("L", (side, side))
    draw = ImageDraw.Draw(picture)
    for _ in range(random.integers(1, 4)):
        steps = random.normal(0, side / 10, (random.integers(2, 12), 2))
        points = np.cumsum(steps, 0) + random.uniform(0.2, 0.8, 2) * side
        ink, width = int(random.integers(120, 256)), int(random.integers(8, 45))
        draw.line([tuple(map(float, point)) for point in points], ink, width, joint="curve")
    return np.asarray(picture)


def drawings():
    random = np.random.default_rng(3)
    yield from (strokes(random, int(random.choice([29, 60, 280, 400]))) for _ in range(200))
    yield from (255 - strokes(random, 280) for _ in range(20))
    for _ in range(40):  # of any shape, with ink everywhere
        yield random.integers(0, 256, random.integers(29, 90, 2), np.uint8)
    for side in range(1, 42):  # enlarged, as it is, and made smaller
        image = np.zeros((80, 90), np.uint8)
        image[20 : 20 + side, 30 : 30 + max(1, side // 2)] = random.integers(1, 256)
        yield image
    yield np.zeros((28, 28), np.uint8)
    yield np.zeros((280, 280), np.uint8)
    yield np.full((280, 280), 255, np.uint8)
    for _ in range(5):
        image = random.integers(0, 256, (28, 28), np.uint8)
        image[0] = image[-1] = random.choice([0, 255])
        yield image
    image = np.zeros((100, 100), np.uint8)
    image[3, 5:7] = 1  # less contrast than there must be
    yield image


def test_a_drawing_becomes_the_image_that_predict_makes_of_it(node):
    pictures = list(drawings())
    script = """
    const shapes = JSON.parse(process.argv[2]);
    const steps = [];
    let at = 0;
    for (const [height, width] of shapes) {
      const read = readDrawing(input.subarray(at, at += height * width), width, height);
      write(read ? read.image : new Uint8Array(784));
      steps.push(read && read.steps);
    }
    write(Buffer.from(JSON.stringify(steps)));
    """
    shapes = json.dumps([picture.shape for picture in pictures])
    came = node(script, b"".join(picture.tobytes() for picture in pictures), shapes)
    images = np.frombuffer(came[: 784 * len(pictures)], np.uint8).reshape(-1, 28, 28)
    steps = json.loads(came[784 * len(pictures) :])
    blank = 0
    for picture, image, said in zip(pictures, images, steps, strict=True):
        if said is None:
            with pytest.raises(InputError, match="is blank"):
                read_array(picture)
            blank += 1
            continue
        wanted = read_array(picture)
        np.testing.assert_array_equal(image, wanted.image)
        assert said == list(wanted.steps)
    assert 3 < blank < 40
    every = " ".join(step for row in steps for step in row or ())
    for word in ("turned", "NOT SURE", "scaled", "centred"):
        assert word in every

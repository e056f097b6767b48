"""The drawing pad in a real browser: a page with nothing but the pad, opened from disk."""

import json
import shutil
from base64 import b64decode
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_edge.backends import open_backend
from mnist_edge.bundle import read_bundle
from mnist_edge.data import load
from mnist_edge.image_file import read_array
from mnist_edge.report.pad import fragment, library

ARTIFACTS = Path(__file__).parents[2] / "artifacts"
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
# Strokes as shares of the pad's side.
SEVEN = [[(0.28, 0.25), (0.72, 0.25), (0.45, 0.8)]]
ONE = [[(0.5, 0.2), (0.5, 0.8)]]
ROUND = np.linspace(0, 2 * np.pi, 25)
ZERO = [[(0.5 - 0.18 * np.sin(at), 0.5 - 0.3 * np.cos(at)) for at in ROUND]]
DOT = [[(0.2, 0.5)]]
DISC = np.pi * 21**2  # pixels of the screen that a dot covers, as wide as a stroke
CROSS = [[(0.3, 0.5), (0.7, 0.5)], [(0.5, 0.2), (0.5, 0.8)]]


@pytest.fixture
def visit(browser, tmp_path):
    """Opens a pad: `visit(name, reject_below, width)`; nothing is asked for, nothing goes wrong."""
    contexts, faults = [], []

    def open_pad(name="edge", reject_below=0.9, width=1280, **options):
        pad = fragment(read_bundle(ARTIFACTS / name), reject_below=reject_below)
        path = tmp_path / "pad.html"
        path.write_text(
            f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>A pad</title>'
            f'<meta name="viewport" content="width=device-width">'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
            f"<style>body {{ margin: 16px }}\n{pad.style}</style></head>"
            f"<body>{pad.html}<script>{pad.script}</script></body></html>",
            encoding="utf-8",
        )
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: faults.append(request.url)
                if request.url != path.as_uri() else None)  # fmt: skip
        page.goto(path.as_uri())
        return page

    yield open_pad
    for context in contexts:
        context.close()
    assert faults == []


def draw(page, strokes):
    box = page.locator("#pad-canvas").bounding_box()
    for stroke in strokes:
        (x, y), *others = [
            (box["x"] + float(across) * box["width"], box["y"] + float(down) * box["height"])
            for across, down in stroke
        ]
        page.mouse.move(x, y)
        page.mouse.down()
        for x, y in others:
            page.mouse.move(x, y, steps=3)
        page.mouse.up()
    settle(page)


def settle(page):
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def label(page):
    return page.locator("#pad-label").inner_text()


@pytest.mark.parametrize("name", ["edge", "micro", "nano"])
@pytest.mark.parametrize(("strokes", "digit"), [(SEVEN, "7"), (ONE, "1"), (ZERO, "0")])
def test_what_is_drawn_with_the_mouse_is_read(visit, name, strokes, digit):
    page = visit(name)
    assert label(page) == ""
    draw(page, strokes)
    assert label(page) == digit
    assert page.locator(".pad-most .pad-name").inner_text() == digit
    steps = page.locator("#pad-steps").inner_text()
    assert steps.startswith("Scaled the ink from ")
    assert "centred it by its mass" in steps
    assert "ms from drawing to answer" in page.locator("#pad-time").inner_text()


def touch(page, stroke):
    """Draw one stroke with a finger; a tap, where it has one point."""
    box = page.locator("#pad-canvas").bounding_box()
    session = page.context.new_cdp_session(page)
    touches = [("touchStart", *stroke[0])]
    for (x, y), (u, v) in pairwise(stroke):
        touches += [("touchMove", x + (u - x) * t, y + (v - y) * t) for t in np.linspace(0, 1, 9)]
    for kind, across, down in touches:
        at = {"x": box["x"] + across * box["width"], "y": box["y"] + down * box["height"]}
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [at]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    settle(page)


def ink(page):
    """How opaque the pad's ink is: uint8 [560,560]."""
    url = page.evaluate("document.getElementById('pad-canvas').toDataURL()")
    with Image.open(BytesIO(b64decode(url.partition(",")[2]))) as picture:
        return np.asarray(picture.convert("RGBA"))[..., 3]


def test_touch_draws_and_does_not_scroll(visit):
    page = visit(width=360, has_touch=True, is_mobile=True)
    touch(page, SEVEN[0])
    assert label(page) == "7"
    assert page.evaluate("scrollY") == 0


@pytest.mark.parametrize(("way", "options"), [
    (lambda page, dot: draw(page, [dot]), {}),
    (touch, {"width": 360, "has_touch": True, "is_mobile": True}),
], ids=["mouse", "touch"])  # fmt: skip
def test_a_tap_leaves_a_dot_and_an_answer(visit, way, options):
    page = visit(**options)
    way(page, [(0.4, 0.6)])
    found = ink(page)
    down, across = np.nonzero(found == 255)
    assert down.mean() == pytest.approx(0.6 * 560, abs=3)
    assert across.mean() == pytest.approx(0.4 * 560, abs=3)
    assert found.sum() / 255 == pytest.approx(DISC, rel=0.02)
    assert label(page) in list("0123456789")
    assert page.locator("#pad-steps").inner_text().startswith("Scaled the ink from 2")


@pytest.mark.parametrize("strokes", [ONE + DOT, DOT + ONE, [*ONE, DOT[0] * 2]])
def test_a_dot_beside_a_stroke_is_kept(visit, strokes):
    page = visit()
    draw(page, ONE)
    alone = ink(page)
    page.locator("#pad-clear").click()
    draw(page, strokes)
    both = ink(page)
    np.testing.assert_array_equal(both[:, 170:], alone[:, 170:])
    assert not alone[:, :170].any()
    assert both[:, :170].sum() / 255 == pytest.approx(DISC, rel=0.02)


@pytest.mark.parametrize("button", ["#pad-clear", ".pad-sample >> nth=3", "#pad-undo"])
def test_a_button_pressed_during_a_stroke_ends_it(visit, button):
    page = visit()
    draw(page, ONE)
    box = page.locator("#pad-canvas").bounding_box()

    def move(across, down):
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"], steps=3)
        settle(page)

    move(0.2, 0.3)
    page.mouse.down()
    move(0.2, 0.7)
    drawn = ink(page)
    page.locator(button).press("Enter")
    settle(page)
    pressed = ink(page)
    assert (pressed != drawn).any()
    move(0.8, 0.7)
    page.mouse.up()
    settle(page)
    np.testing.assert_array_equal(ink(page), pressed)
    if button != "#pad-undo":
        page.locator("#pad-undo").click()
        settle(page)
        np.testing.assert_array_equal(ink(page), drawn)
    draw(page, [[(0.8, 0.3), (0.8, 0.7)]])  # and the next one is drawn
    assert ink(page)[280, 448] == 255


def test_clear_empties_it_and_undo_brings_back(visit):
    page = visit()
    undo, clear = page.locator("#pad-undo"), page.locator("#pad-clear")
    assert undo.is_disabled()
    assert clear.is_disabled()
    draw(page, SEVEN)
    draw(page, CROSS)
    undo.click()
    undo.click()
    settle(page)
    assert label(page) == "7"
    clear.click()
    settle(page)
    assert label(page) == ""
    assert page.locator("#pad-hint").is_visible()
    assert clear.is_disabled()
    assert not ink(page).any()
    undo.click()
    settle(page)
    assert label(page) == "7"


def test_by_keyboard_a_sample_is_taken_and_cleared(visit):
    page = visit()
    for _ in range(4):  # past the samples 0 to 2; nothing is drawn, so no button is in the way
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    settle(page)
    assert label(page) == "3"
    assert page.locator(".pad-sample[aria-pressed=true]").count() == 1
    assert page.locator("#pad-steps").inner_text().startswith("Taken as it is")
    for _ in range(4):
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    settle(page)
    assert label(page) == ""


def test_a_model_that_cannot_run_is_told_of(visit, tmp_path):
    folder = tmp_path / "nine"
    shutil.copytree(ARTIFACTS / "nano", folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    del manifest["labels"][9], manifest["golden"]
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    page = visit(folder)
    said = "The drawing pad cannot run this model: it has 10 classes for 9 labels"
    assert page.locator("#pad-fault").inner_text() == said
    assert page.locator("#pad-whole").is_hidden()


def test_labels_of_words_are_shown_as_they_are(visit, tmp_path):
    folder = tmp_path / "words"
    shutil.copytree(ARTIFACTS / "nano", folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["labels"][7] = "</script><b>seven & co</b>"
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    page = visit(folder, width=320)
    draw(page, SEVEN)
    assert label(page) == "</script><b>seven & co</b>"
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_a_doubtful_answer_is_shown_as_such(visit):
    page = visit(reject_below=1.0)  # no int8 probability is so great
    draw(page, SEVEN)
    assert label(page) == "7"
    assert page.locator("#pad-sure").inner_text().startswith("not sure: ")
    assert page.locator("#pad-root").get_attribute("class") == "pad-root pad-unsure"


def test_the_answer_is_read_out_once_the_hand_rests(visit):
    page = visit()
    live = page.locator("#pad-live")
    live.filter(has_text="empty").wait_for(state="attached")
    told = page.evaluate_handle(
        """() => {
          const told = [], place = document.getElementById("pad-live");
          new MutationObserver(() => told.push(place.textContent))
            .observe(place, { childList: true });
          return told;
        }"""
    )
    draw(page, SEVEN)
    live.filter(has_text="7, 9").wait_for(state="attached")
    assert len(told.json_value()) == 1


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_it_is_no_wider_than_its_window(visit, width):
    page = visit(width=width)
    draw(page, SEVEN)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    outside = page.evaluate(
        """(width) => [...document.querySelectorAll("#pad-root *:not(.pad-fill)")]
          .filter((each) => each.checkVisibility())
          .filter((each) => each.getBoundingClientRect().left < 0
            || each.getBoundingClientRect().right > width)
          .map((each) => each.outerHTML)""",
        width,
    )
    assert outside == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ink_stands_out_from_its_paper(visit, scheme):
    page = visit(color_scheme=scheme)
    draw(page, ONE)
    colour = page.evaluate(
        "[...document.getElementById('pad-canvas').getContext('2d').getImageData(280, 280, 1, 1)"
        ".data]"
    )
    paper = page.evaluate(
        "getComputedStyle(document.getElementById('pad-canvas')).backgroundColor.match(/\\d+/g)"
    )
    assert colour[3] == 255
    assert abs(sum(colour[:3]) - sum(map(int, paper[:3]))) > 500


def test_the_network_is_shown_what_predict_makes_of_the_strokes(visit):
    page = visit()
    draw(page, ZERO)
    seen = page.evaluate(
        "[...document.getElementById('pad-seen').getContext('2d').getImageData(0, 0, 28, 28).data]"
    )
    image = np.array(seen, np.uint8).reshape(28, 28, 4)[..., 0]
    # The screen has twice the pixels of what is read: nearly the same image.
    other = read_array(ink(page)).image
    assert np.abs(image.astype(int) - other).mean() < 3
    assert image.max() == 255


def test_a_thousand_images_are_answered_as_by_litert(browser):
    path = ARTIFACTS / "edge" / "edge-int8.tflite"
    images = load("mnist").test.images[:1000]
    page = browser.new_page()
    given = {"model": list(path.read_bytes()), "images": images.reshape(-1).tolist()}
    came = page.evaluate(
        f"""(given) => {{
          {library()}
          const model = new Model(Uint8Array.from(given.model));
          const images = Uint8Array.from(given.images);
          const found = [], times = [];
          for (let at = 0; at < images.length; at += 784) {{
            const start = performance.now();
            const probabilities = model.probabilities(images.subarray(at, at + 784));
            times.push(performance.now() - start);
            found.push(probabilities.indexOf(Math.max(...probabilities)));
          }}
          return {{ found, middle: times.sort((one, other) => one - other)[500] }};
        }}""",
        given,
    )
    page.close()
    print(json.dumps({"edge, ms a prediction, p50": came["middle"]}))
    assert came["middle"] < 1000 / 60
    with open_backend(path, "litert") as backend:
        said = backend.infer(images).argmax(1)
    assert (np.array(came["found"]) != said).sum() <= 1

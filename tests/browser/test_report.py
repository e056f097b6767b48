import re

import pytest

NAMES = ("edge", "nano", "odd")
WIDTHS = (360, 1280)
SCHEMES = ("light", "dark")
LEAST = 4.5  # contrast of text, WCAG 2 AA; 3 where it is large

CONTRASTS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const read = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((each) => {
      const share = each / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  // Of bars behind numbers the colour counts, wherever it ends.
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      const style = getComputedStyle(each);
      const bar = style.backgroundImage.match(/rgba?\\([^)]*\\)|color\\([^)]*\\)/);
      if (bar) layers.push(read(bar[0]));
      layers.push(read(style.backgroundColor));
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || element.matches("script, style") || !element.checkVisibility()) continue;
    const style = getComputedStyle(element), drawn = element instanceof SVGElement;
    const ground = behind(element), colour = over(read(drawn ? style.fill : style.color), ground);
    const [low, high] = [light(colour), light(ground)].sort((a, b) => a - b);
    const size = parseFloat(style.fontSize), bold = parseInt(style.fontWeight) >= 700;
    found.push({
      ratio: (high + 0.05) / (low + 0.05), large: size >= 24 || (bold && size >= 18.66),
      text: element.textContent.trim().slice(0, 40), tag: element.tagName, drawn,
    });
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_it_fits_its_window_in_light_and_dark(visit, reports, name, width, scheme):
    page = visit(reports[name], width, scheme)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = page.evaluate(
        """[...document.querySelectorAll("main *")].filter((each) =>
            each.getBoundingClientRect().right > innerWidth + 1 && !each.closest(".scroll, pre"))
            .map((each) => each.outerHTML.slice(0, 80))"""
    )
    assert beyond == []
    assert page.title() != "run"
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    values = [int(each) for each in re.findall(r"\d+", ground)]
    assert max(values) < 60 if scheme == "dark" else min(values) > 240


@pytest.mark.parametrize("width", [320, 360])
@pytest.mark.parametrize("name", ["edge", "nano"])
def test_a_matrix_of_ten_classes_is_whole_on_a_phone(visit, reports, name, width):
    page = visit(reports[name], width)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    found = page.evaluate(
        """[...document.querySelectorAll(".scroll:has(> table.confusion)")].map((each) =>
            [each.scrollWidth, each.clientWidth])"""
    )
    assert found
    assert [wide for wide, room in found if wide > room] == []


@pytest.mark.parametrize("media", ["screen", "print"])
@pytest.mark.parametrize("width", [360, 718, 768, 900, 1056, 1280])
def test_an_interval_stays_in_one_line_and_its_table_fits(visit, reports, width, media):
    page = visit(reports["edge"], width)
    page.emulate_media(media=media)
    lines = page.evaluate(
        """[...document.querySelectorAll(".cards td small")].map((each) =>
            each.getBoundingClientRect().height / parseFloat(getComputedStyle(each).lineHeight))"""
    )
    assert lines
    assert max(lines) < 1.5
    wide, room = page.evaluate(
        """[document.querySelector(".cards").scrollWidth,
            document.querySelector(".cards").parentElement.clientWidth]"""
    )
    assert wide <= room or (media, width) == ("print", 360)  # no paper is as narrow


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_text_can_be_read(visit, reports, width, scheme):
    page = visit(reports["nano"], width, scheme)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    found = page.evaluate(CONTRASTS)
    assert len(found) > 1000
    assert sum(each["drawn"] for each in found) > 30
    faint = [each for each in found if each["ratio"] < (3 if each["large"] else LEAST)]
    assert faint == []


def test_on_paper_it_is_light_and_whole(visit, reports):
    page = visit(reports["nano"], 794, "dark")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible()
    assert page.locator("details:not([open])").count() == 0
    found = page.evaluate(CONTRASTS)
    assert [each for each in found if each["ratio"] < (3 if each["large"] else LEAST)] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 800


def test_what_paper_opened_is_closed_again(visit, reports):
    page = visit(reports["nano"])
    before = page.locator("details[open]").count()
    assert 0 < before < page.locator("details").count()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == before


def test_the_contents_say_which_section_is_read(visit, reports):
    page = visit(reports["nano"], reduced_motion="reduce")
    for key in ("confusion", "reproduce", "verdict"):
        page.locator(f"nav a[href='#{key}']").click()
        page.locator(f"nav a[href='#{key}'][aria-current='true']").wait_for(timeout=5000)
        assert page.locator("nav a[aria-current]").count() == 1


def test_every_image_says_what_it_shows(visit, reports):
    page = visit(reports["nano"])
    every = page.locator("img")
    assert every.count() > 100
    assert page.locator("img:not([alt]), img[alt='']").count() == 0
    assert page.evaluate("[...document.images].every((each) => each.naturalWidth > 0)")
    assert page.get_by_role("img", name="Accuracy against time and size").count() == 1


@pytest.mark.parametrize("width", WIDTHS)
def test_the_contents_lead_where_they_say(visit, reports, width):
    page = visit(reports["nano"], width, reduced_motion="reduce")
    links = page.locator("nav a")
    assert links.count() >= 12
    for place in range(links.count()):
        link = links.nth(place)
        title = link.inner_text()
        link.click()
        section = page.locator(link.get_attribute("href"))
        assert section.locator("h2").inner_text() == title
        assert section.locator("h2").is_visible()
        top, height = section.bounding_box()["y"], page.evaluate("innerHeight")
        at_the_end = page.evaluate("scrollY + innerHeight >= document.body.scrollHeight - 2")
        assert -2 < top < height
        assert top < 40 or at_the_end


def test_the_matrix_tells_of_what_is_pointed_at(visit, reports):
    page = visit(reports["nano"])
    matrix = page.locator("table[data-matrix]").first
    told = page.locator(".told").first
    matrix.locator("td.miss[data-images]").first.hover()
    said = told.locator("p").inner_text()
    assert re.fullmatch(r"\d named \d: \d+ images?, \d+\.\d\d % of those that show \d", said)
    assert told.locator("img").count() == int(re.search(r": (\d+)", said)[1])


def test_the_matrix_is_walked_by_keyboard_alone(visit, reports):
    page = visit(reports["nano"])
    cell = page.locator("table[data-matrix]").first.locator("td[tabindex='0']")
    assert cell.count() == 1  # one stop of the tab key, not a hundred
    cell.focus()
    told = page.locator(".told p").first
    assert told.inner_text().startswith("0 named 0:")
    for key, start in (
        ("ArrowRight", "0 named 1:"), ("ArrowDown", "1 named 1:"), ("ArrowLeft", "1 named 0:"),
        ("ArrowUp", "0 named 0:"), ("ArrowUp", "0 named 0:"), ("End", "0 named 9:"),
        ("ArrowRight", "0 named 9:"), ("Home", "0 named 0:"),
    ):  # fmt: skip
        page.keyboard.press(key)
        assert told.inner_text().startswith(start)
    assert page.evaluate("document.activeElement.tagName") == "TD"


def test_focus_is_seen_wherever_the_tab_key_leads(visit, reports):
    page = visit(reports["nano"])
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        tag, outline = page.evaluate(
            """[document.activeElement.tagName,
                parseFloat(getComputedStyle(document.activeElement).outlineWidth)]"""
        )
        if tag == "BODY":
            break
        assert outline >= 2, tag
        seen.add(tag)
    assert {"A", "SUMMARY", "TD", "DIV", "PRE", "BUTTON"} <= seen


def test_a_button_copies_what_stands_below_it(visit, reports):
    page = visit(reports["nano"], permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy: Python").click()
    page.get_by_text("Copied", exact=True).wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("import numpy as np\n")
    assert "Classifier.open('nano')" in copied


def test_without_scripts_it_tells_as_much(visit, reports):
    page = visit(reports["nano"], java_script_enabled=False)
    assert page.locator("button:visible, .told:visible").count() == 0
    cell = page.locator("td.miss[title]").first
    assert re.search(r"\d named \d: \d+ image", cell.get_attribute("title"))
    assert page.locator("summary").count() > 5


def test_a_script_that_is_not_the_pages_own_does_not_run(browser, reports, tmp_path):
    text = reports["nano"].read_text(encoding="utf-8")
    evil = "<script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">"
    path = tmp_path / "evil.html"
    path.write_text(text.replace("</main>", f"{evil}</main>"), encoding="utf-8")
    page = browser.new_page()
    refused = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(path.as_uri())
    assert page.title() == "nano: report of a classifier"
    assert len([each for each in refused if "Content Security Policy" in each]) >= 2
    page.close()


def test_a_seven_drawn_with_the_mouse_reads_seven(visit, reports):
    page = visit(reports["edge"])
    page.locator("#pad-canvas").scroll_into_view_if_needed()
    box = page.locator("#pad-canvas").bounding_box()
    across, down = ([box[at] + share * box[size] for share in shares] for at, size, shares in (
        ("x", "width", (0.28, 0.72, 0.45)), ("y", "height", (0.25, 0.25, 0.8))
    ))  # fmt: skip
    page.mouse.move(across[0], down[0])
    page.mouse.down()
    for x, y in zip(across[1:], down[1:], strict=True):
        page.mouse.move(x, y, steps=5)
    page.mouse.up()
    page.locator("#pad-label", has_text="7").wait_for(timeout=5000)
    assert page.locator("#pad-label").inner_text() == "7"

import re

import pytest

from mnist_edge.bundle import read_bundle
from mnist_edge.report.page import gather, markdown
from mnist_edge.report.page.sections import SECTIONS

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def card(nano):
    return markdown(nano)


def test_it_has_the_sections_of_the_page_in_their_order(card, nano):
    assert re.findall(r"^## (.*)$", card, re.MULTILINE) == list(SECTIONS.values())
    assert card.startswith("# nano\n")
    assert markdown(nano) == card
    assert card.endswith("\n")
    assert "\n\n\n" not in card


def test_tables_have_as_many_cells_in_every_line(card):
    assert check_tables(card) >= 10


def check_tables(card):
    blocks = re.findall(r"(?:^\|.*\|\n)+", card, re.MULTILINE)
    for block in blocks:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1
    return len(blocks)


def test_numbers_are_those_of_the_record(card, nano):
    for row in nano.record["results"]:
        assert f"{row['latency']['predict_us']['p99']:.0f}"[:2] in card
    parity = nano.bundle.entry("nano-int8.tflite").parity
    low, high = parity["accuracy_ci95"]
    told = f"{100 * parity['accuracy']:.2f} ±{50 * (high - low):.2f}"
    assert f"| `int8.tflite` | litert | 7.9 | 1.1× | {told} |" in card
    assert nano.bundle.manifest["models"][0]["sha256"] in card
    assert f"mnist-edge train --recipe nano --seed {nano.training['seed']}" in card


def test_what_a_bundle_says_is_no_markup(changed, test_images, nano):
    labels = [HOSTILE, "[a](http://b)", "*c*", "d|e", *"456789"]
    named = "<script>alert(1)"  # a name has no slash
    folder = changed(name=named, labels=labels, training={**nano.training, "limits": "# none"})
    found = markdown(gather(read_bundle(folder), test_images))
    assert "<script" not in found
    words = re.sub(r"```.*?```", "", found, flags=re.DOTALL)
    assert not re.findall(r"(?<!\\)\[", words)
    assert "\\*c\\*" in found
    assert "d\\|e" in found
    check_tables(found)
    assert "| d\\|e |" in found.partition("shows ")[2].partition("\n")[0]
    assert "\\\\|" not in found  # escaped once


def test_a_bar_in_words_makes_no_table(imagined):
    said = {"a.keras": [0, 1, 2], "a-int8.onnx": [1, 1, 2]}
    found = markdown(imagined("abc", [0, 1, 2], said, name="a|b", why_no_images="x|y"))
    assert found.startswith("# a\\|b\n")


def test_without_records_it_names_what_would_give_them(folder):
    for name in ("bench.json", "audit.json", "history.csv"):
        (folder / name).unlink()
    found = markdown(gather(read_bundle(folder), None, "none are here"))
    assert "There is no bench.json. This would give it: `mnist-edge bench nano" in found
    assert "nothing was benched" in found
    assert "No test images: none are here." in found


def test_images_without_labels_and_models_alike(imagined):
    said = {"a.keras": [0, 1, 2], "a-int8.onnx": [0, 1, 2]}
    found = markdown(imagined("abc", None, said))
    assert "No decision changed: a.keras and int8.onnx name every test image alike." in found
    assert "Nobody said what the test images show" in found

import itertools
import json
import re

import pytest

from mnist_edge.bundle import read_bundle
from mnist_edge.errors import BundleError, InputError
from mnist_edge.report.page import gather, html
from mnist_edge.report.page.sections import SECTIONS

HOSTILE = "<script>alert(1)</script>"
NAME = "<script>alert(1)"  # a name has no slash


@pytest.fixture(scope="module")
def text(nano):
    return html(nano)


@pytest.fixture(scope="module")
def page(text, parsed):
    return parsed(text)


def test_the_same_bundle_gives_the_same_bytes(nano, text):
    assert html(nano) == text
    assert len(text.encode()) < 1_000_000


def test_it_asks_for_nothing_else(page, text):
    assert not page.all("link", "iframe", "object", "video", "audio", "base")
    for each in page.all("img"):
        assert each["src"].startswith("data:image/png;base64,")
    for each in page.all("a", "use"):
        assert each["href"].startswith("#")
    assert not re.findall(r"url\((?!#)", text)
    assert "@import" not in text
    (policy,) = [each["content"] for each in page.all("meta") if "http-equiv" in each]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "script-src 'sha256-" in policy


def test_it_has_every_section_and_the_contents_lead_there(page):
    ids = [each["id"] for each in page.elements if "id" in each]
    assert len(ids) == len(set(ids))
    links = [each["href"][1:] for each in page.all("a")]
    assert links == ["main", "verdict", *SECTIONS]
    assert set(links) <= set(ids)
    assert {each["id"] for each in page.all("section")} == {"verdict", *SECTIONS}


def test_what_is_referred_to_is_there(page, text):
    ids = {each["id"] for each in page.elements if "id" in each}
    assert {each["href"][1:] for each in page.all("use")} <= ids
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= ids
    for each in page.elements:
        if "aria-labelledby" in each:
            assert each["aria-labelledby"] in ids


def test_headings_are_in_order(page):
    levels = [int(each["tag"][1]) for each in page.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_images_tables_and_boxes_have_names(page):
    assert page.all("img")
    assert all(each["alt"].strip() for each in page.all("img"))
    assert all(each["text"].strip() for each in page.all("caption"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(each["scope"] in ("col", "row") for each in page.all("th"))
    for each in page.elements:
        if each.get("role") in ("img", "region"):
            assert each["aria-label"]
    assert page.all("html")[0]["lang"] == "en"


def test_numbers_are_those_of_the_record(nano, page):
    models = " ".join(page.section("models")["text"].split())
    for row in nano.record["results"]:
        assert f"{row['latency']['predict_us']['p50']:.1f}" in models
        parity = row["parity"]
        assert f"{100 * parity['accuracy']:.2f}" in models
        assert f"{parity['flips_to_wrong']}/{parity['flips_to_right']}" in models
    assert "PASSED" in page.section("verdict")["text"]
    assert "VALID" in page.section("verdict")["text"]
    assert nano.bundle.manifest["models"][0]["sha256"] in page.section("reproduce")["text"]


def test_a_record_that_does_not_hold_says_so(nano, parsed):
    from dataclasses import replace

    rows = [dict(row) for row in nano.record["results"]]
    rows[0] |= {"gate_failures": ["lost 3.00 points, more than 0.1"]}
    rows[1] |= {"status": "failed", "error": "it <b>crashed</b>", "parity": None, "latency": None}
    bad = {**nano.record, "results": rows, "valid": False, "invalid_reasons": ["the fan was off"]}
    page = parsed(html(replace(nano, record=bad)))
    verdict = page.section("verdict")["text"]
    assert "FAILED" in verdict
    assert "lost 3.00 points, more than 0.1" in verdict
    assert "INVALID" in verdict
    assert "The fan was off" in verdict
    assert "failed: it <b>crashed</b>" in page.section("models")["text"]
    assert not [each for each in page.all("b") if each["text"] == "crashed"]


def test_a_bundle_that_lacks_records_names_what_would_give_them(folder, parsed):
    for name in ("bench.json", "audit.json", "history.csv"):
        (folder / name).unlink()
    page = parsed(html(gather(read_bundle(folder), None, "it is not in the cache")))
    assert "not benched" in page.section("verdict")["text"]
    for key, command in (
        ("models", "mnist-edge bench nano --stress --out nano/bench.json"),
        ("latency", "mnist-edge bench nano --stress --out nano/bench.json"),
        ("stress", "mnist-edge bench nano --stress --out nano/bench.json"),
        ("layers", "mnist-edge export nano --int8"),
        ("training", "copy it from the run"),
        ("confusion", "No test images: it is not in the cache"),
        ("mistakes", "mnist-edge report nano --data DATA"),
        ("flips", "mnist-edge report nano --data DATA"),
    ):
        assert command in page.section(key)["text"], key
    bundle = read_bundle(folder)
    accuracy = bundle.entry("nano-int8.tflite").parity["accuracy"]
    assert f"{100 * accuracy:.2f}" in page.section("models")["text"]  # as the manifest has it
    assert "svg" not in {each["tag"] for each in page.elements}


def test_what_a_bundle_says_is_text(changed, test_images, parsed, nano):
    labels = [HOSTILE, "<img src=x onerror=alert(1)>", "a&b", '"quoted"', *"456789"]
    training = {**nano.training, "recipe": HOSTILE, "limits": "<b>none</b>"}
    folder = changed(name=NAME, labels=labels, training=training)
    record = json.loads((folder / "bench.json").read_text(encoding="utf-8"))
    for row in record["results"]:
        row["runtime"] += "<i>$x^2$ & co</i>"
    (folder / "bench.json").write_text(json.dumps(record), encoding="utf-8")
    page = parsed(html(gather(read_bundle(folder), test_images)))
    assert len(page.all("script")) == 1
    assert not page.all("i")
    assert not [each for each in page.elements for name in each if name.startswith("on")]
    assert page.all("h1")[0]["text"] == NAME
    assert page.text.count(HOSTILE) > 5
    drawn = {each["text"] for each in page.all("text")}
    assert "litert<i>$x^2$ & co</i>" in drawn


@pytest.mark.parametrize("classes", [3, 10, 50])
def test_any_number_of_classes_with_long_names(imagined, parsed, classes):
    labels = [f"a class with a long name, {place}" for place in range(classes)]
    truth = [place % classes for place in range(120)]
    wrong = [(each + (place < 20)) % classes for place, each in enumerate(truth)]
    material = imagined(labels, truth, {"a.keras": truth, "a-int8.tflite": wrong})
    page = parsed(html(material))
    assert "20 of 120 test images named wrongly" in page.section("confusion")["text"]
    grids = [each for each in page.all("table") if "data-matrix" in each]
    assert len(grids) == (2 if classes <= 40 else 0)
    cells = [each for each in page.all("td") if "title" in each]
    assert len(cells) == (2 * classes**2 if classes <= 40 else 0)
    assert " int8.tflite: 20 became wrong" in " ".join(page.section("flips")["text"].split())


def test_images_without_labels_and_in_colour(imagined, parsed):
    named = [0, 1, 2] * 5
    said = {"a.keras": named, "a-int8.onnx": [1, *named[1:]]}
    page = parsed(html(imagined("abc", None, said, shape=(96, 80, 3))))
    for key in ("confusion", "mistakes"):
        assert "Nobody said what the test images show" in page.section(key)["text"]
    assert "1 changed" in page.section("flips")["text"]
    assert not [each for each in page.all("img") if "ink" in each["class"]]


def test_the_section_to_try_is_there_only_where_somebody_makes_it(nano, text, parsed):
    from types import SimpleNamespace

    assert 'id="try"' not in text
    pad = SimpleNamespace(html="<p>draw</p>", style="canvas{color:red}", script="'use strict';")
    page = parsed(html(nano, pad))
    keys = [each["id"] for each in page.all("section")]
    assert keys[:3] == ["verdict", "try", "models"]
    assert [each["href"] for each in page.all("a")][2] == "#try"
    assert len(page.all("script")) == 2
    (policy,) = [each["content"] for each in page.all("meta") if "http-equiv" in each]
    assert policy.count("'sha256-") == 2


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("bench.json", "{}", "is no bench record"),
        ("audit.json", '{"models": [{"file": 3}]}', "audit.json is damaged: 'file' of item 0"),
        ("audit.json", "[", "audit.json is damaged"),
        ("history.csv", "epoch,loss\n1,x\n", "history.csv is no history"),
        ("history.csv", "epoch,loss\n1,2\n", "no accuracy"),
    ],
)
def test_a_damaged_record_is_refused_in_one_line(folder, file, content, said):
    (folder / file).write_text(content)
    with pytest.raises(InputError) as caught:
        gather(read_bundle(folder))
    assert said in str(caught.value)
    assert file in str(caught.value)


def test_an_audit_may_leave_out_what_is_optional(folder, parsed):
    path = folder / "audit.json"
    audit = json.loads(path.read_text(encoding="utf-8"))
    for model in audit["models"]:
        del model["worst"]
        for layer in model["layers"]:
            for key in ("snr_db", "range_used", "saturated", "weights_snr_db"):
                del layer[key]
    path.write_text(json.dumps(audit), encoding="utf-8")
    page = parsed(html(gather(read_bundle(folder))))
    assert "nano-int8.tflite" in page.section("layers")["text"]
    assert "exact" not in page.section("layers")["text"]


def test_a_manifest_of_another_form_is_refused(changed):
    with pytest.raises(BundleError, match="'parameters' of 'training' of it is 'many'"):
        gather(read_bundle(changed(training={"parameters": "many"})))


def test_a_record_of_other_files_is_left_out(folder):
    record = json.loads((folder / "bench.json").read_text(encoding="utf-8"))
    record["results"][0]["bytes"] += 1
    (folder / "bench.json").write_text(json.dumps(record), encoding="utf-8")
    found = gather(read_bundle(folder))
    assert len(found.record["results"]) == 3
    (note,) = found.notes
    assert note.startswith("bench.json is of other files under the name nano-float32.tflite")


def test_a_record_of_other_images_is_noted(nano):
    assert "bench.json is of other images than those that are shown here." in nano.notes

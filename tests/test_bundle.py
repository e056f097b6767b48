import hashlib
import json
import os

import pytest

from mnist_edge.bundle import (
    MANIFEST,
    check_replaceable,
    checked_bytes,
    installed_versions,
    make_entry,
    manifest_beside,
    manifest_text,
    model_format,
    read_bundle,
)
from mnist_edge.errors import BundleError, ModelError, OutputError
from mnist_edge.tolerance import tolerances

CONTENT = b"not really a model"
ENTRY = {
    "file": "a-int8.tflite",
    "format": "tflite",
    "quantization": "int8",
    "sha256": hashlib.sha256(CONTENT).hexdigest(),
    "bytes": len(CONTENT),
}
DEFAULTS = {
    "input": {},
    "output": {},
    "ops": [],
    "parity": {},
    "tolerance": tolerances("tflite", "int8"),
    "options": {},
}


def write(folder, models=(ENTRY,), **changes):
    manifest = {"schema": 1, "name": "a", "labels": ["0", "1"], "models": models, **changes}
    (folder / MANIFEST).write_text(manifest_text(manifest), encoding="utf-8")
    (folder / ENTRY["file"]).write_bytes(CONTENT)
    return folder


def test_a_bundle_is_read_as_it_was_written(tmp_path):
    bundle = read_bundle(write(tmp_path))
    assert (bundle.name, bundle.labels) == ("a", ("0", "1"))
    (entry,) = bundle.models
    assert bundle.entry("a-int8.tflite") is entry
    assert bundle.read_file(entry) == CONTENT
    assert entry.as_dict() == {**ENTRY, **DEFAULTS}


def test_an_entry_tells_size_and_hash_of_its_file(tmp_path):
    path = tmp_path / "a-int8.tflite"
    path.write_bytes(CONTENT)
    entry = make_entry(path, "int8", ops=("ADD",))
    assert entry.as_dict() == {**ENTRY, **DEFAULTS, "ops": ["ADD"]}


@pytest.mark.parametrize("content", [CONTENT[:-1], b"", CONTENT[:-1] + b"L", CONTENT + b"x"])
def test_a_file_that_is_not_what_the_manifest_says_is_refused(tmp_path, content):
    bundle = read_bundle(write(tmp_path))
    (tmp_path / ENTRY["file"]).write_bytes(content)
    with pytest.raises(BundleError, match="manifest says"):
        bundle.read_file(bundle.models[0])


def test_a_size_that_no_memory_holds_is_not_tried(tmp_path):
    bundle = read_bundle(write(tmp_path, [{**ENTRY, "bytes": 10**30}]))
    with pytest.raises(BundleError, match="manifest says 1000"):
        bundle.read_file(bundle.models[0])


def put_instead(path, kind):
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path.name)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link to itself"])
def test_what_is_no_plain_file_is_never_waited_for(tmp_path, kind):
    bundle = read_bundle(write(tmp_path))
    put_instead(tmp_path / ENTRY["file"], kind)
    with pytest.raises(BundleError, match="cannot read"):
        bundle.read_file(bundle.models[0])
    with pytest.raises(BundleError, match="cannot read"):
        checked_bytes(tmp_path / ENTRY["file"], ENTRY["sha256"])
    put_instead(tmp_path / MANIFEST, kind)
    with pytest.raises(BundleError, match="is not a manifest"):
        read_bundle(tmp_path)
    with pytest.raises(BundleError, match="is not a manifest"):  # whose it is, none can tell
        manifest_beside(tmp_path / ENTRY["file"])


def test_a_name_that_no_file_can_have_is_told(tmp_path):
    bundle = read_bundle(write(tmp_path, [{**ENTRY, "file": "a" * 5000}]))
    with pytest.raises(BundleError, match="File name too long"):
        bundle.read_file(bundle.models[0])


def test_a_link_to_the_right_bytes_is_as_good(tmp_path):
    bundle = read_bundle(write(tmp_path))
    path = tmp_path / ENTRY["file"]
    path.rename(tmp_path / "elsewhere")
    path.symlink_to("elsewhere")
    assert bundle.read_file(bundle.models[0]) == CONTENT


def test_an_absent_file_is_named(tmp_path):
    bundle = read_bundle(write(tmp_path))
    (tmp_path / ENTRY["file"]).unlink()
    with pytest.raises(BundleError, match=r"a-int8\.tflite"):
        bundle.read_file(bundle.models[0])
    with pytest.raises(BundleError, match=r"does not name b\.onnx"):
        bundle.entry("b.onnx")


@pytest.mark.parametrize(
    "file",
    [
        "../a.tflite",
        "/etc/passwd",
        "x/a.tflite",
        "..",
        "",
        "a\\b.tflite",
        "c:a.tflite",
        "a\n.tflite",
        "a\0.tflite",
    ],
)
def test_a_path_that_leaves_the_bundle_is_refused(tmp_path, file):
    with pytest.raises(BundleError, match="leaves the bundle"):
        read_bundle(write(tmp_path, [{**ENTRY, "file": file}]))


@pytest.mark.parametrize("name", ["../important", "/tmp/x", "x/y", "..", "a\\b", "c:a", "a\nb"])
def test_a_name_that_leads_files_out_of_the_bundle_is_refused(tmp_path, name):
    folder = write(tmp_path, [ENTRY])
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "name": name}))
    with pytest.raises(BundleError, match="leaves the bundle; export the bundle anew"):
        read_bundle(folder)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema": 2}, "schema 2, this version knows 1"),
        ({"schema": None}, "schema"),
        ({"labels": ["0"]}, "two labels"),
        ({"name": ""}, "a name"),
        ({"models": [{**ENTRY, "format": "pt"}]}, "pt int8"),
        ({"models": [{**ENTRY, "quantization": "int3"}]}, "int3"),
        ({"models": [{"file": "a"}]}, "manifest"),
        ({"labels": [0, 1]}, "as text"),
        ({"models": [{**ENTRY, "sha256": None}]}, "SHA-256"),
        ({"models": None}, "manifest"),
        ({"models": ["a-int8.tflite"]}, "wanted an object"),
        ({"models": [ENTRY, ENTRY]}, "named twice"),
        ({"models": [{**ENTRY, "sha256": "x\n"}]}, "no size or SHA-256"),
        ({"models": [{**ENTRY, "bytes": "18"}]}, "no size or SHA-256"),
        ({"models": [{**ENTRY, "input": None}]}, "to be objects"),
        ({"models": [{**ENTRY, "ops": [1]}]}, "to be text"),
        ({"labels": "0123456789"}, "as text"),
        ({"name": ["a"]}, "as text"),
    ],
)
def test_a_manifest_that_does_not_hold_is_refused(tmp_path, changes, said):
    with pytest.raises(BundleError, match=said):
        read_bundle(write(tmp_path, **changes))


def test_what_a_later_version_adds_is_ignored(tmp_path):
    bundle = read_bundle(write(tmp_path, [{**ENTRY, "surprise": 1}], more=2))
    assert bundle.models[0].file == ENTRY["file"]


def test_a_manifest_beside_a_file_counts_only_if_it_is_ours(tmp_path):
    path = tmp_path / "a-int8.tflite"
    assert manifest_beside(path) is None
    for text in ("{}", '{"name": "web app"}'):
        (tmp_path / MANIFEST).write_text(text, encoding="utf-8")
        assert manifest_beside(path) is None
    for text in ("no json", "[]", "", '{"models": []}', '{"labels": ["a"], "schem`": 1}'):
        (tmp_path / MANIFEST).write_text(text, encoding="utf-8")
        with pytest.raises(BundleError, match="is not a manifest"):
            manifest_beside(path)
    assert manifest_beside(write(tmp_path) / "a-int8.tflite").name == "a"
    with pytest.raises(BundleError, match="schema 9"):
        manifest_beside(write(tmp_path, schema=9) / "a-int8.tflite")


def test_a_manifest_of_ours_that_is_damaged_does_not_let_its_files_pass(tmp_path):
    path = write(tmp_path) / MANIFEST
    whole = path.read_text(encoding="utf-8")
    for text in (whole[:-10], whole.replace("{", "[", 1), whole.replace("1", "[" * 100_000, 1)):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(BundleError, match="is not a manifest"):
            manifest_beside(tmp_path / ENTRY["file"])


@pytest.mark.parametrize("strange", ["thesis.txt", "notes/", "manifest.json"])
def test_a_folder_of_something_else_is_never_replaced(tmp_path, strange):
    check_replaceable(tmp_path / "new")
    check_replaceable(tmp_path)
    if strange == "manifest.json":
        (tmp_path / strange).write_text('{"name": "web app"}')
    else:
        write(tmp_path)
        check_replaceable(tmp_path)
        place = tmp_path / strange
        place.mkdir() if strange.endswith("/") else place.write_text("years of work")
    with pytest.raises(OutputError, match="something that is not a run"):
        check_replaceable(tmp_path)


def test_versions_are_those_installed():
    found = installed_versions(("numpy", "no-such-package"))
    assert set(found) == {"python", "numpy"}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "{}", "\x00", "[" * 100_000])
def test_a_file_that_is_no_manifest_is_refused(tmp_path, text):
    (tmp_path / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(BundleError, match="is not a manifest"):
        read_bundle(tmp_path)


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match="mnist-edge export"):
        read_bundle(tmp_path)


def test_manifest_text_is_json_with_one_newline_at_its_end():
    text = manifest_text({"name": "é"})
    assert json.loads(text) == {"name": "é"}
    assert text.endswith("}\n")
    assert "é" in text


def test_a_suffix_tells_the_format(tmp_path):
    assert model_format(tmp_path / "a.TFLITE") == "tflite"
    with pytest.raises(ModelError, match=r"wanted \.tflite, \.onnx, \.keras or a bundle folder"):
        model_format(tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("tolerance", "said"),
    [
        ({"litert": 0.1}, "tolerance is to be an object with 'other'"),
        ([0.1], "tolerance is to be an object"),
        ({"other": 2}, "a number above 0, 0.1 at most"),
        ({"other": True}, "a number above 0, 0.1 at most"),
        ({"other": "0.1"}, "a number above 0, 0.1 at most"),
    ],
)
def test_a_tolerance_that_tolerates_anything_is_refused(tmp_path, tolerance, said):
    model = {**json.loads((write(tmp_path) / "manifest.json").read_text())["models"][0]}
    write(tmp_path, models=[{**model, "tolerance": tolerance}])
    with pytest.raises(BundleError, match=said):
        read_bundle(tmp_path)


def test_a_manifest_of_before_gets_the_tolerances_of_today(tmp_path):
    (entry, *_rest) = read_bundle(write(tmp_path)).models
    assert entry.tolerance == tolerances(entry.format, entry.quantization)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": ["0", "0"]}, "a label is there twice"),
        ({"input": {"polarity": "dark-on-bright"}}, "this version knows polarity bright-on-dark"),
        ({"input": {"range": [0, 1]}}, "this version knows range"),
        ({"input": "images"}, "input is images"),
        ({"input": {"shape": [28]}}, "wanted height, width and channels"),
        ({"input": {"shape": [28, 28, 1.0]}}, "wanted height, width and channels"),
        ({"input": {"shape": [None, 28, 1]}}, "wanted height, width and channels"),
        ({"input": {"shape": "28"}}, "wanted height, width and channels"),
        ({"input": {"shape": [28, 0, 1]}}, "wanted 1 or more of each"),
    ],
)
def test_what_the_wrapper_could_not_honour_is_refused(tmp_path, changes, said):
    with pytest.raises(BundleError, match=said):
        read_bundle(write(tmp_path, **changes))


def test_a_bundle_says_of_what_shape_its_images_are(tmp_path):
    write(tmp_path)
    assert read_bundle(tmp_path).image_shape == (28, 28, 1)
    write(tmp_path, input={"shape": [96, 64, 3]})
    assert read_bundle(tmp_path).image_shape == (96, 64, 3)

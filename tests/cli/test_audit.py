"""`mnist-edge audit` on a small bundle, as people call it."""

import json
import shutil

import pytest

from mnist_edge.bundle import read_bundle
from mnist_edge.cli import run


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def few(bundle, tmp_path):
    """The bundle with its int8 models alone: quicker."""
    folder = tmp_path / "few"
    shutil.copytree(bundle.folder, folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["models"] = [
        model for model in manifest["models"] if model["quantization"] in ("float32", "int8")
    ]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_both_families_are_printed_and_drawn(few, quadrants_file, tmp_path, capsys):
    data = ["--data", str(quadrants_file)]
    assert run(["audit", str(few), *data, "--images", "8", "--out", "audit.png"]) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    table = [line for line in lines if " tflite " in line or " onnx " in line]
    assert max(map(len, lines)) <= 80
    named = {line.split()[0] for line in table}  # Keras numbers its layers by the process
    assert "probabilities" in named
    assert len([name for name in named if name.startswith("conv2d")]) == 4
    assert len([line for line in lines if " adds the " in line or " adds most of" in line]) == 2
    assert "picture: audit.png" in said.err
    assert (tmp_path / "audit.png").read_bytes().startswith(b"\x89PNG")


def test_json_is_one_document_with_every_model(few, quadrants_file, capsys):
    arguments = ["audit", str(few), "--data", str(quadrants_file), "--images", "8", "--json"]
    assert run(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["dataset"]) == (1, "quadrants")
    assert {model["file"] for model in found["models"]} == {"edge-int8.tflite", "edge-int8.onnx"}
    for model in found["models"]:
        assert model["holds"]
        assert model["images"] == 8
        assert model["worst"] in {layer["name"] for layer in model["layers"]}


def test_a_model_whose_output_is_constant_exits_with_1(few, quadrants_file, capsys):
    import hashlib

    from tensorflow.lite.tools import flatbuffer_utils

    path = few / "edge-int8.tflite"
    model = flatbuffer_utils.read_model(str(path))
    graph = model.subgraphs[0]
    last = [op for op in graph.operators if len(op.inputs) == 3][-1]
    weights = model.buffers[graph.tensors[last.inputs[1]].buffer]
    weights.data = weights.data * 0
    path.write_bytes(bytes(flatbuffer_utils.convert_object_to_bytearray(model)))
    manifest = json.loads((few / "manifest.json").read_text(encoding="utf-8"))
    for entry in manifest["models"]:
        if entry["file"] == path.name:
            entry["bytes"] = path.stat().st_size
            entry["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (few / "manifest.json").write_text(json.dumps(manifest))
    assert run(["audit", str(few), "--data", str(quadrants_file), "--images", "8"]) == 1
    said = capsys.readouterr()
    last = said.err.splitlines()[-1]
    assert last.startswith("error: edge-int8.tflite: 'not constant' does not hold: a probability")
    assert "BROKEN: not constant" in said.out


def test_bad_input_is_one_line(few, bundle, quadrants_file, tmp_path, capsys):
    data = ["--data", str(quadrants_file)]
    assert run(["audit", str(few), *data, "--images", "0"]) == 2
    assert "images is 0; wanted 1 or more" in capsys.readouterr().err
    manifest = json.loads((few / "manifest.json").read_text(encoding="utf-8"))
    models = manifest["models"]
    for kept, said in (
        ([each for each in models if each["quantization"] == "float32"], "has no quantized model"),
        (
            [each for each in models if each["file"] != "edge-float32.onnx"],
            "no float32 .onnx to compare edge-int8.onnx with",
        ),
    ):
        (few / "manifest.json").write_text(json.dumps({**manifest, "models": kept}))
        assert run(["audit", str(few), *data, "--images", "4"]) == 2
        assert said in capsys.readouterr().err


def test_a_bundle_without_its_keras_model_is_audited_by_tensor_names(few, dataset):
    from mnist_edge.export.audit.of_bundle import audit_bundle, audit_images

    found = read_bundle(few)
    bare = found._replace(models=tuple(each for each in found.models if each.format != "keras"))
    audits = audit_bundle(bare, audit_images(bare, dataset, 4))
    names = {layer.name for layer in audits["edge-int8.tflite"].layers}
    assert any("conv2d" in name.lower() or "Relu" in name for name in names)


def test_images_are_of_the_part_learnt_from_and_of_another_draw_than_calibration(bundle, dataset):
    from mnist_edge.data import stratified_split
    from mnist_edge.export.audit.of_bundle import audit_images
    from mnist_edge.export.calibration import of_run
    from mnist_edge.preprocess import to_unit

    hyper = bundle.manifest["training"]["hyperparameters"]
    kept, _ = stratified_split(dataset.train.labels, hyper["validation_share"], hyper["split_seed"])
    learnt = {image.tobytes() for image in to_unit(dataset.train.images[kept])}
    images = audit_images(bundle, dataset, 32)
    assert images.shape == (32, 28, 28, 1)
    assert {image.tobytes() for image in images} <= learnt
    calibrated = (
        of_run(dataset, hyper["validation_share"], 0, hyper["split_seed"]).draw(32).inputs()
    )
    assert {each.tobytes() for each in images} != {each.tobytes() for each in calibrated}

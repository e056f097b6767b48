import dataclasses
import hashlib
import json
import shutil

import numpy as np
import onnx
import pytest

from mnist_edge.backends import open_backend
from mnist_edge.bench.exported import ExportCheck
from mnist_edge.bundle import read_bundle
from mnist_edge.data import Dataset, Split
from mnist_edge.errors import (
    BundleError,
    CheckFailed,
    DataError,
    ModelError,
    OutputError,
)
from mnist_edge.export import onnx_model, plan, tflite
from mnist_edge.export.calibration import of_run
from mnist_edge.export.exporter import _write_golden, export
from mnist_edge.export.writer import Control

FILES = {
    "edge-float32.tflite",
    "edge-float16.tflite",
    "edge-dynamic.tflite",
    "edge-int8.tflite",
    "edge-int16x8.tflite",
    "edge-float32.onnx",
    "edge-dynamic.onnx",
    "edge-int8.onnx",
}
FLOAT = plan.targets(plan.Wanted())


@pytest.fixture(scope="module")
def check(run_folder, dataset):
    return ExportCheck(run_folder / "edge.keras", dataset.test)


def model_of(run_folder):
    import keras

    return keras.saving.load_model(run_folder / "edge.keras", compile=False)


def test_a_bundle_holds_every_model_with_size_hash_and_parity(bundle, dataset):
    manifest = json.loads((bundle.folder / "manifest.json").read_text(encoding="utf-8"))
    entries = {entry["file"]: entry for entry in manifest["models"]}
    assert set(entries) == FILES | {"edge.keras"}
    for file, entry in entries.items():
        content = (bundle.folder / file).read_bytes()
        assert entry["bytes"] == len(content)
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
    for file in FILES:
        parity = entries[file]["parity"]
        assert parity["samples"] == len(dataset.test)
        assert parity["split"] == "test"
        assert parity["agreement"] > 0.95
        assert entries[file]["ops"]
    for file in ("edge-float32.tflite", "edge-float32.onnx"):
        assert entries[file]["parity"]["agreement"] == 1
        assert entries[file]["parity"]["max_abs_diff"] < 1e-5


def test_parity_in_the_manifest_is_what_the_file_does(bundle, dataset):
    entry = bundle.entry("edge-int8.tflite")
    with open_backend(bundle.folder / entry.file) as backend:
        right = backend.infer(dataset.test.images).argmax(1) == dataset.test.labels
    assert entry.parity["accuracy"] == right.mean()


@pytest.mark.parametrize(
    ("file", "taken", "given"),
    [
        ("edge-float32.tflite", "float32", "float32"),
        ("edge-float16.tflite", "float32", "float32"),
        ("edge-dynamic.tflite", "float32", "float32"),
        ("edge-int8.tflite", "int8", "int8"),
        ("edge-int16x8.tflite", "int16", "int16"),
        ("edge-dynamic.onnx", "float32", "float32"),
        ("edge-float32.onnx", "float32", "float32"),
        ("edge-int8.onnx", "float32", "float32"),
    ],
)
def test_models_take_and_give_what_they_are_named_for(bundle, file, taken, given):
    entry = bundle.entry(file)
    assert (entry.input["dtype"], entry.output["dtype"]) == (taken, given)
    batch = None if file.endswith("onnx") else 1
    assert entry.input["shape"] == [batch, 28, 28, 1]
    if taken == "int8":
        assert entry.input["scale"] == pytest.approx(1 / 255)
        assert entry.input["zero_point"] == -128


def test_int8_tflite_has_integers_throughout(bundle):
    entry = bundle.entry("edge-int8.tflite")
    assert "CONV_2D" in entry.ops
    assert not {"QUANTIZE", "DEQUANTIZE"} & set(entry.ops)
    assert not [name for name in entry.ops if name.startswith("Flex")]


def test_batch_normalisation_is_folded_away(bundle):
    assert not {"MUL", "ADD"} & set(bundle.entry("edge-float32.tflite").ops)
    assert "BatchNormalization" not in bundle.entry("edge-float32.onnx").ops


def test_int8_onnx_is_quantized_per_channel_and_standard(bundle):
    model = onnx.load(bundle.folder / "edge-int8.onnx")
    onnx.checker.check_model(model, full_check=True)
    scales = {node.name: node for node in model.graph.initializer}
    sizes = [int(np.prod(item.dims)) for name, item in scales.items() if name.endswith("_scale")]
    assert max(sizes) > 1
    assert {"QuantizeLinear", "DequantizeLinear"} <= set(bundle.entry("edge-int8.onnx").ops)


def test_golden_samples_are_what_the_models_said(bundle, dataset):
    with np.load(bundle.folder / "golden.npz") as golden:
        assert set(golden.files) == FILES | {"images", "labels", "reference"}
        assert np.bincount(golden["labels"]).tolist() == [2, 2, 2, 2]
        for file in ("edge-int8.tflite", "edge-float32.onnx"):
            with open_backend(bundle.folder / file) as backend:
                assert np.abs(backend.infer(golden["images"]) - golden[file]).max() < 1e-6
        digest = hashlib.sha256((bundle.folder / "golden.npz").read_bytes()).hexdigest()
    assert bundle.manifest["golden"] == {"file": "golden.npz", "sha256": digest, "count": 8}


@pytest.mark.parametrize(("side", "count"), [(8, 60), (200, 34)])
def test_golden_samples_are_fewer_where_images_are_large(tmp_path, side, count):
    labels = np.arange(80) % 30
    split = Split(np.zeros((80, side, side, 3), np.uint8), labels.astype(np.uint8))
    own = Dataset("own", split, split, tuple(map(str, range(30))))

    class Said:
        def reference(self):
            return np.eye(30, dtype=np.float32)[labels]

    about = _write_golden(tmp_path / "golden.npz", own, Said(), [], {})
    assert about["count"] == count
    with np.load(tmp_path / "golden.npz") as golden:
        assert (golden["reference"].argmax(1) == golden["labels"]).all()
    bare = Dataset("own", split, Split(split.images, None), own.labels)
    _write_golden(tmp_path / "golden.npz", bare, Said(), [], {})
    with np.load(tmp_path / "golden.npz") as golden:
        assert set(golden.files) == {"images", "reference"}
        assert len(golden["images"]) == count


def test_the_runs_own_files_come_along(bundle):
    assert {"edge.keras", "history.csv"} <= {path.name for path in bundle.folder.iterdir()}


def test_the_same_run_gives_the_same_models(run_folder, dataset, check, tmp_path, bundle):
    again = export(
        read_bundle(run_folder),
        dataset,
        tmp_path / "again",
        plan.targets(plan.Wanted(("int8",))),
        check,
        calibration_count=100,
    )
    for entry in again.models:
        assert entry.sha256 == bundle.entry(entry.file).sha256, entry.file
    once_more = export(
        read_bundle(run_folder),
        dataset,
        tmp_path / "once more",
        plan.targets(plan.Wanted(("int8",))),
        check,
        calibration_count=100,
    )
    files = {path.name: path.read_bytes() for path in again.folder.iterdir()}
    assert {path.name: path.read_bytes() for path in once_more.folder.iterdir()} == files
    assert {"manifest.json", "audit.json", "golden.npz"} <= set(files)


def test_a_second_export_into_the_run_keeps_what_was_there(run_folder, dataset, check, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    export(read_bundle(folder), dataset, folder, FLOAT, check)
    both = export(
        read_bundle(folder),
        dataset,
        folder,
        plan.targets(plan.Wanted(("dynamic",), ("tflite",))),
        check,
    )
    files = {entry.file for entry in both.models}
    assert files == {
        "edge.keras",
        "edge-float32.tflite",
        "edge-float32.onnx",
        "edge-dynamic.tflite",
    }
    assert read_bundle(folder).models == both.models
    with np.load(folder / "golden.npz") as golden:
        assert files - {"edge.keras"} <= set(golden.files)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_c_source_goes_with_its_model(run_folder, dataset, check, tmp_path):
    folder, int8 = tmp_path / "run", plan.targets(plan.Wanted(("int8",), ("tflite",)))
    shutil.copytree(run_folder, folder)
    export(read_bundle(folder), dataset, folder, int8, check, c_arrays=True)
    source = (folder / "edge_int8.c").read_text()
    assert f"0x{(folder / 'edge-int8.tflite').read_bytes()[0]:02x}" in source
    export(read_bundle(folder), dataset, folder, FLOAT, check)
    assert (folder / "edge_int8.c").read_text() == source
    export(read_bundle(folder), dataset, folder, int8, check)
    assert not list(folder.glob("*.[ch]"))


def test_a_report_of_the_models_that_were_there_does_not_stay(run_folder, dataset, check, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    for name in ("report.html", "report.md", "notes.png"):
        (folder / name).write_text("of before")
    export(read_bundle(folder), dataset, folder, FLOAT, check)
    assert not list(folder.glob("report.*"))
    assert (folder / "notes.png").is_file()


def test_c_source_and_audit_of_a_model_that_is_kept_stay(run_folder, dataset, check, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    int8 = [plan.targets(plan.Wanted(("int8",), (form,))) for form in plan.FORMATS]
    export(read_bundle(folder), dataset, folder, int8[0], check, c_arrays=True)
    export(read_bundle(folder), dataset, folder, int8[1], check)
    assert (folder / "edge_int8.c").is_file()
    audited = json.loads((folder / "audit.json").read_text(encoding="utf-8"))["models"]
    assert [each["file"] for each in audited] == ["edge-int8.tflite", "edge-int8.onnx"]
    export(read_bundle(folder), dataset, folder, int8[0], check)
    audited = json.loads((folder / "audit.json").read_text(encoding="utf-8"))["models"]
    assert [each["file"] for each in audited] == ["edge-int8.onnx", "edge-int8.tflite"]


def test_what_a_model_was_calibrated_on_stays_with_it(run_folder, dataset, check, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    int8, float16 = (
        plan.targets(plan.Wanted((name,), ("tflite",))) for name in ("int8", "float16")
    )
    export(read_bundle(folder), dataset, folder, int8, check, calibration_count=120)
    after = export(read_bundle(folder), dataset, folder, float16, check)
    assert after.manifest["calibration"]["count"] == 120
    own = after.entry("edge-int8.tflite").options["calibration"]
    hyper = after.manifest["training"]["hyperparameters"]
    drawn = of_run(dataset, hyper["validation_share"], 0, hyper["split_seed"]).draw(120)
    assert own == drawn.as_dict()
    assert after.manifest["calibration"]["sha256"] == own["sha256"]
    assert "calibration" not in after.entry("edge-float16.tflite").options


class Scripted:
    """A check on the validation split whose drops are given beforehand."""

    def __init__(self, inner, drops):
        self.inner, self.drops, self.looked = inner, list(drops), 0

    def look(self, path):
        raise AssertionError(f"{path} holds, and was run already")

    def __call__(self, path, quantization):
        self.looked += 1
        return dataclasses.replace(self.inner(path, quantization), drop=self.drops.pop(0))


def controlled(run_folder, dataset, out, drops, **wanted):
    """Export int8 TFLite under control; return the bundle, the control and what was looked at."""
    test = ExportCheck(run_folder / "edge.keras", dataset.test)
    control = Control(0.1, Scripted(test, drops))
    looks = []
    judged = ExportCheck(run_folder / "edge.keras", dataset.test)
    judged.look = lambda path: looks.append(path.name) or ExportCheck.look(judged, path)
    targets = plan.targets(plan.Wanted(("int8",), ("tflite",), **wanted))
    made = export(
        read_bundle(run_folder), dataset, out, targets, judged, calibration_count=100,
        control=control,
    )  # fmt: skip
    return made, control.check, looks


def test_control_asks_its_own_check_and_never_the_one_on_the_test_images(
    run_folder, dataset, tmp_path
):
    made, asked, looks = controlled(run_folder, dataset, tmp_path / "b", [5.0, 4.0, 0.0])
    assert asked.looked == 3
    assert looks == ["edge-float32.tflite", "edge-int8.tflite"]  # what was written, once each
    options = made.entry("edge-int8.tflite").options
    assert [each["drop"] for each in options["tried"]] == [5.0, 4.0, 0.0]
    assert (options["method"], options["percentile"]) == ("percentile", 99.9)
    assert not list((tmp_path / "b").glob("attempt*"))


def test_a_name_does_not_say_another_method_than_was_taken(run_folder, dataset, tmp_path):
    made, _, _ = controlled(run_folder, dataset, tmp_path / "b", [5.0, 0.0], method=("entropy",))
    (entry,) = [each for each in made.models if each.quantization == "int8"]
    assert entry.file == "edge-int8.tflite"
    assert entry.options["method"] == "minmax"


def test_two_targets_that_come_to_one_model_are_one(run_folder, dataset, tmp_path):
    made, _, _ = controlled(
        run_folder, dataset, tmp_path / "b", [0.0, 5.0, 0.0], method=("minmax", "entropy")
    )
    assert [each.file for each in made.models if each.quantization == "int8"] == [
        "edge-int8.tflite"
    ]


def test_an_output_that_is_not_a_classifiers_is_not_exported(
    run_folder, dataset, check, tmp_path, monkeypatch
):
    from mnist_edge.export.family import Family
    from mnist_edge.invariants import Finding

    real = Family.audit

    def saturated(self, *arguments):
        finding = Finding("not saturated", False, 1.0, 0.1, "all at the top")
        return dataclasses.replace(real(self, *arguments), findings=(finding,))

    monkeypatch.setattr(Family, "audit", saturated)
    int8 = plan.targets(plan.Wanted(("int8",)))
    with pytest.raises(CheckFailed, match=r"edge-int8\.tflite: 'not saturated' does not hold"):
        export(read_bundle(run_folder), dataset, tmp_path / "b", int8, check)
    assert not (tmp_path / "b").exists()


def test_a_file_of_another_input_than_was_asked_for_is_not_exported(
    run_folder, dataset, check, tmp_path, monkeypatch
):
    from mnist_edge.export.family import Family

    real = Family.make
    monkeypatch.setattr(
        Family, "make", lambda self, target: real(self, dataclasses.replace(target, io="int8"))
    )
    uint8 = plan.targets(plan.Wanted(("int8",), ("tflite",), io=("uint8",)))
    with pytest.raises(ModelError, match="takes int8 and gives int8; wanted uint8"):
        export(read_bundle(run_folder), dataset, tmp_path / "b", uint8, check)


def test_the_audit_is_on_images_that_no_range_was_made_from(run_folder, dataset, check):
    from mnist_edge.export.calibration import AUDITED
    from mnist_edge.export.writer import Writer

    pool = of_run(dataset, 0.1, 0)
    calibration = pool.draw(40)
    writer = Writer(None, "edge", None, pool, {}, calibration, check, None, print, print)
    audited = {image.tobytes() for image in writer._audited}
    assert len(audited) == AUDITED
    assert len(audited & {image.tobytes() for image in calibration.inputs()}) < AUDITED / 2


def test_a_model_that_is_not_keras_own_is_not_exported(run_folder, dataset, tmp_path):
    class Disappointed(ExportCheck):
        def reference(self):
            return np.roll(self._reference, 1, axis=1)

        def __call__(self, path, quantization):
            self._reference = self.reference()
            return super().__call__(path, quantization)

    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    before = sorted(path.name for path in folder.iterdir())
    wrong = Disappointed(run_folder / "edge.keras", dataset.test)
    with pytest.raises(CheckFailed, match="is not the Keras model: agreement"):
        export(read_bundle(folder), dataset, folder, FLOAT, wrong)
    assert sorted(path.name for path in folder.iterdir()) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    ("factor", "error", "said"),
    [
        (1.01, CheckFailed, "the last layer must be a softmax"),
        (3.0, ModelError, "sum to 3; wanted probabilities"),
    ],
)
def test_probabilities_that_do_not_sum_to_1_are_refused(
    run_folder, dataset, tmp_path, factor, error, said
):
    import keras

    model = model_of(run_folder)
    logits = keras.Model(model.inputs, keras.layers.Rescaling(factor)(model.outputs[0]))
    path = tmp_path / "edge-float32.tflite"
    path.write_bytes(tflite.convert(logits))
    with pytest.raises(error, match=said):
        ExportCheck(run_folder / "edge.keras", dataset.test)(path, "float32")


def test_an_operator_that_small_runtimes_lack_fails_at_the_desk():
    import keras
    import tensorflow as tf

    class Odd(keras.layers.Layer):
        def call(self, x):
            return tf.raw_ops.Betainc(a=x + 1.0, b=x + 2.0, x=x)

    image = keras.Input((28, 28, 1))
    model = keras.Model(image, Odd()(image))
    with pytest.raises(ModelError, match="float32 TensorFlow Lite failed"):
        tflite.convert(model)


def test_another_dataset_than_the_runs_is_refused(run_folder, dataset, check, tmp_path):
    other = Dataset("other", dataset.test, dataset.train, dataset.labels)
    with pytest.raises(DataError, match="goes with quadrants, and other is not the same"):
        export(read_bundle(run_folder), other, tmp_path / "b", FLOAT, check)


def test_a_folder_of_something_else_is_left_alone(run_folder, dataset, check, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for place in (tmp_path, tmp_path / "thesis.txt"):
        with pytest.raises(OutputError, match="choose another --out"):
            export(read_bundle(run_folder), dataset, place, FLOAT, check)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_run_without_its_keras_model_is_refused(run_folder, dataset, check, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    (folder / "edge.keras").write_bytes(b"damaged")
    with pytest.raises(BundleError, match=r"edge\.keras"):
        export(read_bundle(folder), dataset, folder, FLOAT, check)


def test_conversion_prints_nothing(run_folder, capfd):
    model = model_of(run_folder)
    capfd.readouterr()
    tflite.convert(model)
    onnx_model.convert(model)
    assert capfd.readouterr() == ("", "")

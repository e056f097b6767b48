"""A network of one's own through every command."""

import json

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from mnist_edge import Classifier
from mnist_edge.bundle import read_bundle
from mnist_edge.cli import run

SHAPE = (20, 24, 3)
NAMES = ("ant", "bee", "cat", "dog")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def residual(image):
    """Strided, depthwise, nested and added: what networks are made of."""
    x = layers.Conv2D(6, 3, strides=2, padding="same", use_bias=False)(image)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    y = layers.Conv2D(6, 1)(layers.ReLU(max_value=6)(layers.BatchNormalization()(y)))
    x = layers.Add()([x, y])
    inner = keras.Input(x.shape[1:])
    pooled = layers.MaxPooling2D()(layers.Conv2D(8, 3, activation="relu")(inner))
    return layers.Flatten()(keras.Model(inner, pooled)(x))


@pytest.fixture(scope="module")
def own_folder(tmp_path_factory, fitted, own_images):
    """A model, images with labels, images without, images of another size, and a photo."""
    folder = tmp_path_factory.mktemp("own")
    keras.utils.set_random_seed(3)
    image = keras.Input(SHAPE)
    fitted(image, residual(image), len(NAMES)).save(folder / "my.keras")
    images, labels = own_images(210, SHAPE, len(NAMES), 1)
    np.savez(folder / "my.npz", images=images, labels=labels, label_names=np.array(NAMES))
    np.savez(folder / "bare.npz", images=images.astype(np.float32) / 255)
    np.savez(folder / "small.npz", images=images[:, :16, :16], labels=labels)
    np.savez(folder / "more.npz", images=images, labels=np.arange(210) % 6)
    Image.fromarray(images[2].repeat(10, 0).repeat(10, 1)).save(folder / "cat.png")
    return folder


@pytest.fixture(scope="module")
def exported(own_folder, tmp_path_factory):
    """That model as a bundle with int8."""
    out = tmp_path_factory.mktemp("bundles") / "my"
    options = ["--calibration", str(own_folder / "my.npz"), "--int8", "--no-timing"]
    assert run(["export", str(own_folder / "my.keras"), *options, "--out", str(out)]) == 0
    return out


def test_what_the_network_itself_reaches_is_said(own_folder, capsys):
    options = ["--data", str(own_folder / "my.npz"), "--format", "tflite", "--out", "out"]
    assert run(["export", str(own_folder / "my.keras"), *options]) == 0
    assert "my.keras itself names 100.00 % of 30 rightly" in capsys.readouterr().out


def test_a_bundle_of_ones_own_has_every_model_and_says_where_it_is_from(exported):
    bundle = read_bundle(exported)
    files = {entry.file for entry in bundle.models}
    assert files == {
        "my.keras", "my-float32.tflite", "my-float32.onnx", "my-int8.tflite", "my-int8.onnx",
    }  # fmt: skip
    assert bundle.labels == NAMES
    assert bundle.image_shape == SHAPE
    assert bundle.manifest["training"]["split"]["test"] == 30
    assert bundle.manifest["calibration"]["count"] == 144  # a fifth is kept for --max-drop
    for entry in bundle.models:
        if entry.format != "keras":
            assert entry.input["shape"][1:] == [20, 24, 3]
            assert entry.parity["samples"] == 30
            assert entry.parity["agreement"] >= 0.95


def test_every_command_takes_that_bundle(exported, own_folder, capsys):
    assert run(["verify", str(exported)]) == 0
    assert run(["doctor", str(exported)]) == 0
    assert "my-int8.tflite on litert answers" in capsys.readouterr().out
    photo = str(own_folder / "cat.png")
    assert run(["predict", photo, "--model", str(exported), "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["label"] == "cat"
    assert answer["steps"] == ["scaled from 240x200 to 24x20 pixels"]
    quick = ["--quick", "--runtime", "litert", "--json"]
    assert run(["bench", str(exported), "--data", str(own_folder / "my.npz"), *quick]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["dataset"]["samples"] == 30  # those that were not calibrated on
    assert record["reference"] == "my.keras"
    assert all(row["parity"]["accuracy"] > 0.9 for row in record["results"])


def test_its_layers_are_audited_and_it_is_not_fine_tuned(exported, own_folder, capsys):
    data = ["--data", str(own_folder / "my.npz")]
    assert run(["audit", str(exported), *data, "--json"]) == 0
    assert "my-int8.tflite" in capsys.readouterr().out
    assert run(["finetune", str(exported), *data]) == 2
    assert "my is a network of one's own, and how it was trained is" in capsys.readouterr().err
    assert run(["audit", str(exported), "--data", str(own_folder / "small.npz")]) == 2
    assert "wanted [N,20,24,3]" in capsys.readouterr().err


def test_a_classifier_takes_its_images(exported, own_folder):
    with np.load(own_folder / "my.npz") as pictures, Classifier.open(exported) as classifier:
        assert classifier.backend.image_shape == SHAPE
        found = classifier.probabilities(pictures["images"]).argmax(1)
        assert (found == pictures["labels"]).mean() > 0.95
        assert classifier.predict(pictures["images"][1]).label == "bee"


def test_without_labels_agreement_is_what_is_told(own_folder, tmp_path, capsys):
    bare = str(own_folder / "bare.npz")
    options = ["--data", bare, "--format", "tflite", "--int8", "--no-timing"]
    assert run(["export", str(own_folder / "my.keras"), *options]) == 0
    folder = tmp_path / "artifacts" / "runs" / "my"
    said = capsys.readouterr()
    assert "180 images to calibrate with, 30 to compare on, held out of them" in said.err
    assert "rightly" not in said.out
    bundle = read_bundle(folder)
    assert bundle.labels == ("0", "1", "2", "3")
    parity = bundle.entry("my-int8.tflite").parity
    assert parity["agreement"] >= 0.95
    assert parity["accuracy"] is parity["flips_to_wrong"] is None
    assert run(["verify", str(folder)]) == 0
    assert run(["export", "--int16x8", "--no-timing", *options[:4]]) == 0  # the newest run
    assert len(read_bundle(folder).models) == 4
    capsys.readouterr()
    files = [str(folder / f"my-{kind}.tflite") for kind in ("float32", "int8")]
    quick = ["--quick", "--runtime", "litert", "--max-drop", "1"]  # without Keras: quicker
    assert run(["bench", *files, "--data", bare, *quick]) == 1
    said = capsys.readouterr()
    assert "The images have no labels." in said.out
    assert "max_drop cannot be judged: there are no labels to hold it against" in said.err
    assert run(["export", "--max-drop", "1", *options]) == 2
    assert "these images have no labels, and this needs them" in capsys.readouterr().err


CASES = {
    "export my.keras": "my.keras needs images that are like those it learnt from",
    "export absent.keras --data my.npz": "no model at absent.keras: check the path",
    "export my.npz --data my.npz": "my.npz is not a .keras archive; wanted one",
    "export my.keras --data small.npz": "[210, 16, 16, 3]; wanted [N,20,24,3]: resize them",
    "export my.keras --data mnist-like.npz": "no dataset at mnist-like.npz",
    "export my.keras --data more.npz": "my.keras has 4 classes, and there are 6 names",
    "export my.keras --data my.npz --labels a,b": "has 4 classes, and there are 2 names (a, b",
    "export my.keras --data my.npz --labels a,b,a,c": "--labels has a name twice",
    "export my.keras --data my.npz --labels a,b,c,d": "my.keras knows 4 classes (a, b, c, ...)",
    "export my.keras --data my.npz --softmax": "ends in a softmax already",
    "export my.keras --data my.npz --input-range 1 0": "input-range is 1 0; wanted low high",
    "export my.keras --data my.npz --calibration-count 999": "calibration of 999 images; wanted",
    "bench my.keras --data small.npz": "wanted [N,20,24,3]",
    "predict cat.png --model my.keras --runtime litert": "litert does not open .keras files",
}


@pytest.mark.parametrize("command", CASES)
def test_what_does_not_fit_is_refused_in_one_line(own_folder, tmp_path, capsys, command):
    for path in own_folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    before = sorted(path.name for path in tmp_path.iterdir())
    assert run(command.split()) == 2
    said = capsys.readouterr()
    assert CASES[command] in said.err.splitlines()[-1]
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_what_a_run_says_itself_is_not_to_be_said(exported, own_folder, capsys):
    data = ["--data", str(own_folder / "my.npz")]
    for option in (["--softmax"], ["--labels", "a,b"], ["--input-range", "-1", "1"]):
        assert run(["export", str(exported), *data, *option]) == 2
        assert f"{option[0]} is for a .keras file of one's own" in capsys.readouterr().err
    assert run(["export", str(exported / "my.keras"), *data]) == 2
    assert "belongs to a run: export that, mnist-edge export" in capsys.readouterr().err
    assert run(["export", str(exported), "--data", str(own_folder / "more.npz")]) == 2
    assert "knows 4 classes (ant, bee, cat, ...), more has 6" in capsys.readouterr().err


def test_a_network_as_people_have_it(tmp_path, fitted, own_images):
    """MobileNetV2, its input in -1..1 and its names in a file; quantized, timed, embedded."""
    keras.utils.set_random_seed(0)
    image = keras.Input((96, 96, 3))
    body = keras.applications.MobileNetV2(
        weights=None, input_tensor=image, alpha=0.35, include_top=False, pooling="avg"
    )
    for layer in body.layers:  # at random they make noise of what they see, in so deep a network
        if isinstance(layer, layers.DepthwiseConv2D):
            layer.set_weights([np.full(layer.kernel.shape, 1 / 9, np.float32)])
    fitted(image, body.output, 7, low=-1.0).save("mobile.keras")
    images, labels = own_images(112, (96, 96, 3), 7, 1)
    np.savez("mobile.npz", images=images, labels=labels)
    (tmp_path / "names.txt").write_text("a\nb\nc\nd\ne\nf\ng\n")
    options = ["--data", "mobile.npz", "--input-range", "-1", "1", "--labels", "names.txt"]
    options += ["--format", "tflite", "--int8", "--calibration-count", "21"]
    options += ["--no-timing", "--out", "mobile"]
    assert run(["export", "mobile.keras", *options]) == 0
    files = ["mobile/mobile-float32.tflite", "mobile/mobile-int8.tflite"]
    quick = ["--quick", "--runtime", "litert", "--min-agreement", "95", "--max-drop", "5"]
    assert run(["bench", *files, "--data", "mobile.npz", *quick, "--out", "record.json"]) == 0
    record = json.loads((tmp_path / "record.json").read_text())
    assert [row["status"] for row in record["results"]] == ["ok", "ok"]
    assert record["reference"] == "mobile-float32.tflite"
    with Classifier.open("mobile") as classifier:
        assert classifier.path.name == "mobile-int8.tflite"
        assert classifier.labels == tuple("abcdefg")
        right = classifier.probabilities(images).argmax(1) == labels
    assert right.mean() > 0.9

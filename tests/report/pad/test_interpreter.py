import struct
import warnings

import numpy as np
import pytest

from mnist_edge.data import load
from mnist_edge.report.pad.fitness import KNOWN
from mnist_edge.structure.flatbuffer import Flatbuffer
from mnist_edge.structure.tflite_schema import TABLES
from tools.compare_pad import IMAGES, Comparison, compare_pad

pytestmark = pytest.mark.needs("keras", "litert")  # of Keras, small models are made


@pytest.fixture(scope="module")
def images():
    return load("mnist").test.images[:IMAGES]


@pytest.mark.parametrize("name", ["edge", "micro", "nano"])
def test_it_says_what_litert_says(name, images, answers, artifacts):
    found = compare_pad(name, images)
    count = len(images)
    assert found["reference"] == Comparison(count, equal=count, near=count, other_label=0)
    default = found["XNNPACK"]  # rounds otherwise in doubtful cases, not in all processors alike
    assert default.other_label <= 1
    assert default.near > 0.9 * count
    path = artifacts / name / f"{name}-int8.tflite"
    assert len(np.unique(answers(path, images[:100]).argmax(1))) == 10


def int8(model, samples, folder, per_channel=True, io="int8"):
    """Convert a Keras model to int8 TensorFlow Lite."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter._experimental_disable_per_channel = not per_channel
    converter._experimental_disable_per_channel_quantization_for_dense_layers = not per_channel
    converter.inference_input_type = converter.inference_output_type = getattr(tf, io)
    path = folder / "model.tflite"
    with warnings.catch_warnings():  # of statistics that the samples give
        warnings.simplefilter("ignore")
        path.write_bytes(converter.convert())
    return path


def windows(layers, x):
    """Strides, dilations, both paddings, odd sizes, a sum of two ways, all in one network."""
    x = layers.Conv2D(6, (3, 2), 2, padding="same", activation="relu6")(x)
    y = layers.DepthwiseConv2D(3, padding="same", dilation_rate=2, depth_multiplier=2)(x)
    y = layers.Conv2D(6, 1)(y)
    x = layers.Add()([x, y])
    x = layers.AveragePooling2D(3, 2, padding="same")(x)
    x = layers.Conv2D(5, 3, dilation_rate=2, activation="relu")(x)
    return layers.GlobalAveragePooling2D()(x)


def classic(layers, x):
    x = layers.Conv2D(5, 3, activation="relu")(x)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    x = layers.DepthwiseConv2D(3, 2, activation="relu")(x)
    x = layers.Flatten()(x)
    return layers.Dense(13, activation="relu")(x)


def dense(layers, x):
    return layers.Dense(9, activation="relu")(layers.Flatten()(x))


@pytest.fixture(scope="module")
def small(images, tmp_path_factory):
    """The file of a small network with random weights: `small(body, per_channel, io)`."""

    def make(body, per_channel=True, io="int8"):
        import keras
        from keras import layers

        random = np.random.default_rng(1)
        image = keras.Input(batch_shape=(1, 28, 28, 1))
        model = keras.Model(image, layers.Dense(10, activation="softmax")(body(layers, image)))
        for layer in model.layers:
            layer.set_weights([random.normal(0, 0.3, each.shape) for each in layer.get_weights()])
        samples = (images[:64, ..., None] / 255).astype(np.float32)
        return int8(model, samples, tmp_path_factory.mktemp("small"), per_channel, io)

    return make


def compare(path, images, answers, computed, reference):
    """Hold the answers to images, and all that is computed for some, against the reference."""
    exact = reference(path)
    wanted = np.array([exact.run(image) for image in images])
    assert wanted.astype(float).std(0).max() > 0
    np.testing.assert_array_equal(answers(path, images, wanted.dtype), wanted)
    for image in images[:5]:
        exact.run(image)
        for place, came in computed(path, image).items():
            assert came == exact.tensor(place), place


@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
@pytest.mark.parametrize("per_channel", [True, False], ids=["per-channel", "per-tensor"])
@pytest.mark.parametrize("body", [windows, classic, dense])
def test_every_operator_is_exact(
    body, per_channel, io, images, small, answers, computed, reference
):
    path = small(body, per_channel, io)
    compare(path, images[:200], answers, computed, reference)


@pytest.mark.parametrize("body", [windows, classic, dense])
def test_halves_are_rounded_as_the_reference_rounds_them(
    body, images, small, locate, answers, computed, reference
):
    """With powers of two for scales, many results lie in the middle between two integers."""
    path = small(body)
    content = bytearray(path.read_bytes())
    model = Flatbuffer(bytes(content), "it", TABLES).root("Model")
    graph = model["subgraphs"][0]
    powers = [
        np.rint(np.log2((each["quantization"] or {}).get("scale") or ()))
        for each in graph["tensors"]
    ]
    for operator in graph["operators"]:
        if len(operator["inputs"]) == 3:
            image, weights, bias = operator["inputs"]
            powers[bias] = powers[image] + powers[weights]
    for place, found in enumerate(powers):
        for item, power in enumerate(found):
            way = ("subgraphs", 0, "tensors", place, "quantization", "scale", item)
            struct.pack_into("<f", content, locate(bytes(content), *way)[0], 2.0**power)
    path.write_bytes(content)
    compare(path, images[:200], answers, computed, reference)


def test_python_and_javascript_know_the_same_operators(node):
    names = node("write(Buffer.from([...Object.keys(OPERATORS)].join()));").decode().split(",")
    assert {*names} == KNOWN
    named = node("write(Buffer.from(Object.values(NAMES).join()));").decode().split(",")
    assert {*named} == KNOWN


OPEN = "new Model(new Uint8Array(fs.readFileSync(process.argv[2])));"


def test_an_unknown_operator_is_refused_in_one_line(node, foreign, tmp_path):
    path = tmp_path / "foreign.tflite"
    path.write_bytes(foreign)
    said = node(OPEN, b"", path, fails=True)
    assert said == "ModelError: the model needs operator 50, which is not known here\n"


@pytest.mark.parametrize("kept", [0, 3, 8, 200, 5000, 60000])
def test_a_file_cut_short_is_refused_in_one_line(kept, node, artifacts, tmp_path):
    path = tmp_path / "cut.tflite"
    path.write_bytes((artifacts / "edge" / "edge-int8.tflite").read_bytes()[:kept])
    said = node(OPEN, b"", path, fails=True)
    assert said.startswith("ModelError: the model is ")
    assert said.count("\n") == 1


def test_a_damaged_file_is_refused_or_run(node, artifacts):
    """Whatever bytes there are: an error of our own, or an answer; never another exception."""
    content = (artifacts / "nano" / "nano-int8.tflite").read_bytes()
    script = """
    let refused = 0;
    let seed = 1;
    const random = (most) => { seed = (seed * 16807) % 2147483647; return seed % most; };
    for (let trial = 0; trial < 300; trial += 1) {
      const file = input.slice();
      for (let times = 0; times < 3; times += 1) file[random(file.length)] = random(256);
      try { new Model(file).run(new Uint8Array(784)); } catch (error) {
        if (!(error instanceof ModelError)) throw error;
        refused += 1;
      }
    }
    write(Buffer.from(String(refused)));
    """
    assert 30 < int(node(script, content)) < 300

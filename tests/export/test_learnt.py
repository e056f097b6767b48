import json
import shutil

import numpy as np
import pytest

from mnist_edge.backends import open_backend
from mnist_edge.bench.exported import ExportCheck
from mnist_edge.bundle import read_bundle
from mnist_edge.errors import BundleError, CheckFailed
from mnist_edge.export import learnt, tflite
from mnist_edge.export.activations import trace_tflite
from mnist_edge.export.calibration import of_run
from mnist_edge.export.exporter import export
from mnist_edge.export.family import Family
from mnist_edge.export.plan import Target, Wanted, targets
from mnist_edge.preprocess import to_unit
from mnist_edge.training.fake_quant import insert, nudged, predict_int8
from mnist_edge.training.fold import fold
from mnist_edge.training.placement import Placement, observed
from mnist_edge.training.rounding import kernel_scale, quantized_bias, quantized_kernel


def keras_model(folder):
    import keras

    return keras.saving.load_model(next(folder.glob("*.keras")), compile=False)


@pytest.fixture(scope="module")
def aware(tmp_path_factory, dataset, tuned):
    """The fine-tuned run, exported to int8 of both granularities."""
    wanted = Wanted(("int8",), granularity=("per-channel", "per-tensor"))
    check = ExportCheck(tuned.folder / "edge-qat.keras", dataset.test)
    out = tmp_path_factory.mktemp("aware") / "small-qat"
    return export(read_bundle(tuned.folder), dataset, out, targets(wanted), check)


@pytest.fixture(scope="module")
def traced(aware, dataset):
    """By layer, what a tensor of the int8 TFLite file is quantized by."""
    from mnist_edge.export.layers import layer_names

    inputs = to_unit(dataset.test.images[:4, ..., None])
    model = fold(keras_model(aware.folder))
    names = layer_names(model, trace_tflite(tflite.convert(model), inputs), inputs)
    content = (aware.folder / "edge-qat-int8.tflite").read_bytes()
    held = next(iter(trace_tflite(content, inputs)))
    return {names[name]: each.quant for name, each in held.items() if name in names}


def int8_files(bundle):
    return [entry for entry in bundle.models if entry.quantization == "int8"]


def test_every_int8_file_names_images_as_the_fake_quantized_model(aware, dataset):
    assert len(int8_files(aware)) == 4
    fake = learnt.fake_quantized(aware, keras_model(aware.folder))
    inputs = to_unit(dataset.test.images[..., None])
    for entry in int8_files(aware):
        assert entry.options["method"] == "learnt"
        assert entry.options["fake_quantized_agreement"] >= 0.995  # 1 image of 200
        if entry.options["granularity"] == "per-channel":
            with open_backend(aware.folder / entry.file) as backend:
                said = backend.infer(dataset.test.images)
            found = learnt.agreement(fake, inputs, said)
            assert found == entry.options["fake_quantized_agreement"]


def test_the_file_has_the_learnt_ranges(aware, traced):
    ranges = learnt.layer_ranges(aware)
    placement = Placement(keras_model(aware.folder))
    for layer, (low, high) in placement.complete(ranges).items():
        quant = traced[layer]
        scale = 1 / 256 if layer == "probabilities_softmax" else (high - low) / 255
        assert quant.scale == pytest.approx(scale, rel=1e-6), layer
        assert quant.zero_point == -128 - round(low / scale), layer


def stored(path, axis=0):
    """Return what a TFLite file holds of kernels and biases, as real numbers.

    The scales of a kernel are those of `axis`: the last of a depthwise one, else the first.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    interpreter.allocate_tensors()
    found = []
    for detail in interpreter.get_tensor_details():
        scales = detail["quantization_parameters"]["scales"]
        shape = detail["shape"]
        if len(shape) in (1, 2, 4) and len(scales) in (1, shape[axis]):
            values = interpreter.get_tensor(detail["index"]).astype(np.float64)
            places = [1] * values.ndim
            places[axis] = -1
            values *= scales.reshape(places)
            found.append(values.astype(np.float32))
    return found


@pytest.mark.parametrize("per_channel", [True, False])
def test_kernels_and_biases_are_the_integers_of_the_file(aware, per_channel):
    suffix = "" if per_channel else "-per_tensor"
    held = stored(aware.folder / f"edge-qat-int8{suffix}.tflite")
    model, ranges = keras_model(aware.folder), learnt.layer_ranges(aware)
    weighted = [layer for layer in model.layers if layer.weights]
    assert len(weighted) == 5
    inputs = [(0, 1), *(ranges[name] for name in ranges if name != "probabilities")]
    del inputs[4]  # the mean is taken of the last convolution, and read by the dense layer
    assert len(inputs) == 5
    for layer, (low, high) in zip(weighted, inputs, strict=True):
        kernel, bias = layer.get_weights()
        axes = tuple(range(kernel.ndim - 1 if per_channel else kernel.ndim))
        wanted = np.moveaxis(np.asarray(quantized_kernel(kernel, axes)), -1, 0)
        assert any(np.array_equal(each, wanted) for each in held)
        step = np.float32((high - low) / 255) * np.ravel(kernel_scale(kernel, axes))
        wanted = np.asarray(quantized_bias(bias, step))
        near = [each for each in held if each.shape == bias.shape]
        assert min(np.abs(each - wanted).max() for each in near) <= 1e-6 * np.abs(wanted).max()
        assert np.abs(wanted - bias).max() > 0


def of_many_kinds():
    """A sum, a depthwise convolution, averages, rectifiers within and after, a branch."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(4, 3, strides=2, name="conv")(image)
    x = layers.AveragePooling2D(2, name="mean_pool")(layers.ReLU()(x))
    y = layers.DepthwiseConv2D(
        3, padding="same", activation="relu6", depth_multiplier=1, name="depthwise"
    )(x)
    x = layers.ReLU()(layers.Add(name="sum")([x, y]))
    x = layers.MaxPooling2D(name="pool")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(layers.Conv2D(8, 1, name="mix")(x))
    x = layers.Dense(4, activation="softmax", name="answer", kernel_initializer=spread(8, 4))(x)
    return fold(keras.Model(image, x))


def spread(*shape):
    """A kernel that makes answers differ, if nothing was learnt."""
    import keras

    return keras.initializers.Constant(np.random.default_rng(0).normal(0, 12, shape))


@pytest.mark.parametrize("form", ["tflite", "onnx"])
def test_layers_of_many_kinds_come_out_as_they_were_trained(dataset, tmp_path, form):
    model, images = of_many_kinds(), dataset.test.images
    inputs = to_unit(images[..., None])
    ranges = {name: nudged(*ends) for name, ends in observed(model, inputs[:50]).items()}
    family = Family(form, model, of_run(dataset, 0.1, 0), ranges)
    io = "int8" if form == "tflite" else "float32"
    path = tmp_path / f"kinds.{form}"
    path.write_bytes(family.make(Target(form, "int8", io, "per-channel", "minmax")))
    with open_backend(path) as backend:
        said = backend.infer(images)
    wanted = predict_int8(insert(model, ranges), inputs)
    assert wanted.std(0).max() > 2 / 256
    assert np.abs(said - wanted).max() <= 4 / 256  # ONNX has softmax in steps of 1/255
    if form == "tflite":
        kernel = np.asarray(quantized_kernel(model.get_layer("depthwise").get_weights()[0], (0, 1)))
        held = [each for each in stored(path, axis=-1) if each.shape == (1, 3, 3, 4)]
        assert any(np.array_equal(each, kernel.reshape(1, 3, 3, 4)) for each in held)


def test_a_run_that_has_learnt_no_range_is_calibrated(bundle):
    assert learnt.layer_ranges(bundle) == {}
    assert {entry.options["method"] for entry in int8_files(bundle)} != {"learnt"}
    with pytest.raises(BundleError, match="has learnt no ranges: mnist-edge finetune"):
        learnt.fake_quantized(bundle, None)


@pytest.mark.parametrize("ranges", [{}, {"conv2d": [1, 2]}, {"conv2d": 3}, [], {"a": [0, "x"]}])
def test_ranges_that_are_none_are_refused(aware, tmp_path, ranges):
    shutil.copy(aware.folder / "manifest.json", tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["training"]["quantization_aware"]["ranges"] = ranges
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="has learnt ranges that are none; wanted low <= 0"):
        learnt.layer_ranges(read_bundle(tmp_path))


def test_a_file_that_is_not_what_was_trained_is_refused(aware, dataset):
    model, images = keras_model(aware.folder), dataset.test.images
    given = {"file": "x.tflite", "learnt": learnt.layer_ranges(aware), "model": model}
    said = np.array(model([to_unit(images[..., None])]))
    said[:2] = np.roll(said[:2], 1, axis=1)
    with pytest.raises(
        CheckFailed, match=r"x\.tflite agrees with the fake-quantized model that it"
    ):
        learnt.hold_to_training(images=images, probabilities=said, per_channel=True, **given)
    said[1] = np.roll(said[1], -1)
    assert learnt.hold_to_training(
        images=images, probabilities=said, per_channel=True, **given
    ) == pytest.approx(1 - 1 / len(images))

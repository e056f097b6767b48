"""Ranges, layers and files of both formats, on one small network."""

from dataclasses import replace

import numpy as np
import pytest

from mnist_edge.backends import open_backend
from mnist_edge.export.activations import trace
from mnist_edge.export.calibration import of_run
from mnist_edge.export.family import Family
from mnist_edge.export.plan import Target

FORMATS = ("tflite", "onnx")
INT8 = {
    "tflite": Target("tflite", "int8", "int8", "per-channel", "minmax"),
    "onnx": Target("onnx", "int8", "float32", "per-channel", "minmax"),
}
IMAGES = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)


@pytest.fixture(scope="module")
def pool(dataset):
    return of_run(dataset, 0.1, 0)


@pytest.fixture(scope="module")
def model(run_folder):
    import keras

    return keras.saving.load_model(run_folder / "edge.keras", compile=False)


@pytest.fixture(scope="module")
def families(model, pool):
    return {form: Family(form, model, pool) for form in FORMATS}


@pytest.fixture(scope="module")
def bad(sabotaged, pool):
    return {form: Family(form, sabotaged, pool) for form in FORMATS}


def answers(content, images=IMAGES):
    with open_backend(content) as backend:
        return backend.infer(images)


@pytest.mark.parametrize("form", FORMATS)
def test_a_trace_begins_with_the_input_and_ends_with_the_answer(families, model, form):
    content = families[form].float32
    traced = list(trace(form, content, IMAGES))
    wanted = model.predict(IMAGES, verbose=0)
    for image, tensors, row in zip(IMAGES, traced, wanted, strict=True):
        names = list(tensors)
        assert np.array_equal(tensors[names[0]].values[0], image)
        assert np.allclose(tensors[names[-1]].values[0], row, atol=1e-6)
        assert len(names) > 6


@pytest.mark.parametrize("form", FORMATS)
def test_a_quantized_file_has_the_float_files_names_and_real_values(families, form):
    family = families[form]
    content = family.make(INT8[form])
    floats = next(trace(form, family.base, IMAGES))
    quantized = next(trace(form, content, IMAGES))
    shared = [name for name in floats if name in quantized and quantized[name].quant]
    assert len(shared) >= 6
    for name in shared:
        step, (low, high) = quantized[name].quant.scale, family.ranges(INT8[form])[name]
        true = floats[name].values.clip(low, high)
        assert np.abs(quantized[name].values - true).max() < 20 * step, name


@pytest.mark.parametrize("form", FORMATS)
def test_scales_are_those_of_our_ranges(families, form):
    family = families[form]
    quantized = next(trace(form, family.make(INT8[form]), IMAGES))
    stated = family.ranges(INT8[form])
    checked = 0
    for name, traced in quantized.items():
        if traced.quant is not None and name in stated:
            low, high = stated[name]
            widest = traced.quant.scale * 255
            # where values only move, or a pool passes them on, the wider range before it holds
            assert widest >= (high - low) * 0.996, name  # 1 of a probability is 255/256 of one
            checked += bool(abs(widest - (high - low)) < 1e-3 * widest)
    assert checked >= 4


def test_both_formats_see_the_same_ranges(families):
    widths = [
        sorted(
            high - low for low, high in set(families[form].ranges(INT8[form]).values()) if high > 1
        )
        for form in FORMATS
    ]
    for width in widths[0]:
        assert min(abs(width - other) for other in widths[1]) < 1e-3 * width


@pytest.mark.parametrize("form", FORMATS)
def test_the_input_is_never_clipped_however_dim_the_sample(run_folder, model, dataset, form):
    dim = replace(of_run(dataset, 0.1, 0), images=np.full((200, 28, 28), 40, np.uint8))
    dim = replace(dim, labels=None, judged=dim.images[:0])
    stated = Family(form, model, dim).ranges(INT8[form])
    assert next(iter(stated.values())) == (0.0, 1.0)


@pytest.mark.parametrize("form", FORMATS)
def test_methods_do_something(families, form):
    family = families[form]
    scales = {
        method: family.ranges(replace(INT8[form], method=method, percentile=percentile))
        for method, percentile in (("minmax", None), ("percentile", 99.0), ("entropy", None))
    }
    total = {
        method: sum(high - low for low, high in each.values()) for method, each in scales.items()
    }
    assert total["percentile"] < total["minmax"]
    assert total["entropy"] <= total["minmax"]
    same = replace(INT8[form], method="percentile", percentile=100.0)
    assert any("came to the ranges of minmax" in line for line in family.doubts(same))


@pytest.mark.parametrize("form", FORMATS)
def test_per_tensor_has_one_scale_a_layer_and_per_channel_many(families, form):
    family = families[form]
    each = family.make(INT8[form])
    one = family.make(replace(INT8[form], granularity="per-tensor"))
    assert len(one) < len(each)
    assert np.abs(answers(one) - answers(each)).max() > 0


@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
def test_input_and_output_are_of_the_type_asked_for(families, io, dataset):
    images = dataset.test.images[:20]
    content = families["tflite"].make(replace(INT8["tflite"], io=io))
    with open_backend(content) as backend:
        assert (backend.input.dtype, backend.output.dtype) == (io, io)
        found = backend.infer(images)
    plain = answers(families["tflite"].make(INT8["tflite"]), images)
    assert np.abs(found - plain).max() < 0.02


@pytest.mark.parametrize("form", FORMATS)
def test_a_thousandfold_channel_is_found_and_keeping_it_float_repairs(
    bad, sabotaged, model, dataset, form
):
    images = dataset.test.images[:100]
    wanted = model.predict(images[..., None] / np.float32(255), verbose=0)
    family = bad[form]
    assert np.abs(answers(family.float32, images) - wanted).max() < 1e-3
    plain = family.make(INT8[form])
    assert np.abs(answers(plain, images) - wanted).max() > 0.2
    inputs = images[:16, ..., None] / np.float32(255)
    worst = family.rank(plain, inputs)
    found = family.audit(plain, "int8", inputs)
    assert found.worst == sabotaged.layers[1].name
    assert found.layer(found.worst).tensor == worst[0]
    assert "channel 2 of its output reaches" in found.explain()
    repaired = family.make(replace(INT8[form], float_layers=tuple(worst[:1])))
    assert np.abs(answers(repaired, images) - wanted).max() < 0.05


@pytest.mark.parametrize("form", FORMATS)
def test_a_lucky_sample_is_said_to_be_unstable(model, pool, form):
    images = pool.images[:100] // 8
    images[1] = 255  # one bright image, in one half alone
    few = replace(pool, images=images, labels=None)
    said = Family(form, model, few).doubts(INT8[form])
    assert any("times as wide in one half of the calibration images" in line for line in said)


def test_a_dynamic_onnx_answer_does_not_depend_on_its_batch(families, dataset):
    content = families["onnx"].make(Target("onnx", "dynamic"))
    images = dataset.test.images[:8].copy()
    images[1:] //= 50
    with open_backend(content) as backend:
        alone, together = backend.infer(images[1:2]), backend.infer(images)
    assert np.array_equal(alone[0], together[1])

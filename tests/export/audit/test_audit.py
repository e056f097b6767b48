import json
import math

import numpy as np
import pytest

from mnist_edge.errors import ModelError
from mnist_edge.export.audit import audit, culprits, document

FORMATS = ("tflite", "onnx")
LAYERS = ["image", "first", "pool", "second", "third", "answer (logits)", "answer"]
SLACK_DB = 0.5  # between the families: their kernels round a step otherwise here and there


@pytest.fixture(scope="session")
def sound(workshop):
    """By format, the audit of a sound network's int8 file."""
    return {kind: workshop.audit(kind, "int8") for kind in FORMATS}


def test_both_families_have_the_same_layers_and_nearly_the_same_numbers(sound):
    for kind in FORMATS:
        assert [layer.name for layer in sound[kind].layers] == LAYERS
    for one, other in zip(sound["tflite"].layers, sound["onnx"].layers, strict=True):
        if one.name != "pool":
            assert one.added_db == pytest.approx(other.added_db, abs=SLACK_DB)
        assert one.snr_db == pytest.approx(other.snr_db, abs=1)
        assert one.weights_snr_db == pytest.approx(other.weights_snr_db, abs=1e-3)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_sound_network_loses_little_and_every_invariant_holds(sound, kind):
    found = sound[kind]
    assert found
    assert all(layer.snr_db > 35 and layer.cosine > 0.9998 for layer in found.layers)
    assert all(layer.saturated == 0 for layer in found.layers)
    assert found.layer("second").range_used > 0.9
    assert sum(layer.share for layer in found.layers) == pytest.approx(1)
    assert (found.islands, found.integer_operators) == ((), 6)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_pool_that_keeps_the_scale_adds_nothing_and_a_softmax_what_its_own_grid_does(sound, kind):
    pool, answer = sound[kind].layer("pool"), sound[kind].layer("answer")
    assert (pool.added, pool.added_db) == (0, None)
    assert pool.snr_db > 35
    assert 35 < answer.added_db < 60


def test_what_all_logits_share_is_no_signal(workshop):
    import keras

    shifted = keras.models.clone_model(workshop.model)
    shifted.set_weights([*workshop.model.get_weights()[:-1], np.full(5, 20, np.float32)])
    found = type(workshop)(shifted).audit("tflite", "int16x8").layer("second").added_db
    wanted = workshop.audit("tflite", "int16x8").layer("second").added_db
    assert found == pytest.approx(wanted, abs=SLACK_DB)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_output_channels_of_kernels_are_on_the_axis_that_has_as_many(workshop, kind):
    from importlib import import_module

    family = import_module(f"mnist_edge.export.audit.{kind}_file")
    found = family.constants(workshop.make(kind, "int8"))
    kernels = [each for each in found.values() if each.values.ndim > 1]
    assert len(kernels) == 4
    for each in kernels:
        assert each.scales == each.values.shape[each.outputs] == (5 if each.values.ndim == 2 else 8)
        assert each.outputs != each.inputs


@pytest.mark.parametrize("kind", FORMATS)
def test_snr_is_what_the_formula_says_of_the_two_files(workshop, kind):
    from mnist_edge.export.activations import trace

    content = workshop.make(kind, "int8")
    (logits,) = [
        layer for layer in workshop.audit_file(kind, content).layers if "logits" in layer.name
    ]
    pairs = zip(
        trace(kind, workshop.family(kind).float32, workshop.images),
        trace(kind, content, workshop.images),
        strict=True,
    )
    exact, rounded = zip(
        *((one[logits.tensor].values, other[logits.tensor].values) for one, other in pairs),
        strict=True,
    )
    error = np.subtract(exact, rounded)
    wanted = 10 * math.log10(np.square(exact).sum() / np.square(error).sum())
    assert logits.snr_db == pytest.approx(wanted, abs=1e-3)
    assert logits.max_error == pytest.approx(np.abs(error).max())


@pytest.mark.parametrize("kind", FORMATS)
def test_the_layer_with_one_loud_channel_is_named_though_its_own_snr_is_good(loud, kind):
    found = loud.audit(kind, "int8")
    assert found.worst == "second"
    assert found.layer("second").snr_db > 40  # the loud channel drowns what is lost
    assert found.layer("second").added_db < 3
    assert found.layer("answer (logits)").added_db > 40  # though it has the worst SNR of all
    assert "channel 2 of its output reaches" in found.explain()
    assert "second adds most of the error" in found.explain()


@pytest.mark.parametrize("kind", FORMATS)
def test_the_layer_whose_weights_share_one_scale_badly_is_named(loud, kind):
    found = loud.audit(kind, "int8", granularity="per-tensor")
    assert found.worst == "second"
    assert "weights have one scale, and those of output channel 2 are" in found.explain()


@pytest.mark.parametrize("kind", FORMATS)
def test_the_layer_with_heavy_weights_for_one_input_is_named(heavy, kind):
    found = heavy.audit(kind, "int8")
    assert found.worst == "third"
    assert "one a channel, and those of input channel 2 are" in found.explain()


def test_weights_are_to_blame_where_activations_have_sixteen_bits(heavy):
    found = heavy.audit("tflite", "int16x8")
    assert found.worst == "third"
    assert found.layer("second").added_db > 30
    assert "input channel 2" in found.explain()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_network_that_answers_always_the_same_does_not_pass(loud, kind):
    found = loud.audit(kind, "int8")
    assert not found
    assert [finding.name for finding in found.findings if not finding] == ["not constant"]


@pytest.mark.parametrize(
    ("kind", "quantization"), [("tflite", "float16"), ("tflite", "dynamic"), ("onnx", "dynamic")]
)
def test_where_only_weights_are_quantized_outputs_have_no_range(workshop, kind, quantization):
    found = workshop.audit(kind, quantization)
    assert found
    assert [layer.name for layer in found.layers] == LAYERS
    assert all(layer.range_used is None and layer.saturated is None for layer in found.layers)
    assert any(layer.weights_snr_db is not None for layer in found.layers)
    assert found.layer("image").snr_db is None  # exact
    assert found.layer("answer").snr_db > 55
    assert "weights" in found.explain()
    assert found.islands == ()


@pytest.mark.parametrize("kind", FORMATS)
def test_layers_kept_in_float_are_an_island_and_their_weights_are_exact(workshop, kind):
    # What takes a float tensor computes in float, too.
    kept = workshop.audit(kind, "int8", float_layers=_output(workshop, kind, "second"))
    assert [set(island) for island in kept.islands] == [{"second", "third"}]
    assert kept.float_operators == 2
    assert kept.inserted >= 2
    for name in ("second", "third"):
        assert kept.layer(name).weights_snr_db is None
        assert kept.layer(name).snr_db > 35
    assert kept.layer("third").range_used > 0.9  # it is quantized again for those that follow
    assert kept.layer("first").weights_snr_db > 40
    early = workshop.audit(kind, "int8", float_layers=_output(workshop, kind, "first"))
    assert early.layer("second").range_used > 0.9
    assert early.layer("first").range_used is None


def _output(workshop, kind, layer):
    """Return what `float_layers` takes for what a layer gives to stay float."""
    operations = workshop.family(kind).operations()
    given = [name for each in operations for name in each.outputs if f"/{layer}_1/" in f"/{name}"]
    return (given[-1],)


@pytest.mark.parametrize("kind", FORMATS)
def test_culprits_are_what_to_keep_in_float(loud, kind):
    base = loud.family(kind).base
    found = culprits(base, loud.make(kind, "int8"), kind, loud.images[:4])
    assert _output(loud, kind, "second") == found[0][:1]
    better = loud.audit(kind, "int8", float_layers=found[0][:1])
    assert better
    assert better.layer("answer (logits)").snr_db > 35
    assert all(layer.added_db is None or layer.added_db > 35 for layer in better.layers)


def test_a_clipped_range_is_blamed_on_clipping(workshop):
    family = workshop.family("tflite")
    from mnist_edge.export import tflite
    from mnist_edge.export.plan import Target

    target = Target("tflite", "int8", "int8", "per-channel", "minmax")
    ranges = family.ranges(target)
    second = workshop.audit("tflite", "int8").layer("second").tensor
    low, high = ranges[second]
    clipped = tflite.quantize(family.base, target, {**ranges, second: (low, high / 4)})
    found = workshop.audit_file("tflite", clipped)
    assert found.worst == "second"
    assert found.layer("second").saturated > 0.01
    assert "of its output is clipped to 0.." in found.explain()


def test_the_json_document_has_every_number_and_no_nan(sound):
    made = document({f"edge-int8.{kind}": each for kind, each in sound.items()}, bundle="edge")
    text = json.dumps(made, allow_nan=False)
    again = json.loads(text)
    assert (again["schema"], again["bundle"]) == (1, "edge")
    assert [model["file"] for model in again["models"]] == ["edge-int8.tflite", "edge-int8.onnx"]
    first = again["models"][0]
    assert [layer["name"] for layer in first["layers"]] == LAYERS
    assert first["explanation"] == sound["tflite"].explain()
    assert first["holds"] is True


@pytest.mark.parametrize("kind", FORMATS)
def test_files_of_two_networks_are_refused(workshop, kind):
    import keras

    from mnist_edge.export.family import Family

    image = keras.Input((14, 14, 1))
    flat = keras.layers.Flatten()(image)
    other = keras.Model(image, keras.layers.Dense(5, activation="softmax")(flat))
    foreign = Family(kind, other, None).float32
    with pytest.raises(ModelError, match="wanted two files of one export"):
        audit(foreign, workshop.make(kind, "int8"), kind, "int8", workshop.images[:2], {})

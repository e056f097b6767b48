import pytest

from mnist_edge.errors import SettingError
from mnist_edge.export.plan import CALIBRATED, CHANNELS, QUANTIZED, VALID, Target, Wanted, targets


def files(*quantizations, **options):
    return {target.file("edge") for target in targets(Wanted(quantizations, **options))}


def test_float32_is_always_there_and_each_word_adds_its_own():
    assert files() == {"edge-float32.tflite", "edge-float32.onnx"}
    assert files("int8") == files() | {"edge-int8.tflite", "edge-int8.onnx"}
    assert files("int8", formats=("onnx",)) == {"edge-float32.onnx", "edge-int8.onnx"}
    assert len(files(*QUANTIZED)) == len(VALID)


def test_names_tell_every_choice_but_the_default():
    assert files("int8", io=("uint8",), granularity=("per-tensor",), formats=("tflite",)) == {
        "edge-float32.tflite",
        "edge-int8-uint8_io-per_tensor.tflite",
    }
    every = [
        target.file("edge")
        for target in targets(
            Wanted(
                QUANTIZED,
                io=("int8", "uint8", "float32", "int16"),
                granularity=CHANNELS,
                method=CALIBRATED,
            )
        )
    ]
    assert len(set(every)) == len(every) == 5 + 3 * 2 * 3 + 2 * 3 + 2


def test_an_option_touches_only_those_that_have_it():
    found = targets(Wanted(("int8", "int16x8"), io=("uint8",), method=("entropy",)))
    assert {(each.format, each.quantization, each.io, each.method) for each in found} == {
        ("tflite", "float32", "float32", ""),
        ("onnx", "float32", "float32", ""),
        ("tflite", "int8", "uint8", "entropy"),
        ("onnx", "int8", "float32", "entropy"),
        ("tflite", "int16x8", "int16", "minmax"),
    }


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(("int4",)), "quantization 'int4' is none; wanted float16, dynamic, int8, int16x8"),
        (Wanted(formats=("coreml",)), "format 'coreml' is none; wanted tflite, onnx"),
        (Wanted(formats=()), "no format is left"),
        (Wanted(("int16x8",), ("onnx",)), "onnx has no int16x8: add --format tflite"),
        (Wanted(("float16",), io=("uint8",)), "io uint8 is for int8 tflite alone.*add --int8"),
        (Wanted(("int8",), ("onnx",), io=("uint8",)), "io uint8 is for int8.*add --format tflite"),
        (Wanted(("int8",), io=("bfloat16",)), "io 'bfloat16' is none; wanted float32, int8"),
        (Wanted(("dynamic",), method=("entropy",)), "method entropy is for int8 tflite and int8"),
        (Wanted(("int8",), granularity=("per-row",)), "granularity 'per-row' is none"),
        (
            Wanted(("int8",), method=("percentile",), percentile=20),
            "percentile is 20; wanted above",
        ),
        (Wanted(("int8",), percentile=99.0), "the method is another: add --method percentile"),
    ],
)
def test_what_is_not_valid_is_refused_before_any_work(wanted, said):
    with pytest.raises(SettingError, match=said):
        targets(wanted)


def test_a_percentile_goes_to_that_method_alone():
    found = targets(Wanted(("int8",), method=("minmax", "percentile"), percentile=99.5))
    assert {(each.method, each.percentile) for each in found} == {
        ("", None),
        ("minmax", None),
        ("percentile", 99.5),
    }


def test_a_manifest_has_what_the_name_leaves_out():
    target = Target("tflite", "int8", "int8", "per-channel", "percentile", 99.9)
    assert target.options() == {
        "io": "int8",
        "granularity": "per-channel",
        "method": "percentile",
        "percentile": 99.9,
    }
    assert Target("onnx", "float32").options() == {}

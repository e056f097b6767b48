import pytest

from mnist_edge.errors import CheckFailed
from mnist_edge.export.control import Attempt, fit
from mnist_edge.export.plan import Target

TARGET = Target("tflite", "int8", "int8", "per-tensor", "minmax", count=100)
LAYERS = ["worst", "bad", "good"]


def run(drop_of, max_drop=0.1, target=TARGET, most=1000):
    tried = []

    def attempt(each):
        tried.append(each)
        return Attempt(each, drop_of(each))

    found = fit(target, max_drop, attempt, lambda _target: LAYERS, most)
    assert [each.target for each in found] == tried
    return tried


def test_what_fits_at_once_is_kept_as_it_is():
    assert run(lambda each: 0.1) == [TARGET]


def test_cheap_ways_come_first_and_float_layers_last():
    tried = run(lambda each: 0.0 if len(each.float_layers) == 2 else 1.0)
    assert [(each.method, each.percentile) for each in tried[:4]] == [
        ("minmax", None),
        ("percentile", 99.99),
        ("percentile", 99.9),
        ("entropy", None),
    ]
    assert tried[4].count == 400
    assert tried[5].granularity == "per-channel"
    assert [each.float_layers for each in tried[6:]] == [("worst",), ("worst", "bad")]


def test_later_ways_build_on_the_best_so_far():
    def drop(each):
        return 2.0 - (each.method == "entropy") - 0.5 * (each.granularity == "per-channel")

    with pytest.raises(CheckFailed):
        run(drop)
    tried = []
    fit(
        TARGET,
        0.1,
        lambda each: tried.append(each) or Attempt(each, 0.0 if each.float_layers else drop(each)),
        lambda _target: LAYERS,
        1000,
    )
    assert tried[-1].method == "entropy"
    assert tried[-1].granularity == "per-channel"
    assert tried[-1].float_layers == ("worst",)


def test_where_nothing_fits_it_says_what_was_tried_and_the_best():
    with pytest.raises(CheckFailed) as caught:
        run(lambda each: 3.0 if each.method == "entropy" else 5.0)
    said = str(caught.value)
    assert said.startswith("int8 tflite loses 3.00 points at best on the validation images")
    assert "wanted 0.1 at most" in said
    assert "minmax" in said
    assert "percentile 99.9" in said


def test_what_has_no_other_way_fails_after_one():
    tried = []
    with pytest.raises(CheckFailed, match=r"float16 tflite loses 1\.00 points"):
        fit(
            Target("tflite", "float16"),
            0.1,
            lambda each: tried.append(each) or Attempt(each, 1.0),
            lambda _target: LAYERS,
            1000,
        )
    assert len(tried) == 1


def test_no_more_images_than_there_are():
    tried = run(lambda each: 0.0 if each.float_layers else 1.0, most=100)
    assert {each.count for each in tried} == {100}


def test_a_manifest_has_how_it_was_made_in_the_models_own_names():
    target = Target("tflite", "int8", "int8", "per-channel", "entropy", None, 500, ("x/Relu;y",))
    attempt = Attempt(target, 0.123456, ("conv2d",))
    assert attempt.as_dict() == {
        "io": "int8",
        "granularity": "per-channel",
        "method": "entropy",
        "float_layers": ["conv2d"],
        "calibration_count": 500,
        "drop": 0.1235,
    }
    assert str(attempt) == "entropy, per-channel, 500 images, conv2d in float: +0.12"


def test_the_only_layer_that_adds_error_may_stay_float():
    tried = []
    fit(
        TARGET,
        0.1,
        lambda each: tried.append(each) or Attempt(each, 0.0 if each.float_layers else 1.0),
        lambda _target: ["the only one"],
        1000,
    )
    assert tried[-1].float_layers == ("the only one",)


def test_a_drop_a_hair_above_the_limit_does_not_fit():
    assert len(run(lambda each: 0.1 if each.granularity == "per-channel" else 0.11)) > 1


def test_layers_are_ranked_of_the_best_way_so_far():
    ranked = []
    with pytest.raises(CheckFailed):
        fit(
            TARGET,
            0.1,
            lambda each: Attempt(each, 1.0 + (each.method != "entropy")),
            lambda target: ranked.append(target) or LAYERS,
            1000,
        )
    assert [each.method for each in ranked] == ["entropy"]


def test_where_ranges_were_learnt_calibration_is_not_tried():
    tried = []
    fit(
        TARGET,
        0.1,
        lambda each: tried.append(each) or Attempt(each, 0.0 if each.float_layers else 1.0),
        lambda _target: LAYERS,
        1000,
        calibrated=False,
    )
    assert {(each.method, each.count) for each in tried} == {("minmax", 100)}
    assert [each.granularity for each in tried[:2]] == ["per-tensor", "per-channel"]


def test_what_is_broken_does_not_fit_however_small_its_drop():
    tried = fit(
        TARGET,
        0.1,
        lambda each: Attempt(each, 0.0, (), "" if each.float_layers else "agreement 80 %"),
        lambda _target: LAYERS,
        1000,
    )
    assert tried[-1].target.float_layers == ("worst",)
    assert tried[0].as_dict()["broken"] == "agreement 80 %"
    assert str(tried[0]).endswith(": +0.00 (agreement 80 %)")

import json
from dataclasses import replace

import pytest

from mnist_edge.bench.advice import RULES, Worth, lines
from mnist_edge.bench.gates import GATES, gate_for
from mnist_edge.bench.intervals import Estimate

NO_DROP = Estimate(0.01, -0.03, 0.05)
FASTER, SLOWER, SAME = Estimate(2, 1.9, 2.1), Estimate(0.5, 0.4, 0.6), Estimate(1, 0.9, 1.1)
GOOD = Worth(
    file="edge-int8.tflite",
    baseline="edge-float32.tflite",
    shrink=4.3,
    runtime="litert",
    speedup=FASTER,
    untimed=None,
    drop=NO_DROP,
    agreement=0.999,
    samples=10_000,
    gate=GATES["int8"],
)
ASKED = gate_for("int8", max_drop=0.1, min_agreement=99.8)
NOT_TIMED = {"speedup": None, "runtime": None, "untimed": "the process ended with signal 11"}
UNLABELLED = {"drop": None, "agreement": 0.9992}


def having(**changes):
    return replace(GOOD, **changes)


def test_the_line_says_all_and_ends_in_what_to_do():
    assert str(GOOD) == (
        "edge-int8.tflite: 4.3x smaller, 2.00x faster (1.90 to 2.10), "
        "-0.01 point (-0.05 to +0.03): use it"
    )


@pytest.mark.parametrize(
    ("changes", "verdict", "advice"),
    [
        ({}, "use", "use it"),
        ({"drop": Estimate(0.3, 0.11, 0.5)}, "avoid", "avoid: more than the 0.1 points allowed"),
        ({"drop": Estimate(0.3, 0.09, 0.5)}, "use", "use it if a drop of 0.50 points is bearable"),
        ({"drop": Estimate(-0.3, -0.4, -0.2)}, "use", "use it"),
        ({"drop": Estimate(0.3, 0.09, 0.5), "gate": ASKED}, "avoid", "avoid: more than the 0.1"),
        ({"drop": Estimate(0.1, 0.05, 0.2), "gate": ASKED}, "use", "use it if a drop of 0.20"),
        ({"drop": None, "agreement": 0.9975, "gate": ASKED}, "avoid", "avoid: wanted 99.8 %"),
        ({"drop": Estimate(1.0, 0.5, 1.5), "samples": 100}, "use", "use it if a drop of 1.50"),
        (UNLABELLED, "use", "use it, but its accuracy is not known"),
        ({"drop": None, "agreement": 0.99}, "avoid", "avoid: wanted 99.8 % agreement"),
        ({"drop": None, "agreement": 0.9975}, "use", "use it, but its accuracy is not known"),
        ({"drop": None, "agreement": None}, "use", "use it, but its accuracy is not known"),
        ({"speedup": SLOWER}, "size", "use it for size, not for speed"),
        ({"speedup": SAME}, "size", "use it for size"),
        ({"speedup": SLOWER, "better": "b"}, "avoid", "avoid: b is no larger, faster and lost no"),
        ({"speedup": SAME, "better": "b"}, "avoid", "avoid: b is no larger, faster and lost no"),
        ({"better": "b"}, "use", "use it"),
        ({"shrink": 1.0}, "speed", "use it for speed"),
        ({"shrink": 0.9, "speedup": SLOWER}, "avoid", "avoid: slower than float here, and not"),
        ({"shrink": 1.0, "speedup": SAME}, "none", "no gain shown: stay with float"),
        (NOT_TIMED, "unknown", "no advice: try it on the device"),
        ({**NOT_TIMED, "drop": Estimate(9, 8, 10)}, "avoid", "avoid: more than the 0.1 points"),
        ({**NOT_TIMED, "baseline": None, "shrink": None}, "unknown", "no advice"),
    ],
)
def test_each_rule_leads_to_its_advice(changes, verdict, advice):
    worth = having(**changes)
    assert worth.verdict == verdict
    assert worth.advice.startswith(advice)
    if " if " not in advice and ", but" not in advice:
        assert " if " not in worth.advice
        assert ", but" not in worth.advice


def test_every_rule_can_be_the_one_that_holds():
    cases = [
        having(drop=Estimate(9, 8, 10)), having(drop=None, agreement=0.5),
        having(baseline=None), having(**NOT_TIMED), GOOD, having(speedup=SAME, better="b"),
        having(speedup=SLOWER), having(speedup=SAME), having(shrink=1.0),
        having(shrink=1.0, speedup=SLOWER), having(shrink=1.0, speedup=SAME),
    ]  # fmt: skip
    taken = [next(rule for rule in RULES if rule.holds(case)) for case in cases]
    assert {id(rule) for rule in taken} == {id(rule) for rule in RULES}


@pytest.mark.parametrize(
    ("speedup", "said"),
    [
        (Estimate(2, 1.9, 2.1), "2.00x faster (1.90 to 2.10)"),
        (Estimate(0.5, 0.4, 0.8), "2.00x slower (1.25 to 2.50)"),
        (Estimate(1.2, 0.99, 1.4), "no speed difference shown (0.99 to 1.40)"),
        (Estimate(0.8, 0.7, 1.01), "no speed difference shown (0.70 to 1.01)"),
        (Estimate(1.003, 1.001, 1.004), "no speed difference shown (1.00 to 1.00)"),
        (Estimate(0.999, 0.998, 0.9999), "no speed difference shown (1.00 to 1.00)"),
        (Estimate(34.72, 34.64, 34.9), "34.7x faster (34.6 to 34.9)"),
    ],
)
def test_no_more_is_claimed_of_speed_than_the_interval_shows(speedup, said):
    assert said in str(having(speedup=speedup))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shrink": 1.04}, "no smaller, "),
        ({"shrink": 0.5}, "2.0x larger, "),
        (UNLABELLED, "agrees on 99.92 % of 10,000 (no labels)"),
        ({"drop": None, "agreement": None}, "accuracy unknown"),
        ({"drop": Estimate(0, -0.03, 0.03)}, "+0.00 point (-0.03 to +0.03)"),
        (NOT_TIMED, "could not be timed: the process ended with signal 11, -0.01 point"),
        (
            {**NOT_TIMED, "baseline": None, "shrink": None},
            "edge-int8.tflite: no float32 model of its format beside it, -0.01 point",
        ),
    ],
)
def test_what_is_not_known_is_said_so(changes, said):
    assert said in str(having(**changes))


def test_only_what_is_preferable_in_every_way_beats_another():
    slow = having(speedup=SLOWER, shrink=4.2)
    assert GOOD.beats(slow)
    assert not slow.beats(GOOD)
    assert not GOOD.beats(GOOD)
    for against in (
        {"shrink": 4.4},
        {"speedup": Estimate(1.8, 1.7, 1.91)},
        {"drop": Estimate(0, -0.05, 0.05)},
        {"drop": None},
        {"speedup": None},
        {"baseline": "other-float32.tflite"},
    ):
        assert not GOOD.beats(replace(slow, **against))


def test_lines_are_folded_and_a_disturbed_machine_is_named_once():
    busy = having(disturbances=("other work keeps 1.0 processors busy: stop it, or wait",))
    found = lines([busy, replace(busy, file="edge-int16x8.tflite", speedup=SLOWER)], width=80)
    assert max(map(len, found)) <= 80
    assert sum("other work" in line for line in found) == 1
    assert found[-1].startswith("speed is doubtful: ")
    assert sum(line.startswith("  ") for line in found) == 2


def test_the_record_has_all_facts_and_the_advice():
    record = json.loads(json.dumps(GOOD.as_dict()))
    assert record["speedup"] == {"value": 2, "low": 1.9, "high": 2.1}
    assert record["drop"]["high"] == 0.05
    assert (record["verdict"], record["advice"]) == ("use", "use it")
    assert (record["max_drop"], record["min_agreement"]) == (0.1, 99.8)
    assert "gate" not in record
    assert json.loads(json.dumps(having(**NOT_TIMED).as_dict()))["speedup"] is None

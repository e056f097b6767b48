import pytest

from mnist_edge.bench import verdict
from mnist_edge.bench.conditions import Conditions
from mnist_edge.bench.verdict import checks, doubts

STEADY = {
    "other_work": [0.0, 0.1], "stolen": [0.0], "governors": {"performance"},
    "mhz": [1500.0, 1500.0], "temperature_c": [50.0, 60.0], "throttled": set(), "quota_us": 0,
    "swapped_in": 0, "waiting": (0.01, "m on r"),
}  # fmt: skip


def row(spread=1.0, count=1000, launches=5, inputs="a", threads=1, model="m"):
    timing = {"n": count, "p50_spread": spread}
    latency = {
        "invoke_us": {"n": 10**6, "p50_spread": 1.0},
        "predict_us": timing,
        "launches": [{}] * launches,
        "inputs": inputs,
        "threads": threads,
    }
    return {"model": model, "runtime": "r", "threads": 1, "latency": latency}


def judged(rows=None, samples=1000, before=0.0, **seen):
    found = checks(rows or [row()], samples, Conditions(**{**STEADY, **seen}), before)
    return {each.name: each for each in found}


def test_a_steady_machine_is_believed():
    found = judged()
    assert {each.status for each in found.values()} == {"ok"}
    assert all(each.value for each in found.values())


@pytest.mark.parametrize(
    ("name", "said", "given"),
    [
        ("samples", "fewer than 1,000 calls were asked for: bench without --quick",
         {"samples": 999}),
        ("samples", "too slow for 1,000 calls: m on r: leave it out",
         {"rows": [row(count=999), row(model="other")]}),
        ("launches agree", "fewer than 3 launches of each model: bench without --quick",
         {"rows": [row(), row(launches=2)]}),
        ("launches agree",
         "p50 changed from launch to launch within 1 of 2 timings, up to 1.11-fold (slow on r)",
         {"rows": [row(1.1), row(1.11, model="slow")]}),
        ("same inputs", "models were timed on different images",
         {"rows": [row(), row(inputs="b")]}),
        ("same inputs", "other threads than asked for: m on r", {"rows": [row(threads=2)]}),
        ("other work", "other work kept 1.5 processors busy: stop it, or wait", {"before": 1.5}),
        ("other work", "other work kept 0.4 processors busy", {"other_work": [0.0, 0.4]}),
        ("stolen time", "the host of this virtual machine withheld 0.20 processors",
         {"stolen": [0.0, 0.2]}),
        ("governor", "CPU governor is ondemand, performance: echo performance",
         {"governors": {"performance", "ondemand"}}),
        ("clock", "the clock went from 1400 to 1500 MHz", {"mhz": [1500.0, 1400.0]}),
        ("temperature", "it is hot: 95 °C: cool the board", {"temperature_c": [85.0, 95.0]}),
        ("temperature", "it warmed from 40 to 56 °C: bench again while it is warm",
         {"temperature_c": [40.0, 56.0]}),
        ("throttling", "the firmware held the board back: throttled, under-voltage",
         {"throttled": {"under-voltage", "throttled"}}),
        ("processor quota", "held it back for 0.30 s", {"quota_us": 300_000}),
        ("swap", "memory ran short: 3 pages came back from the swap", {"swapped_in": 3}),
        ("waiting models", "a on b kept 0.90 processors busy while others had their turn",
         {"waiting": (0.9, "a on b")}),
    ],
)  # fmt: skip
def test_each_thing_that_spoils_timings_is_named_with_what_to_do(name, said, given):
    found = judged(**given)
    assert said in str(found[name])
    assert found[name].remedy
    assert [each.name for each in found.values() if each.status == "failed"] == [name]


@pytest.mark.parametrize(
    ("name", "untold"),
    [
        ("other work", {"other_work": [], "before": None}),
        ("stolen time", {"stolen": []}),
        ("governor", {"governors": set()}),
        ("clock", {"mhz": []}),
        ("temperature", {"temperature_c": []}),
        ("throttling", {"throttled": None}),
        ("processor quota", {"quota_us": None}),
        ("swap", {"swapped_in": None}),
        ("waiting models", {"waiting": None}),
        # what the firmware has said once it does not say again
        ("throttling", {"throttled": set(), "throttled_before": {"under-voltage"}}),
    ],
)
def test_what_the_machine_does_not_tell_is_neither_right_nor_wrong(name, untold):
    assert [each.name for each in judged(**untold).values() if each.status == "unknown"] == [name]


def test_a_row_that_failed_has_no_say():
    failed = {"model": "m", "runtime": "r", "threads": 1, "latency": None}
    assert judged([row(), failed])["launches agree"].status == "ok"
    assert judged([failed])["launches agree"].status == "unknown"
    assert str(judged([failed])["samples"]) == "nothing was timed: see why each model failed"


def test_a_board_of_arm_is_hot_earlier(monkeypatch):
    monkeypatch.setattr(verdict.platform, "machine", lambda: "aarch64")
    assert judged(temperature_c=[75.0, 79.0])["temperature"].status == "ok"
    assert judged(temperature_c=[75.0, 80.0])["temperature"].status == "failed"


@pytest.mark.parametrize("timing", ["invoke_us", "predict_us"])
def test_either_timing_can_be_doubtful(timing):
    for key, value, name in (("n", 999, "samples"), ("p50_spread", 1.2, "launches agree")):
        one = row()
        one["latency"] = {
            **one["latency"],
            "invoke_us": {"n": 10**6, "p50_spread": 1.0},
            "predict_us": {"n": 10**6, "p50_spread": 1.0},
        }
        one["latency"][timing] = {**one["latency"][timing], key: value}
        assert judged([one])[name].status == "failed"
        assert len(doubts(one, 1000)) == 1


def test_a_row_says_what_is_doubtful_about_itself():
    assert doubts(row(), 1000) == []
    few, unsteady = doubts(row(spread=verdict.STEADY + 0.1, count=20), 1000)
    assert few == "20 calls of the 1,000 wanted"
    assert unsteady == "p50 changed 1.20-fold from launch to launch"

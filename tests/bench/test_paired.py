import math

import pytest
from scipy import stats

from mnist_edge.bench import paired
from mnist_edge.bench.paired import OPENINGS, ratio_of


@pytest.mark.parametrize("count", [1, 5, 6, 10, 17, 30])
def test_the_interval_is_as_narrow_as_95_percent_allow(count):
    value, low, high = ratio_of(range(count, 0, -1))
    assert value == (count + 1) / 2
    assert low + high == count + 1
    if count > 5:
        assert 2 * stats.binom.cdf(low - 1, count, 0.5) <= 0.05
    assert 2 * stats.binom.cdf(low, count, 0.5) > 0.05


class Machine:
    """A clock that only work moves, and models that take their time; each second it slows."""

    def __init__(self, costs, slows=0.0):
        self.now, self.costs, self.slows = 0.0, costs, slows
        self.opened, self.called, self.open = [], [], 0

    def clock(self):
        return int(self.now)

    def model(self, path, runtime):
        machine, cost = self, self.costs[path]
        self.opened.append((path, runtime))
        self.open += 1

        class Model:
            class backend:  # noqa: N801
                image_shape = (28, 28, 1)

            def predict(self, image):
                assert (image.shape, image.dtype) == ((28, 28, 1), "uint8")
                machine.now += cost * (1 + machine.slows * machine.now / 1e9)
                machine.called.append(path)
                return self

            label = "7"

            def close(self):
                machine.open -= 1

        return Model()


def timed(monkeypatch, machine):
    monkeypatch.setattr(paired, "perf_counter_ns", machine.clock)
    monkeypatch.setattr(paired.Classifier, "open", machine.model)
    job = {"models": ["float", "int8"], "runtime": "litert", "seconds": 0.5}
    return paired.work(job)["ratios"]


def test_a_machine_that_slows_down_does_so_for_both(monkeypatch):
    machine = Machine({"float": 40_000, "int8": 20_000}, slows=3.0)
    ratios = timed(monkeypatch, machine)
    assert len(ratios) == OPENINGS
    assert ratios == pytest.approx([2.0] * OPENINGS, rel=5e-3)
    assert machine.open == 0
    assert len(machine.opened) == 2 * OPENINGS
    assert {runtime for _path, runtime in machine.opened} == {"litert"}


def test_neither_model_is_always_the_first(monkeypatch):
    machine = Machine({"float": 40_000, "int8": 40_000})
    timed(monkeypatch, machine)
    assert {path for path, _runtime in machine.opened[::2]} == {"float", "int8"}


def test_either_model_has_the_first_turn_of_a_round_about_as_often(monkeypatch):
    monkeypatch.setattr(paired, "MOST_CALLS", 1)  # a turn
    monkeypatch.setattr(paired, "WARM_UP_NS", 0)
    monkeypatch.setattr(paired, "OPENINGS", 1)
    machine = Machine({"float": 40_000, "int8": 40_000})
    timed(monkeypatch, machine)
    rounds = machine.called[4:]  # after two calls of each to warm up
    firsts, seconds = rounds[::2], rounds[1::2]
    assert all(one != other for one, other in zip(firsts, seconds, strict=True))
    assert len(firsts) > 1000
    assert firsts.count("int8") / len(firsts) == pytest.approx(0.5, abs=0.1)


def test_slow_models_are_not_waited_for(monkeypatch):
    machine = Machine({"float": 300_000_000, "int8": 200_000_000})
    assert timed(monkeypatch, machine) == pytest.approx([1.5] * OPENINGS)
    calls = len(machine.called) / OPENINGS
    assert calls == 2 * (2 + paired.LEAST_ROUNDS)
    assert math.isclose(machine.now, calls / 2 * OPENINGS * 500_000_000)

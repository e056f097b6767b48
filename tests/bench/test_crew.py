"""Who has a turn when, for how long, and what is kept of it: processes and clock are made up."""

from collections import Counter
from pathlib import Path

import pytest

from mnist_edge.bench import crew
from mnist_edge.bench.candidates import Candidate
from mnist_edge.bench.crew import PATIENCE_S, Crew
from mnist_edge.bench.process import JobFailed
from mnist_edge.bench.settings import Settings

NAMES = ("a", "b", "c", "d")
A, B, C, D = CHOSEN = [Candidate(Path(f"{name}.tflite"), "int8", "litert", "") for name in NAMES]
SETTINGS = Settings(seconds=1.2, samples=1000, patience=60.0, launches=3, rounds=4, batches=(1, 8))
TURN_S = 0.5  # by the clock that is made up


class Office:
    """What there is of processes, and how they answer."""

    def __init__(self):
        self.now = 0.0
        self.asked = []  # (name, job) in order
        self.patience = set()
        self.companions = []
        self.fails = {}  # name: what `do` fails
        self.cpu_s = {}
        self.waiting_s = {}
        self.no_more_start = False
        self.bad_end = set()

    def of(self, do):
        return [(name, job) for name, job in self.asked if job["do"] == do]

    def turns(self):
        return [(name, job["what"]) for name, job in self.of("turn")]


@pytest.fixture
def office(monkeypatch):
    office = Office()

    class Companion:
        def __init__(self, module):
            assert module == "mnist_edge.bench.worker"
            if office.no_more_start:
                raise JobFailed("python cannot be started again")
            self.name, self.closed = None, 0
            office.companions.append(self)

        def ask(self, job, patience_s):
            if job["do"] == "open":
                self.name = Path(job["model"]).stem
            assert not self.closed
            office.asked.append((self.name, job))
            office.patience.add(patience_s)
            office.now += TURN_S
            if office.fails.get(self.name) == job["do"]:
                raise JobFailed("the process ended with signal 11")
            number = len(office.asked)
            return {
                "times": [number], "images_per_s": float(number), "inputs": "5af3",
                "number": number, "cpu_s": office.cpu_s.get(self.name, 0.0),
                "waiting_s": office.waiting_s.get(self.name, 0.0),
            }  # fmt: skip

        def close(self):
            self.closed += 1
            if self.name in office.bad_end:
                raise OSError("does not end")

    monkeypatch.setattr(crew, "Companion", Companion)
    monkeypatch.setattr(crew, "monotonic", lambda: office.now)
    return office


def opened(settings=SETTINGS):
    found = Crew(CHOSEN, Path("images.npy"), settings, lambda _text: None)
    found.launch(CHOSEN)
    return found


def by_round(turns):
    """Of each round, the models in order, and of each which timing came first."""
    size = 2 * len(CHOSEN)
    rounds = [turns[start : start + size] for start in range(0, len(turns), size)]
    orders = [tuple(name for name, _what in each[::2]) for each in rounds]
    return orders, [tuple(what for _name, what in each[::2]) for each in rounds]


def test_every_model_has_its_turn_at_both_timings_in_each_round(office):
    found = opened()
    for number in range(1, 7):
        found.round()
        counted = Counter(office.turns())
        assert counted == {(n, what): number for n in NAMES for what in ("invoke", "predict")}


def test_models_and_timings_are_shuffled_anew_in_each_round(office):
    found = opened()
    for _ in range(12):
        found.round()
    orders, firsts = by_round(office.turns())
    assert len(set(orders)) > 4
    assert {order[0] for order in orders} == set(NAMES)
    assert len(set(firsts)) > 4
    for place in range(len(CHOSEN)):  # none has one of its timings first in all rounds
        assert {each[place] for each in firsts} == {"invoke", "predict"}


def test_opening_and_batches_are_shuffled_too(office):
    found = opened()
    for _ in range(7):
        found.batches()  # whatever the order in which they were opened
    for _ in range(7):
        found.close()
        found.launch(CHOSEN)
    for do, size in (("open", 1), ("batch", len(SETTINGS.batches))):
        names = [name for name, _job in office.of(do)][::size]
        orders = {tuple(names[start : start + 4]) for start in range(0, len(names), 4)}
        assert len(orders) > 2
        assert {tuple(sorted(order)) for order in orders} == {NAMES}


def test_the_order_is_the_seeds(office):
    def order(seed):
        office.asked.clear()
        found = opened(Settings(seed=seed))
        for _ in range(4):
            found.round()
        return office.turns()

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_a_turn_has_its_part_of_what_a_timing_has(office):
    opened().round()
    for _name, job in office.of("turn"):
        assert job["seconds"] == pytest.approx(0.1)  # 1.2 s in 3 launches of 4 rounds
        assert job["least"] == 84  # 12 times that are not fewer than 1000
        assert job["patience"] == pytest.approx(5)
    assert office.patience == {PATIENCE_S}


def test_a_model_is_opened_as_it_was_chosen(office):
    chosen = [Candidate(Path("x.onnx"), "float32", "onnxruntime", "", threads=3)]
    Crew(chosen, Path("images.npy"), SETTINGS, lambda _text: None).launch(chosen)
    ((_name, job),) = office.asked
    assert job == {"do": "open", "model": "x.onnx", "runtime": "onnxruntime", "threads": 3}


@pytest.mark.parametrize("do", ["open", "answer", "prepare", "turn", "batch"])
def test_what_fails_is_said_and_not_asked_again(office, do):
    office.fails["b"] = do
    found = opened()
    for each in CHOSEN:
        assert found.answer(each, Path("p.npy")) is (each != B or do not in ("open", "answer"))
    found.prepare()
    found.round()
    found.batches()
    found.round()
    jobs = [job["do"] for name, job in office.asked if name == "b"]
    assert jobs.count(do) == 1
    assert jobs[-1] == do
    assert found.measured[B].error == "the process ended with signal 11"
    assert [found.measured[each].error for each in (A, C, D)] == [None] * 3
    assert [len(found.measured[each].turns["predict"]) for each in (A, C, D)] == [2, 2, 2]
    assert {each.name: each.closed for each in office.companions} == {
        **dict.fromkeys("acd", 0),
        "b": 1,
    }


def test_where_no_process_can_be_started_that_is_said(office):
    office.no_more_start = True
    found = opened()
    found.round()
    assert {each.error for each in found.measured.values()} == {"python cannot be started again"}
    assert not office.asked


def test_processor_time_is_that_of_the_living_by_their_last_answers(office):
    office.cpu_s = {"a": 1.0, "b": 2.0, "c": 4.0, "d": 8.0}
    found = opened()
    assert found.cpu_s == 15
    office.cpu_s["a"] = 16.0  # since it was started: not to be added to what it said before
    found.round()
    assert found.cpu_s == 30
    found.dismiss(D)
    assert found.cpu_s == 22
    office.fails["c"] = "turn"
    found.round()
    assert found.cpu_s == 18
    found.close()
    assert found.cpu_s == 0


def test_waiting_names_the_worst_as_a_share_of_the_time_of_rounds(office):
    found = opened()
    assert found.waiting() is None  # no rounds
    office.waiting_s = {"a": 0.01, "b": 0.25, "c": 0.02}
    for _ in range(3):
        found.round()
        office.now += 100.0  # between rounds
        found.prepare()  # neither this nor batches are waited for
        found.batches()
    assert found.measured[B].waiting_s == pytest.approx(6 * 0.25)
    assert found.measured[D].waiting_s == 0
    assert found.waiting() == (round(6 * 0.25 / (3 * 8 * TURN_S), 3), "b.tflite on litert")


def test_every_launch_is_remembered(office):
    found = opened()
    for launch in range(3):
        if launch:
            found.close()
            found.launch(CHOSEN)
        found.prepare()
        found.round()
        found.round()
        found.batches()
    for name, each in zip(NAMES, CHOSEN, strict=True):
        kept = found.measured[each]
        numbers = [place for place, (who, _job) in enumerate(office.asked, 1) if who == name]

        def told(do, numbers=numbers, **wanted):
            jobs = [(place, office.asked[place - 1][1]) for place in numbers]
            return [n for n, job in jobs if {"do": do, **wanted}.items() <= job.items()]

        assert [answer["number"] for answer in kept.opened] == told("open")
        assert kept.inputs == "5af3"
        for what in ("invoke", "predict"):
            assert [launch for launch, _times in kept.turns[what]] == [0, 0, 1, 1, 2, 2]
            times = [time for _launch, times in kept.turns[what] for time in times]
            assert times == told("turn", what=what)
        assert kept.batches == {size: told("batch", size=size) for size in (1, 8)}
        assert len(kept.batches[1]) == 3


def test_close_ends_every_process_even_if_one_does_not_end_well(office):
    found = opened()
    office.bad_end = {"a", "c"}
    with pytest.raises(OSError, match="does not end"):
        found.close()
    assert [each.closed for each in office.companions] == [1] * 4
    found.close()
    found.round()
    assert not office.of("turn")
    assert [each.closed for each in office.companions] == [1] * 4


def test_going_on_predicts_and_is_kept_apart_from_the_rounds(office):
    office.waiting_s = dict.fromkeys(NAMES, 1.0)
    office.fails["d"] = "turn"
    found = opened()
    given = dict(found.sustained())
    assert set(given) == {A, B, C}
    assert {job["what"] for _name, job in office.of("turn")} == {"predict"}
    assert all(not found.measured[each].turns["predict"] for each in CHOSEN)

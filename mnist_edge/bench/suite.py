"""Every model on every runtime: parity with the reference, latency, a verdict, one record."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_edge import __version__, machine
from mnist_edge.atomic import explained
from mnist_edge.bench.candidates import Candidate, candidates, under, wanted
from mnist_edge.bench.conditions import Watch
from mnist_edge.bench.crew import Crew, Measured
from mnist_edge.bench.judges import Judges
from mnist_edge.bench.latency import summary
from mnist_edge.bench.record import REVISION, SCHEMA, Record
from mnist_edge.bench.stress.trial import STEPS, Trial
from mnist_edge.bench.sustained import minutes
from mnist_edge.bench.verdict import checks, doubts
from mnist_edge.bundle import model_format
from mnist_edge.errors import InputError, ModelError, SettingError
from mnist_edge.reference import images_sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from mnist_edge.bench.conditions import Conditions
    from mnist_edge.bench.settings import Settings
    from mnist_edge.data import Dataset


SPAN_S = 2.0  # in which other work is counted while models are timed
SHORT_S = 0.5  # of what is left over, or comes between


def run_suite(
    paths: Sequence[Path],
    dataset: Dataset,
    settings: Settings,
    say: Callable[[str, int, int], None] = lambda _text, _done, _total: None,
) -> Record:
    """Bench every model of the bundles and files at `paths` and return the record.

    Each bundle has a reference of its own: its Keras model, which is run for its answers even
    where `settings` ask for other runtimes; where there is no Keras, what it said of these images
    when the bundle was exported; or else a float32 model, which is itself held against the accuracy
    that the manifest says Keras reached. A quantized model is never a reference: where there is
    none, agreement is None, and that accuracy is all there is.

    Args:
        paths: bundle folders or model files.
        dataset: its test part is what models are run on; where it has no labels, agreement is
            all that can be told.
        settings: see Settings.
        say: takes what runs now, how many steps are done, and how many there are.

    Raises:
        DataError: other classes than a bundle's, or bundles of different classes.
        ModelError: a path without models, or not one model that could be run.
        BundleError: a damaged bundle.
        MissingExtraError: no installed runtime opens any of them.
        SettingError: an unknown runtime, a setting out of range, or stress without labels.
    """
    settings.check()
    dataset = under(paths, dataset)
    if settings.stress and dataset.test.truth is None:
        raise SettingError(
            f"{dataset.name} has no labels, and stress is told by accuracy: add labels, or leave "
            "stress out"
        )
    every = candidates(paths)
    chosen = wanted(every, settings.runtimes, settings.threads)
    judges = Judges(every, chosen, dataset)
    run = _Run(chosen, judges, dataset, settings, say)
    run.measure()
    return run.record()


class _Run:
    """One bench: what is measured goes into the crew's `measured` and into `answers`."""

    def __init__(
        self,
        chosen: list[Candidate],
        judges: Judges,
        dataset: Dataset,
        settings: Settings,
        say: Callable[[str, int, int], None],
    ) -> None:
        self._chosen, self._judges = chosen, judges
        self._dataset, self._settings = dataset, settings
        self._answers: dict[Candidate, NDArray[np.float32]] = {}
        self._sustained: dict[Candidate, list[dict[str, Any]]] = {}
        self._stress: dict[Candidate, dict[str, Any]] = {}
        self._warm: Conditions | None = None
        self._steps, self._say = 0, say

    def measure(self) -> None:
        """Run all of it."""
        self._before = machine.busy_processors()
        self._watch = Watch()
        with tempfile.TemporaryDirectory() as folder:
            images = Path(folder) / "images.npy"
            with explained(images):
                np.save(images, self._dataset.test.images)
            every = list(dict.fromkeys([*self._chosen, *self._judges.to_run]))
            self._crew = Crew(every, images, self._settings, self._step)
            try:
                self._answer(every, Path(folder) / "probabilities.npy")
                self._time()
                if self._settings.stress:
                    self._put_under_stress(Path(folder))
            finally:
                self._crew.close()

    def _answer(self, every: list[Candidate], place: Path) -> None:
        """Have each classify every image; keep those that are to be timed."""
        self._crew.launch(every)
        for each in every:
            if self._crew.answer(each, place):
                self._answers[each] = np.load(place)
            if each not in self._chosen:
                self._crew.dismiss(each)
        if not any(each in self._answers for each in self._chosen):
            first = self._crew.measured[self._chosen[0]].error
            raise ModelError(f"nothing could be run: {first}")

    def _time(self) -> None:
        settings, crew = self._settings, self._crew
        for launch in range(settings.launches):
            if launch > 0:
                crew.close()
                crew.launch([each for each in self._chosen if crew.measured[each].error is None])
            crew.prepare()
            self._watch.span(crew.cpu_s, SHORT_S)
            for each in range(settings.rounds):
                self._step(f"launch {launch + 1}, round {each + 1}")
                crew.round()
                self._watch.span(crew.cpu_s, SPAN_S)
            self._watch.span(crew.cpu_s, SHORT_S)
            crew.batches()
            self._watch.span(crew.cpu_s, SHORT_S)
        if not self._watch.seen.other_work:  # it was over in no time
            self._watch.span(crew.cpu_s)
        self._watch.seen.waiting = crew.waiting()
        if settings.sustained_minutes:  # its heat is what it is for, and not a fault of the rest
            warm = Watch()
            self._sustained = minutes(crew, settings.sustained_minutes, warm, self._step)
            warm.span(crew.cpu_s)
            self._warm = warm.seen

    def _put_under_stress(self, folder: Path) -> None:
        """Run what could be timed on worse images; it comes last, so that it changes no timing."""
        ran = {each: self._answers[each] for each in self._chosen if each in self._answers}
        trial = Trial(self._crew, ran, self._dataset, folder)
        self._stress = trial.run(self._step, self._tell)

    def _step(self, text: str) -> None:
        self._tell(text)
        self._steps += 1

    def _tell(self, text: str) -> None:
        settings, models = self._settings, len(self._chosen)
        # opening, rounds and batches of each launch; every image once
        total = settings.launches * (2 * models + settings.rounds) + models
        total += STEPS if settings.stress else 0
        self._say(text, min(self._steps, total), total)

    def record(self) -> Record:
        """Return what was measured."""
        dataset, settings = self._dataset, self._settings
        results = [self._row(each) for each in self._chosen]
        checked = checks(results, settings.samples, self._watch.seen, self._before)
        first = self._judges.of(self._chosen[0].group, self._answers, self._errors)
        reasons = [str(each) for each in checked if each.status == "failed"]
        found = {
            "schema": SCHEMA,
            "revision": REVISION,
            "version": __version__,
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "machine": machine.describe(),
            "dataset": {
                "name": dataset.name,
                "sha256": dataset.sha256,
                "split": "test",
                "samples": len(dataset.test),
                "images_sha256": images_sha256(dataset.test.images),
            },
            "reference": None if first is None else first.name,
            "labels": list(dataset.labels),
            "settings": asdict(settings),
            "conditions": self._watch.seen.as_dict(),
            "sustained_conditions": None if self._warm is None else self._warm.as_dict(),
            "valid": not reasons,
            "invalid_reasons": reasons,
            "unchecked": [each.name for each in checked if each.status == "unknown"],
            "checks": [each.as_dict() for each in checked],
            "results": results,
        }
        return Record(found)

    @property
    def _errors(self) -> dict[Candidate, str]:
        measured = self._crew.measured
        return {each: found.error for each, found in measured.items() if found.error is not None}

    def _row(self, each: Candidate) -> dict[str, Any]:
        measured = self._crew.measured[each]
        opened = measured.opened[0] if measured.opened else {}
        row: dict[str, Any] = {
            "model": each.path.name,
            "bundle": each.group or None,
            "reference": None,
            "format": model_format(each.path),
            "quantization": each.quantization,
            "runtime": each.runtime,
            "runtime_version": opened.get("runtime_version"),
            "threads": each.threads,
            "status": "ok" if measured.error is None else "failed",
            "error": measured.error,
            "bytes": each.path.stat().st_size,
            "parity": None,
            "gate": None,
            "gate_failures": [],
            "gate_notes": [],
            "doubts": [],
            "latency": None,
            "memory": None,
            "stress": None,
        }
        if measured.error is None:
            row["latency"] = _latency(measured, self._sustained.get(each))
            row["memory"] = opened["memory"]
            row["stress"] = self._stress.get(each)
            row["doubts"] = doubts(row, self._settings.samples)
            try:
                row |= self._judges.judge(each, self._settings, self._answers, self._errors)
            except InputError as error:
                row |= {"status": "failed", "error": str(error)}
                row |= {"latency": None, "memory": None, "stress": None, "doubts": []}
        return row


def _latency(measured: Measured, sustained: list[dict[str, Any]] | None) -> dict[str, Any]:
    launches = [
        {name: round(each[name], 3) for name in ("import_ms", "load_ms", "first_ms")}
        for each in measured.opened
    ]
    middles = {name: round(median(each[name] for each in launches), 3) for name in launches[0]}
    batches = [
        {
            "size": size,
            "p50_us": round(median(times) / 1000, 2),
            "images_per_s": round(size / median(times) * 1e9, 1),
        }
        for size, times in measured.batches.items()
    ]
    return {
        "invoke_us": summary(measured.turns["invoke"]),
        "predict_us": summary(measured.turns["predict"]),
        **middles,
        "images_per_s": measured.images_per_s,
        "launches": launches,
        "batches": batches,
        "sustained": sustained,
        "threads": measured.opened[0]["threads"],
        "inputs": measured.inputs,
    }

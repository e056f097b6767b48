"""What each model is held against, and what is said where that is not Keras itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnist_edge.bench.candidates import LONE, references
from mnist_edge.bench.gates import gate_for
from mnist_edge.bench.parity import alone, compare
from mnist_edge.bundle import model_format
from mnist_edge.reference import FILE, stored_reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from mnist_edge.bench.candidates import Candidate
    from mnist_edge.bench.settings import Settings
    from mnist_edge.data import Dataset

    Answers = Mapping[Candidate, NDArray[np.float32]]

ACCURACY = "accuracy down"  # what a failure of the whole begins with


@dataclass(frozen=True)
class Judge:
    """What the models of a group are held against.

    Attributes:
        probabilities: float32 [N,K].
        model: that gave them; None where Keras did when the bundle was exported.
        instead_of: why a better judge is none, in a line; None where there is none better.
    """

    probabilities: NDArray[np.float32]
    model: Candidate | None
    instead_of: str | None = None

    @property
    def name(self) -> str:
        """Of the file."""
        return FILE if self.model is None else self.model.path.name

    @property
    def by_keras(self) -> bool:
        """Whether Keras gave the answers: another model may be broken itself."""
        return self.model is None or _is_keras(self.model)

    def is_model(self, each: Candidate) -> bool:
        """Whether it is this model on this runtime, with however many threads."""
        mine = self.model
        return mine is not None and (mine.path, mine.runtime) == (each.path, each.runtime)


class Judges:
    """Finds the judge of each group of models.

    The bundle's Keras model where Keras runs; else what it said of these images when the bundle was
    exported; else a float32 model. A quantized model is never one.
    """

    def __init__(self, every: list[Candidate], chosen: list[Candidate], dataset: Dataset) -> None:
        """Look what there is.

        Args:
            every: candidates that there are.
            chosen: those that are benched.
            dataset: whose test images they are run on.

        Raises:
            BundleError: a damaged bundle.
        """
        self._dataset = dataset
        groups = {each.group for each in chosen}
        self._stored: dict[str, NDArray[np.float32]] = {}
        for group in groups - {LONE}:
            answers = stored_reference(group, dataset.test.images)
            if answers is not None:
                self._stored[group] = answers
        self._asked = {
            group: each
            for group, each in references(every, groups).items()
            if _is_keras(each) or group not in self._stored
        }

    @property
    def to_run(self) -> list[Candidate]:
        """Models that are run for their answers."""
        return list(self._asked.values())

    def of(self, group: str, answers: Answers, errors: Mapping[Candidate, str]) -> Judge | None:
        """Return the judge of a group; None where there is none.

        Args:
            group: of the models.
            answers: of what could be run.
            errors: of what could not.
        """
        asked = self._asked.get(group)
        if asked is not None and asked in answers:
            return Judge(answers[asked], asked)
        why = self.lost(group, errors)
        if group in self._stored:
            return Judge(self._stored[group], None, why)
        for each, found in answers.items():
            if each.group == group and each.quantization == "float32":
                return Judge(found, each, why)
        return None

    def lost(self, group: str, errors: Mapping[Candidate, str]) -> str | None:
        """Say which judge of a group could not be run; None where each could."""
        asked = self._asked.get(group)
        if asked is None or asked not in errors:
            return None
        return f"{asked} failed: {errors[asked]}"

    def judge(
        self, each: Candidate, settings: Settings, answers: Answers, errors: Mapping[Candidate, str]
    ) -> dict[str, Any]:
        """Return what a row of the record says of a model's decisions.

        Raises:
            InputError: answers that are none, or labels of classes that the model does not have.
        """
        answer, truth, names = answers[each], self._dataset.test.truth, self._dataset.labels
        known: dict[str, Any] = {"quantization": each.quantization, "names": names}
        same = each.dataset_sha256 == self._dataset.sha256
        stated = each.reference_accuracy if same and truth is not None else None
        gate = gate_for(
            each.quantization, settings.max_drop, settings.min_agreement, settings.max_class_drop
        )
        judge = self.of(each.group, answers, errors)
        itself = judge is not None and not judge.by_keras and judge.is_model(each)
        if judge is None or (itself and stated is None):
            parity = alone(answer, truth, stated, **known)
        else:
            parity = compare(judge.probabilities, answer, truth, **known)
        row: dict[str, Any] = {"reference": judge and judge.name, "parity": parity.as_dict()}
        row |= gate.judge(parity, names).as_dict()
        if judge is None:
            why = self.lost(each.group, errors)
            if why is not None:
                row["gate_failures"].append(f"it cannot be judged: {why}")
            return row
        if judge.instead_of is not None:
            row["gate_notes"].append(f"{judge.instead_of}; held against {judge.name} instead")
        if not judge.by_keras and stated is not None:
            against = gate.judge(alone(answer, truth, stated, **known), names)
            row["gate_failures"] += [
                f"{failure} (against what the manifest says that Keras reached)"
                for failure in against.failures
                if failure.startswith(ACCURACY)
            ]
        elif itself:
            row["gate_notes"].append("it is the reference itself: nothing has judged it")
        return row


def _is_keras(each: Candidate) -> bool:
    return model_format(each.path) == "keras"

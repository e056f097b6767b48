"""Makes one model after the other, has each checked and audited, and writes it into a folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mnist_edge.bundle import ModelEntry, make_entry
from mnist_edge.errors import CheckFailed, DataError, ModelError
from mnist_edge.export.control import Attempt, fit
from mnist_edge.export.family import Family
from mnist_edge.export.learnt import METHOD, hold_to_training

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from mnist_edge.export.audit import Audit
    from mnist_edge.export.calibration import Calibration, Pool
    from mnist_edge.export.check import Check, Checked
    from mnist_edge.export.learnt import Ranges
    from mnist_edge.export.plan import Target

RANKED_BY = 16  # images that tell which layers add most error
AUDITED = 64  # images that quantized models are held against float on, layer by layer


@dataclass(frozen=True)
class Control:
    """What a quantized model must keep.

    Attributes:
        max_drop: accuracy that may be lost on the validation images, in points.
        check: on those images.
    """

    max_drop: float
    check: Check


class Writer:
    """Makes models and writes them into a folder; each format is converted once.

    Attributes:
        answers: float32 [N,K] of each model written, by file, on the images of the check.
        audits: of each quantized model written, by file.
    """

    def __init__(
        self,
        folder: Path,
        model: Any,
        pool: Pool,
        learnt: Ranges,
        calibration: Calibration,
        check: Check,
        control: Control | None,
        say: Callable[[str], None],
        note: Callable[[str], None],
    ) -> None:
        self.answers: dict[str, NDArray[np.float32]] = {}
        self.audits: dict[str, Audit] = {}
        self._folder, self._model, self._pool, self._learnt = folder, model, pool, learnt
        self._count = len(calibration.images)
        self._check, self._control, self._say, self._note = check, control, say, note
        self._families: dict[str, Family] = {}
        self._warnings = calibration.warnings()
        self._instability: dict[str, Any] = {}
        for line in self._warnings:
            note(line)

    def about_calibration(self) -> dict[str, Any]:
        """Return what came to light about the calibration images, as a manifest writes it."""
        return {"warnings": self._warnings, "instability": self._instability}

    def write(self, target: Target, file: str) -> ModelEntry:
        """Make the model of a target, check it and write it; return its entry."""
        self._say(f"{target.quantization} {target.format}")
        if target.format not in self._families:
            made_of = (self._model, self._pool, self._learnt)
            self._families[target.format] = Family(target.format, *made_of)
        family, path = self._families[target.format], self._folder / file
        if target.calibrated:
            target = replace(target, count=self._count)
        made, tried = self._made(family, target, path)
        target = made.target if made else target
        content = made.content if made else family.make(target)
        operators = family.operators(content)
        path.write_bytes(content)
        checked = self._checked(family, target, path)
        self.answers[file] = checked.probabilities
        if (checked.input.dtype, checked.output.dtype) != (target.io, target.io):
            raise ModelError(
                f"{file} takes {checked.input.dtype} and gives {checked.output.dtype}; "
                f"wanted {target.io}: choose another --io"
            )
        self._doubt(family, target)
        options = made.options() if made else Attempt(target, 0.0, content).options()
        if self._learnt and target.quantization == "int8":
            options |= self._about_training(file, target, checked)
        if tried:
            options["tried"] = [each.as_dict() for each in tried]
        return make_entry(
            path,
            target.quantization,
            input=checked.input.as_dict(),
            output=checked.output.as_dict(),
            ops=operators,
            parity=checked.parity,
            options=options,
        )

    def _about_training(self, file: str, target: Target, checked: Checked) -> dict[str, Any]:
        """Return what a manifest says of a model whose ranges were learnt."""
        found: dict[str, Any] = {"method": METHOD}  # of every layer; calibration gave the rest
        if not target.float_layers:
            found["fake_quantized_agreement"] = hold_to_training(
                file,
                self._learnt,
                self._model,
                self._pool.judged,
                checked.probabilities,
                per_channel=target.granularity == "per-channel",
            )
        return found

    def _checked(self, family: Family, target: Target, path: Path) -> Checked:
        """Check a model that was written; where it does not hold, say which layer is to blame."""
        if target.quantization == "float32":
            return self._check(path, target.quantization)
        self._say(f"audit of {target.quantization} {target.format}")
        images = self._pool.draw(min(AUDITED, self._count)).inputs()
        audit = family.audit(path.read_bytes(), target.quantization, images)
        self.audits[path.name] = audit
        if audit.islands and not target.float_layers:
            there = "; ".join(", ".join(island) for island in audit.islands)
            self._note(f"{path.name} computes in float within: {there}")
        try:
            return self._check(path, target.quantization)
        except CheckFailed as error:
            raise CheckFailed(
                f"{error}: {audit.explain()}: try --max-drop 0.1, or mnist-edge finetune"
            ) from None

    def _made(
        self, family: Family, target: Target, path: Path
    ) -> tuple[Attempt | None, list[Attempt]]:
        """Return the attempt that keeps what it must, and all attempts; none without control."""
        control = self._control
        if control is None or target.quantization == "float32":
            return None, []

        def attempt(each: Target) -> Attempt:
            content = family.make(each)
            path.write_bytes(content)
            drop = control.check.look(path).drop
            if drop is None:
                raise DataError("max-drop needs the labels of the images that are judged on")
            floats = tuple(family.named(name) for name in each.float_layers)
            return Attempt(each, drop, content, floats)

        def rank(each: Attempt) -> Sequence[str]:
            images = self._pool.draw(min(RANKED_BY, self._count)).inputs()
            return family.rank(each.content, images)

        tried = fit(target, control.max_drop, attempt, rank, len(self._pool.images), self._say)
        if len(tried) > 1:
            self._note(
                f"{path.name}: {len(tried)} ways tried, kept {tried[-1]} points on validation"
            )
        return tried[-1], tried

    def _doubt(self, family: Family, target: Target) -> None:
        """Note what is doubtful about a target's ranges, once."""
        if target.quantization != "int8":
            return
        self._instability.setdefault(family.format, family.instability(target))
        for line in family.doubts(target):
            if line not in self._warnings:
                self._warnings.append(line)
                self._note(line)

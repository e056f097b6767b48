"""Makes one model after the other, has each checked and audited, and writes it into a folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mnist_edge.bundle import ModelEntry, make_entry
from mnist_edge.errors import CheckFailed, DataError, ModelError
from mnist_edge.export.calibration import audited
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
        calibrated: calibration images decided ranges of one of them.
        place: what progress says first, such as `2 of 8: `.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
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
        self.calibrated, self.place = False, ""
        self._name = name
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

    def write(self, target: Target) -> ModelEntry | None:
        """Make the model of a target, check it and write it.

        Returns:
            Its entry; None where control came to a model that was written before.

        Raises:
            CheckFailed: it is not the Keras model, or its output is not a classifier's.
            ModelError: it cannot be made.
        """
        self._say(f"{self.place}{target.quantization} {target.format}")
        family = self._family(target.format)
        if target.calibrated:
            target = replace(target, count=self._count)
        asked, made, tried = target, Attempt(target, 0.0), []
        if self._control is not None and target.quantization != "float32":
            tried = self._tried(family, target, self._control)
            made, target = tried[-1], tried[-1].target
        path = self._folder / self._file(asked, target)
        if path.name in self.answers:
            self._note(f"{asked.file(self._name)} came to {path.name}, which is there already")
            return None
        path.write_bytes(family.make(target))
        checked = self._checked(family, target, path)
        self.answers[path.name] = checked.probabilities
        self._doubt(family, target)
        options = made.options()
        if target.calibrated:
            self.calibrated = True
            options.pop("calibration_count", None)
            options["calibration"] = family.calibration(target).as_dict()
        if self._learnt and target.quantization == "int8":
            options |= self._about_training(path.name, target, checked)
        if tried:
            options["tried"] = [each.as_dict() for each in tried]
        return make_entry(
            path,
            target.quantization,
            input=checked.input.as_dict(),
            output=checked.output.as_dict(),
            ops=family.operators(path.read_bytes()),
            parity=checked.parity,
            options=options,
        )

    def _family(self, model_format: str) -> Family:
        if model_format not in self._families:
            made_of = (self._model, self._pool, self._learnt)
            self._families[model_format] = Family(model_format, *made_of)
        return self._families[model_format]

    def _file(self, asked: Target, made: Target) -> str:
        """Return the name of a file: what was asked for, where that is still true of it.

        A plain name says nothing of methods; one that does must not say another than was taken.
        """
        plain = asked.file(self._name) == asked.plain().file(self._name)
        return (asked if plain else made).file(self._name)

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
        self._say(f"{self.place}audit of {target.quantization} {target.format}")
        audit = family.audit(path.read_bytes(), target.quantization, self._audited)
        self.audits[path.name] = audit
        if audit.islands and not target.float_layers:
            there = "; ".join(", ".join(island) for island in audit.islands)
            self._note(f"{path.name} computes in float within: {there}")
        try:
            checked = self._check(path, target.quantization)
        except CheckFailed as error:
            advice = "keep it in float" if self._control else "try --max-drop 0.1"
            raise CheckFailed(f"{error}: {audit.explain()}: {advice}") from None
        broken = [each for each in audit.findings if not each]
        if broken:
            raise CheckFailed(
                f"{path.name}: '{broken[0].name}' does not hold of its output: "
                f"{broken[0].detail}: {audit.explain()}"
            )
        if (checked.input.dtype, checked.output.dtype) != (target.io, target.io):
            raise ModelError(
                f"{path.name} takes {checked.input.dtype} and gives {checked.output.dtype}; "
                f"wanted {target.io}: choose another --io"
            )
        return checked

    @cached_property
    def _audited(self) -> NDArray[np.float32]:
        return audited(self._pool)

    def _tried(self, family: Family, target: Target, control: Control) -> list[Attempt]:
        """Return the ways that were tried; the last one keeps what it must."""
        path = self._folder / f"attempt.{target.format}"

        def attempt(each: Target) -> Attempt:
            path.write_bytes(family.make(each))
            broken = ""
            try:
                drop = control.check(path, each.quantization).drop
            except CheckFailed as error:
                broken = str(error).partition("model: ")[2] or str(error)
                drop = control.check.look(path).drop
            if drop is None:
                raise DataError("max-drop needs the labels of the images that are judged on")
            floats = tuple(family.named(name) for name in each.float_layers)
            return Attempt(each, drop, floats, broken)

        def rank(each: Target) -> Sequence[str]:
            return family.rank(family.make(each), self._audited[:RANKED_BY])

        try:
            tried = fit(
                target,
                control.max_drop,
                attempt,
                rank,
                len(self._pool.images),
                self._say,
                calibrated=not self._learnt,
            )
        finally:
            path.unlink(missing_ok=True)
        if len(tried) > 1:
            asked = target.file(self._name)
            self._note(f"{asked}: {len(tried)} ways tried, kept {tried[-1]} points on validation")
        return tried

    def _doubt(self, family: Family, target: Target) -> None:
        """Note what is doubtful about a target's ranges, once."""
        if target.quantization != "int8":
            return
        self._instability.setdefault(family.format, family.instability(target))
        for line in family.doubts(target):
            if line not in self._warnings:
                self._warnings.append(line)
                self._note(line)
